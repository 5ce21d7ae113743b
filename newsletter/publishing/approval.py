"""Use cases: approve (freeze), schedule, stop, pause, resume and cancel an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.publishing.issues import IssueView
    from newsletter.store.engine import Database


def approve_issue(
    database: Database, settings: Settings, issue_id: int, *, actor: str, now: datetime, override: str | None = None
) -> IssueView:
    """Freeze a draft's content; refused while findings block, unless overridden with a reason that is kept."""
    raise NotImplementedError


def stop_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Keep a draft or an approved issue from going out by itself; approving it again lets it go."""
    raise NotImplementedError


def schedule_issue(database: Database, issue_id: int, at: datetime, *, actor: str, now: datetime) -> IssueView:
    """Have an approved issue sent at a given time."""
    raise NotImplementedError


def pause_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Stop a send between two messages."""
    raise NotImplementedError


def resume_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Let a paused send go on."""
    raise NotImplementedError


def cancel_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """End an issue for good; what is not yet sent is skipped."""
    raise NotImplementedError
