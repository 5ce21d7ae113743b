"""Use case: send an approved issue to everyone once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import OnUncertain
    from newsletter.publishing.issues import IssueStatus
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How one run of a send goes."""

    connections: int | None = None
    on_uncertain: OnUncertain | None = None
    on_progress: Callable[[IssueStatus], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it, and no new transaction starts."""


def send_issue(
    database: Database, settings: Settings, issue_id: int, options: SendOptions, *, now: datetime
) -> IssueStatus:
    """Fix the recipients if that is not done, then send to all that are due; safe to run again after any stop."""
    raise NotImplementedError
