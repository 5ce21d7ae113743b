"""Use case: look after sends that are under way, so that no delivery waits for a process that is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.publishing.retries import plan_retry
from newsletter.store import deliveries, issues, shards
from newsletter.store.workers import take_over_dead

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue


def tend_issues(database: Database, settings: Settings, *, now: datetime) -> int:
    """Free what dead processes held, queue every shard that has something to send, close what is done.

    It may run anywhere and at any time, and several times at once: each issue's row is held meanwhile.

    Returns:
        How many jobs were queued for the workers.

    """
    with database.write() as session:
        take_over_dead(database, session)
    with database.read() as session:
        under_way = issues.list_ids_in_state(session, "sending")
    queued = 0
    for issue_id in under_way:
        with database.write() as session:
            issue = issues.take_issue(session, issue_id)
            if issue.state == "sending":
                queued += _tend(session, settings, issue, now=now)
    return queued


def _tend(session: Session, settings: Settings, issue: Issue, *, now: datetime) -> int:
    give_up = timedelta(hours=settings.give_up_hours)

    def plan(delivery_id: int, attempts: int, first_attempt_at: datetime | None) -> datetime | None:
        return plan_retry(delivery_id, attempts, first_attempt_at, now=now, give_up=give_up)

    resends = (issue.on_uncertain or settings.on_uncertain) == "resend"
    if resends:
        deliveries.retry_uncertain(session, issue.id, plan)
    waits = issue.waits_until is not None and issue.waits_until > now
    queued = 0 if waits else shards.defer_shards(session, issue.id, now=now)
    if not deliveries.has_unfinished(session, issue.id, resends=resends):
        issue.state, issue.reason, issue.sent_at = "sent", None, now
        shards.drop_shards(session, issue.id)
    return queued
