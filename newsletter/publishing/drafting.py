"""Use case: draft an issue from what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.publishing.issues import IssueView
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """Which issue to draft: of a period of the schedule, or by hand."""

    slug: str | None = None
    since: datetime | None = None
    cadence: str = "weekly"
    period: str | None = None
    due_at: datetime | None = None


def draft_issue(database: Database, settings: Settings, request: DraftRequest, *, now: datetime) -> IssueView:
    """Compose and keep a draft; nothing new gives an issue in state `skipped` with the reason."""
    raise NotImplementedError
