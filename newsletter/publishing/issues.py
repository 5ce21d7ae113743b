"""Use cases: list and show issues, their standing and their deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class IssueView:
    """One issue as screens and JSON show it."""

    id: int
    number: int | None
    publication: str
    """Its slug."""
    subject: str
    preheader: str
    articles: int
    state: str
    reason: str | None
    period: str | None
    content_hash: str | None
    drafted_at: datetime
    due_at: datetime | None
    approved_at: datetime | None
    approved_by: str | None
    scheduled_at: datetime | None
    sending_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """How a send stands; the counts always add up to `recipients`."""

    state: str
    recipients: int
    queued: int = 0
    claimed: int = 0
    dot_sent: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    skipped: int = 0
    reason: str | None = None


def list_issues(database: Database, slug: str | None) -> list[IssueView]:
    """The issues of a publication, newest first."""
    raise NotImplementedError


def get_issue(database: Database, issue_id: int) -> IssueView:
    """One issue."""
    raise NotImplementedError


def get_issue_status(database: Database, issue_id: int) -> IssueStatus:
    """Counts of one issue's ledger rows by state."""
    raise NotImplementedError


def list_deliveries(database: Database, issue_id: int, state: str | None = None) -> Iterator[dict[str, Any]]:
    """JSON-ready ledger rows: email, state, attempts, code, reply, message_id."""
    raise NotImplementedError
