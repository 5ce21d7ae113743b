"""Use cases: show an issue exactly as a subscriber gets it, and check it before it goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Finding
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class Preview:
    """The mail of one issue for one subscriber."""

    subject: str
    html: str
    text: str
    eml: bytes
    """The whole message, byte for byte as it goes out."""
    headers: tuple[tuple[str, str], ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Pre-flight findings."""

    blocking: tuple[Finding, ...]
    advisory: tuple[Finding, ...]


def preview_issue(
    database: Database, settings: Settings, issue_id: int, *, now: datetime, email: str | None = None
) -> Preview:
    """The mail as the subscriber of that address would get it, or a sample reader."""
    raise NotImplementedError


def check_issue(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> CheckReport:
    """Run every pre-flight rule over the mail."""
    raise NotImplementedError
