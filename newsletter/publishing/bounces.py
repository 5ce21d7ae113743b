"""What mailboxes that do not exist lead to: their subscriptions end, and too many of them pause the issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from newsletter.store import bounces, issues, subscribers
from newsletter.store.audit import record_action
from newsletter.store.consents import record_consent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from newsletter.config import Settings
    from newsletter.content import Verdict
    from newsletter.store.models import Issue

BOUNCED = "bounced"
ACTOR = "bounces"
GROWTH = 1.1
"""The whole issue is counted again when there are a tenth more bounces, so a million rows are few counts."""


class BounceWatch:
    """Looks at the verdicts of one run of a send."""

    def __init__(self, settings: Settings, issue_id: int, clock: Callable[[], datetime]) -> None:
        self._settings, self._issue_id, self._clock = settings, issue_id, clock
        self._seen = 0
        self._next = 1

    @staticmethod
    def concerns(verdicts: Sequence[Verdict]) -> bool:
        """Whether `note` has anything to do about them."""
        return any(verdict.cause == "hard" for verdict in verdicts)

    def note(self, connection: Connection, verdicts: Sequence[Verdict]) -> None:
        """Act on those that say that there is no such mailbox; what a policy refused is no bounce.

        Args:
            connection: The transaction in which they were recorded.
            verdicts: Of any kind.

        """
        if not self.concerns(verdicts):
            return
        hard = [verdict.delivery_id for verdict in verdicts if verdict.cause == "hard"]
        now = self._clock()
        with Session(connection) as session:
            suspend_bounced(session, self._issue_id, hard, now=now)
            self._seen += len(hard)
            if self._seen >= self._next:
                self._next = max(self._seen + 1, int(self._seen * GROWTH))
                pause_bouncing(session, self._settings, self._issue_id, now=now)
            session.flush()


def suspend_bounced(session: Session, issue_id: int, delivery_ids: Collection[int], *, now: datetime) -> None:
    """End the subscriptions whose mailbox does not exist, so that no other issue tries them."""
    for subscription, reply in bounces.list_bounced(session, issue_id, delivery_ids):
        subscription.status, subscription.ended_at = BOUNCED, now
        record_consent(session, subscription.id, BOUNCED, "smtp", now=now, detail=reply)
        subscribers.skip_deliveries(
            session, subscription.publication_id, subscription.subscriber_id, BOUNCED, now=now
        )


def pause_bouncing(session: Session, settings: Settings, issue_id: int, *, now: datetime) -> bool:
    """Pause an issue of which too many bounce: a list that was bought or is old ruins the sender's name.

    What had bounced when somebody resumed the send counts no more, and the strict look at the first few
    is then over.
    """
    issue = issues.take_issue(session, issue_id)
    excess = _find_excess(session, settings, issue) if issue.state == "sending" else None
    if excess is None:
        return False
    issue.state = "paused"
    issue.reason = (
        f"{excess}: look at `newsletter issue deliveries {issue_id} --state failed` and at where the "
        f"addresses came from; `newsletter issue resume {issue_id}` goes on"
    )
    record_action(session, "issue_paused", f"issue {issue_id}", actor=ACTOR, now=now, detail=issue.reason)
    return True


def _find_excess(session: Session, settings: Settings, issue: Issue) -> str | None:
    first = settings.bounce_pause_first
    hard, done = bounces.count_bounces(session, issue.id, issue.resumed_at, first + 1)
    if done > first:
        hard, done = bounces.count_bounces(session, issue.id, issue.resumed_at, 0)
        percent, name = settings.bounce_pause_total_percent, "bounce_pause_total_percent"
        is_excess = 0 < percent * done < hard * 100
        allowed = f"{percent:g} % are allowed"
    else:
        percent = 0.0 if issue.resumed_at else settings.bounce_pause_percent
        name = "bounce_pause_percent"
        is_excess = 0 < percent * first <= hard * 100
        allowed = f"{percent:g} % of the first {first} are too many"
    again = " since it was resumed" if issue.resumed_at else ""
    return f"{hard} of {done} mailboxes{again} do not exist, and {allowed} ({name})" if is_excess else None
