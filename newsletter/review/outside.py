"""What only the network and other programs can say of a mail; adapters hand it to the rules as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """What asking for one address of a mail gave."""

    url: str
    status: int | None = None
    """HTTP status of the last answer; None where there was none."""
    hops: tuple[str, ...] = ()
    """Every address that it redirected to, in order."""
    error: str | None = None
    """Why there was no answer."""
    content_type: str | None = None
    size: int | None = None
    """Octets, where the server says how many."""
    is_refused: bool = False
    """Whether it was not asked at all, being no public address."""


@dataclass(frozen=True, slots=True)
class SpamRule:
    """One rule of a spam filter that a mail met."""

    name: str
    score: float
    description: str


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """What a spam filter says of a mail."""

    score: float
    rules: tuple[SpamRule, ...] = ()


@dataclass(frozen=True, slots=True)
class AxeViolation:
    """One fault that axe found in a browser."""

    rule: str
    impact: str
    help: str
    mode: str
    """`light` or `dark`."""
    snippet: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Outside:
    """What only the network and other programs can say of a mail, handed to the rules as values."""

    links: tuple[LinkAnswer, ...] = ()
    spam: SpamVerdict | None = None
    axe: tuple[AxeViolation, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not asked, and why."""
