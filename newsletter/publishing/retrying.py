"""Use case: try again what failed, or what nobody knows about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from newsletter.errors import StateError
from newsletter.store import deliveries, issues
from newsletter.store.audit import record_action
from newsletter.store.shards import defer_shards

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database

Retriable = Literal["failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class RetryReport:
    """How many are tried again, and how many are left as they are."""

    requeued: int
    bounced: int
    """The mailbox does not exist."""
    left: int
    """The subscriber left, is suppressed, or is paused."""


def retry_issue(
    database: Database, issue_id: int, state: Retriable, *, actor: str, now: datetime
) -> RetryReport:
    """Queue the deliveries of one state anew; an issue that was sent is being sent again.

    Raises:
        NotFoundError: There is no such issue.
        StateError: It was never sent, or it was cancelled.

    """
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        if issue.state not in {"sending", "sent", "paused"}:
            raise StateError(f"issue {issue_id} is {issue.state}: there is nothing to try again")
        requeued = deliveries.requeue_retriable(session, issue, state, now=now)
        rest = deliveries.count_bounced(session, issue_id, state)
        if requeued:
            reopen(session, issue_id, now=now)
        detail = f"{requeued} {state} queued again"
        record_action(session, "issue_retried", f"issue {issue_id}", actor=actor, now=now, detail=detail)
    return RetryReport(requeued, *rest)


def reopen(session: Session, issue_id: int, *, now: datetime) -> None:
    """Have an issue go on being sent, now that deliveries of it are queued again; a paused one stays so."""
    issue = issues.take_issue(session, issue_id)
    if issue.state == "sent":
        issue.state, issue.sent_at, issue.reason = "sending", None, None
    if issue.state == "sending":
        defer_shards(session, issue_id, now=now)
