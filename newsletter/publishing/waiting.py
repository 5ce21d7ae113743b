"""Why a send does not go on at once: closed windows, limits that are used up, routes that are down."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.publishing.calendar import describe
from newsletter.publishing.routes import choose_routes
from newsletter.store import issues, paces, publications
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


def explain_end(
    session: Session,
    issue: Issue,
    settings: Settings,
    outcome: Outcome,
    retry_at: datetime | None,
    *,
    now: datetime,
) -> None:
    """Write on an issue's row why its send ended, and until when no scheduler goes on with it.

    Args:
        session: A transaction that holds the row.
        issue: One that is being sent.
        settings: The routes with their windows.
        outcome: How the run ended.
        retry_at: When a route that is down is to be tried again.
        now: The time.

    """
    down = "; ".join(route.error for route in outcome.routes if route.error) or None
    if outcome.is_refused:
        # More of the same would do harm, so somebody has to look.
        issue.state = "paused"
        issue.reason = f"{outcome.error}; `newsletter issue resume {issue.id}` goes on"
        record_action(session, "issue_paused", f"issue {issue.id}", actor=ACTOR, now=now, detail=issue.reason)
    elif outcome.waits:
        zone = publications.get_row(session, issue.publication_id).timezone
        until = _find_next(settings, zone, outcome.waits_seconds, retry_at, now=now)
        said = f"{outcome.waits}; it goes on {describe(until.astimezone(ZoneInfo(zone)))}"
        issue.waits_until, issue.reason = until, "; ".join(filter(None, (said, down)))
    else:
        issue.waits_until = retry_at if outcome.error else None
        issue.reason = outcome.error or down


def _find_next(
    settings: Settings, zone: str, seconds: float, retry_at: datetime | None, *, now: datetime
) -> datetime:
    """When the first route can be used again, in a day at the latest."""
    limit_at = now + timedelta(seconds=seconds) if math.isfinite(seconds) else None
    times = (limit_at, choose_routes(settings, zone, now=now).opens_at, retry_at, now + timedelta(days=1))
    return min(at for at in times if at is not None)
