"""The ledger that a send goes by: claim, intend, record, each a transaction fenced by the worker's token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, literal, or_, select, update

from newsletter.store.columns import Instant
from newsletter.store.models import Delivery, Issue, Subscriber, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.content import Verdict
    from newsletter.store.engine import Database
    from newsletter.store.workers import WorkerLock

REPLY_LENGTH = 500
BEGUN = ("claimed", "dot_sent")
"""The states that a claim holds."""


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """A row that this worker may send."""

    id: int
    subscriber_id: int
    subscription_id: int
    email: str
    name: str | None
    attributes: dict[str, Any]
    attempts: int
    """Those made before."""


@dataclass(frozen=True, slots=True)
class Retry:
    """What to do about a deferral: try again at that time, or give up."""

    at: datetime | None


class LedgerStore:
    """The rows of one issue, as one worker may touch them."""

    def __init__(
        self,
        database: Database,
        issue_id: int,
        worker: WorkerLock,
        *,
        clock: Callable[[], datetime],
        plan_retry: Callable[[int, int, datetime | None, datetime], Retry],
    ) -> None:
        """Take what decides: whose issue, which worker, what time it is, when a deferral is tried again.

        Args:
            database: The handle.
            issue_id: Whose rows.
            worker: Fences every write.
            clock: The time that is recorded.
            plan_retry: From delivery id, attempts made, first attempt and now to a `Retry`.

        """
        self._database = database
        self._issue_id = issue_id
        self._worker = worker
        self._clock = clock
        self._plan_retry = plan_retry

    def claim(self, limit: int) -> list[ClaimedRow]:
        """Take up to `limit` rows that are due; empty when none is, or when nothing may be sent.

        That is so while the issue is paused or ended, and when this worker was taken for dead.
        """
        with self._database.write() as session:
            if not self._worker.renew(session) or not self._is_sending(session):
                return []
            rows = self._due_rows(session, limit)
            session.execute(
                update(Delivery)
                .where(Delivery.id.in_([row.id for row in rows]))
                .values(state="claimed", claim_token=self._worker.token)
            )
            return rows

    def _due_rows(self, session: Session, limit: int) -> list[ClaimedRow]:
        mine = (
            select(
                Delivery.id,
                Delivery.subscriber_id,
                Subscription.id,
                Delivery.email,
                Subscriber.name,
                Subscriber.attributes,
                Delivery.attempts,
            )
            .join(Issue, Issue.id == Delivery.issue_id)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .join(
                Subscription,
                and_(
                    Subscription.subscriber_id == Delivery.subscriber_id,
                    Subscription.publication_id == Issue.publication_id,
                ),
            )
            .where(Delivery.issue_id == self._issue_id)
            .with_for_update(skip_locked=True, of=Delivery)
        )
        rows = list(
            session.execute(mine.where(Delivery.state == "queued").order_by(Delivery.id).limit(limit))
        )
        if len(rows) < limit:
            due = mine.where(Delivery.state == "deferred", Delivery.next_attempt_at <= self._clock())
            rows += session.execute(due.order_by(Delivery.next_attempt_at).limit(limit - len(rows)))
        return [ClaimedRow(*row) for row in rows]

    def intend(self, ids: Collection[int]) -> set[int]:
        """Record that bodies are about to be written; only for the ids given back may they be.

        The others were lost meanwhile: the subscriber left, the issue was paused, another worker took over.
        """
        with self._database.write() as session:
            if not self._is_sending(session):
                return set()
            now = self._clock()
            intended = (
                update(Delivery)
                .where(
                    Delivery.id.in_(ids),
                    Delivery.state.in_(BEGUN),
                    Delivery.claim_token == self._worker.token,
                )
                .values(state="dot_sent", first_attempt_at=_first(Delivery.first_attempt_at, now))
                .returning(Delivery.id)
            )
            return set(session.scalars(intended))

    def record(self, verdicts: Sequence[Verdict]) -> int:
        """Write what became of deliveries; those whose claim was lost are left alone.

        Returns:
            How many were written.

        """
        if not verdicts:
            return 0
        now = self._clock()
        delivery = Delivery.__table__.c
        statement = (
            update(Delivery.__table__)  # type: ignore[arg-type] # a Table, though typed as FromClause
            .where(
                delivery.id == bindparam("row"),
                delivery.claim_token == self._worker.token,
                or_(
                    *(delivery.state == state for state in BEGUN)
                ),  # an IN cannot be sent for many rows at once
            )
            .values(
                state=bindparam("to"),
                claim_token=None,
                attempts=delivery.attempts + 1,
                first_attempt_at=_first(delivery.first_attempt_at, now),
                next_attempt_at=bindparam("again"),
                finished_at=bindparam("done"),
                code=bindparam("said_code"),
                enhanced=bindparam("said_enhanced"),
                reply=bindparam("said"),
                route=bindparam("via"),
            )
        )
        with self._database.write() as session:
            rows = [self._row(session, verdict, now) for verdict in verdicts]
            result = session.connection().execute(statement, rows)
            return int(result.rowcount)

    def _row(self, session: Session, verdict: Verdict, now: datetime) -> dict[str, object]:
        state, again, reply = verdict.state, None, verdict.reply
        if state == "deferred":
            row = session.execute(
                select(Delivery.attempts, Delivery.first_attempt_at).where(Delivery.id == verdict.delivery_id)
            ).one()
            again = self._plan_retry(verdict.delivery_id, row.attempts + 1, row.first_attempt_at, now).at
            if again is None:
                state, reply = "failed", f"given up after {row.attempts + 1} attempts: {reply}"
        return {
            "row": verdict.delivery_id,
            "to": state,
            "again": again,
            "done": None if state == "deferred" else now,
            "said_code": verdict.code,
            "said_enhanced": verdict.enhanced,
            "said": reply[:REPLY_LENGTH] if reply else reply,
            "via": verdict.route,
        }

    def release(self, ids: Collection[int]) -> None:
        """Give back what certainly did not go out; the attempt does not count."""
        with self._database.write() as session:
            session.execute(
                update(Delivery)
                .where(
                    Delivery.id.in_(ids),
                    Delivery.state.in_(BEGUN),
                    Delivery.claim_token == self._worker.token,
                )
                .values(state="queued", claim_token=None, next_attempt_at=None)
            )

    def should_stop(self) -> bool:
        """Whether the issue was paused or cancelled, or this worker was taken for dead."""
        if self._worker.is_beat_due:
            with self._database.write() as session:
                if not self._worker.renew(session):
                    return True
        with self._database.read() as session:
            return not self._is_sending(session)

    def _is_sending(self, session: Session) -> bool:
        return session.scalar(select(Issue.state).where(Issue.id == self._issue_id)) == "sending"


def _first(column: Any, now: datetime) -> Any:  # noqa: ANN401 - SQLAlchemy's expressions have no common type
    return func.coalesce(column, literal(now, Instant()))
