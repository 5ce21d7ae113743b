"""Why a send does not go on at once: closed windows, limits that are used up, routes that are down."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.publishing.calendar import describe
from newsletter.publishing.routes import choose_routes
from newsletter.store import issues, paces
from newsletter.store.audit import record_action

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.deliver.engine import Outcome
    from newsletter.deliver.route import Route
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue

ACTOR = "routes"


def open_routes(
    database: Database, settings: Settings, issue_id: int, timezone: str, *, now: datetime
) -> tuple[Route, ...]:
    """The routes that may be used now; without any the issue says when one opens, and stays as it is."""
    with database.read() as session:
        resting = paces.list_resting(session, now)
    choice = choose_routes(settings, timezone, resting, now=now)
    if not choice.routes and choice.opens_at is not None:
        with database.write() as session:
            issue = issues.take_issue(session, issue_id)
            issue.waits_until = choice.opens_at
            when = describe(choice.opens_at.astimezone(ZoneInfo(timezone)))
            issue.reason = f"no route may be used at this hour; it goes on {when}"
    return choice.routes


def record_routes(session: Session, outcome: Outcome, *, now: datetime) -> datetime | None:
    """Remember which routes were down; when the first of them is to be tried again."""
    known = paces.list_failed(session)
    tries = [
        paces.record_route(session, route.name, route.error, now=now)
        for route in outcome.routes
        if route.error or route.name in known
    ]
    return min((at for at in tries if at is not None), default=None)


def pause_refused(session: Session, issue: Issue, outcome: Outcome, *, now: datetime) -> None:
    """Pause an issue whose sender or content every route refuses: more of the same would do harm."""
    issue.state = "paused"
    issue.reason = f"{outcome.error}; `newsletter issue resume {issue.id}` goes on"
    record_action(session, "issue_paused", f"issue {issue.id}", actor=ACTOR, now=now, detail=issue.reason)


def find_pause(
    outcome: Outcome, retry_at: datetime | None, opens_at: datetime | None, *, now: datetime
) -> tuple[datetime | None, str | None]:
    """Until when no scheduler goes on with a send, and the reason that its row shows.

    Args:
        outcome: How the run ended.
        retry_at: When a route that is down is to be tried again.
        opens_at: When a sending window opens next.
        now: The time.

    """
    down = "; ".join(route.error for route in outcome.routes if route.error) or None
    if outcome.error:
        return retry_at, outcome.error
    if not outcome.waits:
        return None, down
    limit_at = (
        now + timedelta(seconds=outcome.waits_seconds) if math.isfinite(outcome.waits_seconds) else None
    )
    until = min(at for at in (limit_at, opens_at, retry_at, now + timedelta(days=1)) if at is not None)
    said = f"{outcome.waits}; it goes on {describe(until.astimezone(now.tzinfo))}"
    return until, "; ".join(filter(None, (said, down)))
