"""What a rule is: its stable id, its weight, what it looks for, why that matters and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from newsletter.review.mail import Facts, Mail

Weight = Literal["blocks", "blocks-live", "advises"]
"""`blocks-live` only advises while every route and the base URL are loopback: nothing can leave then."""

Faults = Iterator[tuple[str, Any]]
"""Pairs of what is wrong and where: an element of the HTML part, a `Spot`, or words."""

Check = Callable[[Mail, Facts], Faults]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the table."""

    id: str
    weight: Weight
    why: str
    """One sentence for an editor: what happens to readers or to the send."""
    fix: str
    check: Check
    lints: bool
    """Whether the message alone shows it, so that any captured mail can be held against it."""

    def is_blocking(self, facts: Facts) -> bool:
        """Whether what it finds blocks an issue."""
        return self.weight == "blocks" or (self.weight == "blocks-live" and not facts.is_rehearsal)


def rule(id: str, weight: Weight, *, why: str, fix: str, lints: bool = True) -> Callable[[Check], Rule]:  # noqa: A002 - the field's own name
    """Make a rule of a function that looks for its faults."""
    return lambda check: Rule(id, weight, why, fix, check, lints)
