"""The ledger that a send goes by: claim, intend, record, fenced by the worker's token."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.store.bulk import update_many
from newsletter.store.columns import Instant
from newsletter.store.models import Delivery, Issue, Subscriber, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Update

    from newsletter.content import Verdict
    from newsletter.store.engine import Database
    from newsletter.store.workers import WorkerLock

REPLY_LENGTH = 500
BEGUN = ("claimed", "dot_sent")
"""The states that a claim holds."""

_DUE = (
    select(
        Delivery.id,
        Delivery.subscriber_id,
        Subscription.id,
        Delivery.email,
        Subscriber.name,
        Subscriber.attributes,
        Delivery.attempts,
        Delivery.variant,
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
    .where(Delivery.issue_id == bindparam("issue"))
    .with_for_update(skip_locked=True, of=Delivery)
    .limit(bindparam("most"))
)
_STATE = select(Issue.state).where(Issue.id == bindparam("issue"))
_TABLE = cast("Table", Delivery.__table__)
_COLUMNS = _TABLE.c
_FIRST_AT = func.coalesce(_COLUMNS.first_attempt_at, bindparam("now", type_=Instant()))
# An IN cannot be sent for many rows at once.
_IS_BEGUN = or_(*(_COLUMNS.state == state for state in BEGUN))
_MINE = update(_TABLE).where(
    _COLUMNS.id == bindparam("row"), _COLUMNS.claim_token == bindparam("token"), _IS_BEGUN
)
_CLAIM = (
    update(_TABLE)
    .where(_COLUMNS.id == bindparam("row"))
    .values(state="claimed", claim_token=bindparam("token"))
)
_INTEND = _MINE.where(
    select(Issue.id).where(Issue.id == bindparam("issue"), Issue.state == "sending").exists()
).values(state="dot_sent", first_attempt_at=_FIRST_AT)
_RELEASE = _MINE.values(state="queued", claim_token=None, next_attempt_at=None)
_POSTPONE = _MINE.values(state="deferred", claim_token=None, next_attempt_at=bindparam("again"))
_RECORD = _MINE.values(
    state=bindparam("to"),
    claim_token=None,
    attempts=_COLUMNS.attempts + 1,
    first_attempt_at=_FIRST_AT,
    next_attempt_at=bindparam("again"),
    finished_at=bindparam("done"),
    code=bindparam("said_code"),
    enhanced=bindparam("said_enhanced"),
    reply=bindparam("said"),
    cause=bindparam("why"),
    route=bindparam("via"),
)


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
    variant: str


@dataclass(frozen=True, slots=True)
class Retry:
    """What to do about a deferral: try again at that time, or give up."""

    at: datetime | None


class LedgerStore:
    """The rows of one issue, as one worker may touch them from one thread."""

    def __init__(
        self,
        database: Database,
        issue_id: int,
        worker: WorkerLock,
        *,
        clock: Callable[[], datetime],
        plan_retry: Callable[[int, int, datetime | None, datetime], Retry],
        ids: range | None = None,
    ) -> None:
        """Take what decides: whose issue, which worker, what time it is, when a deferral is tried again.

        Args:
            database: The handle.
            issue_id: Whose rows.
            worker: Fences every write.
            clock: The time that is recorded.
            plan_retry: From delivery id, attempts made, first attempt and now to a `Retry`.
            ids: Nothing outside of these is claimed.

        """
        self._writer = database.open_writer()
        self._issue_id = issue_id
        self._worker = worker
        self._clock = clock
        self._plan_retry = plan_retry
        due = _DUE if ids is None else _DUE.where(Delivery.id >= ids.start, Delivery.id < ids.stop)
        # Built once: to build one takes longer than to run it.
        is_due = Delivery.next_attempt_at <= bindparam("now", type_=Instant())
        self._put_off = due.where(Delivery.state == "deferred", is_due).order_by(Delivery.next_attempt_at)
        queued = due.where(Delivery.state == "queued").order_by(Delivery.id)
        self._ahead = queued.where(Delivery.id > bindparam("last"))
        self._behind = queued.where(Delivery.id <= bindparam("last"))
        self._last = 0
        """Id of the queued row that was claimed last."""
        self._open: Connection | None = None

    @contextmanager
    def transaction(self, *, once: bool = False) -> Iterator[Connection]:
        """Have all calls inside be one commit, or none where one raises; a call outside is one by itself.

        Args:
            once: One statement in it writes, see `RowWriter.write`.

        """
        if self._open is not None:
            yield self._open
            return
        with self._writer.write(once=once) as connection:
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

    def close(self) -> None:
        """Give the connection back."""
        self._writer.close()

    def claim(self, limit: int) -> list[ClaimedRow]:
        """Take up to `limit` rows that are due; empty when none is, or when nothing may be sent.

        That is so while the issue is paused or ended, and when this worker was taken for dead.
        """
        with self.transaction() as connection:
            if not self._worker.renew(Session(connection)) or not self._is_sending(connection):
                return []
            rows = self._due_rows(connection, limit)
            self._update(connection, (_CLAIM, [{"row": row.id} for row in rows]))
            return rows

    def _due_rows(self, connection: Connection, limit: int) -> list[ClaimedRow]:
        values = {"issue": self._issue_id, "now": self._clock(), "last": self._last}
        # What was put off goes first, or it would wait until everybody else has had theirs.
        rows = list(connection.execute(self._put_off, {**values, "most": limit}))
        fresh = list(connection.execute(self._ahead, {**values, "most": limit - len(rows)}))
        rest = limit - len(rows) - len(fresh)
        if rest and self._last:
            # Once round, for what was given back; PostgreSQL would walk over all that was claimed each time.
            fresh += connection.execute(self._behind, {**values, "most": rest})
        if fresh:
            self._last = fresh[-1].id
        rows += fresh
        return [ClaimedRow(*row) for row in rows]

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        """Write what became of deliveries, and that the bodies of others are about to be written.

        On PostgreSQL one statement does it, and commits itself. Whose claim was lost is left alone: the
        subscriber left, the issue was paused, another worker took over.

        Args:
            verdicts: Of deliveries that this worker holds.
            ids: The intents; of one that has a verdict too the verdict alone counts.

        Returns:
            Those of the ids whose bodies may be written.

        """
        told = {verdict.delivery_id for verdict in verdicts}
        ids = [key for key in ids if key not in told]
        deferred = [verdict.delivery_id for verdict in verdicts if verdict.state == "deferred"]
        with self.transaction(once=True) as connection:
            now = self._clock()
            retries = self._plan_retries(connection, deferred, now) if deferred else {}
            rows = [_to_row(verdict, retries.get(verdict.delivery_id), now) for verdict in verdicts]
            intents: list[dict[str, object]] = [
                {"row": key, "now": now, "issue": self._issue_id} for key in ids
            ]
            if self._update(connection, (_RECORD, rows), (_INTEND, intents)) == len(ids):
                return set(ids)
            held = select(_COLUMNS.id).where(
                _COLUMNS.id.in_(ids), _COLUMNS.claim_token == self._worker.token, _COLUMNS.state == "dot_sent"
            )
            return set(connection.scalars(held))

    def _plan_retries(
        self, connection: Connection, ids: Sequence[int], now: datetime
    ) -> dict[int, tuple[int, Retry]]:
        """Attempts made and what follows, by id."""
        query = select(Delivery.id, Delivery.attempts, Delivery.first_attempt_at).where(Delivery.id.in_(ids))
        return {
            key: (attempts + 1, self._plan_retry(key, attempts + 1, first_at, now))
            for key, attempts, first_at in connection.execute(query)
        }

    def release(self, ids: Collection[int]) -> None:
        """Give back what certainly did not go out; the attempt does not count."""
        with self.transaction() as connection:
            self._update(connection, (_RELEASE, [{"row": key} for key in ids]))

    def postpone(self, waits: Mapping[int, float]) -> None:
        """The same, but none can be claimed before so many seconds are over."""
        now = self._clock()
        rows = [{"row": key, "again": now + timedelta(seconds=wait)} for key, wait in waits.items()]
        with self.transaction() as connection:
            self._update(connection, (_POSTPONE, rows))

    def should_stop(self) -> bool:
        """Whether the issue was paused or cancelled, or this worker was taken for dead."""
        with self.transaction() as connection:
            if self._worker.is_beat_due and not self._worker.renew(Session(connection)):
                return True
            return not self._is_sending(connection)

    def _update(self, connection: Connection, *updates: tuple[Update, list[dict[str, object]]]) -> int:
        """Change many rows at once; those that this worker does not hold stay as they are.

        Returns:
            How many the last of the statements changed.

        """
        token = self._worker.token
        given = [(what, [{"token": token, **row} for row in rows]) for what, rows in updates if rows]
        changed = update_many(connection, *given) if given else 0
        return changed if updates[-1][1] else 0

    def _is_sending(self, connection: Connection) -> bool:
        return connection.scalar(_STATE, {"issue": self._issue_id}) == "sending"


def _to_row(verdict: Verdict, retry: tuple[int, Retry] | None, now: datetime) -> dict[str, object]:
    state, again, reply = verdict.state, None, verdict.reply
    if retry is not None:
        attempts, again = retry[0], retry[1].at
        if again is None:
            state, reply = "failed", f"given up after {attempts} attempts: {reply}"
    return {
        "row": verdict.delivery_id,
        "now": now,
        "to": state,
        "again": again,
        "done": None if again else now,
        "said_code": verdict.code,
        "said_enhanced": verdict.enhanced,
        "said": reply[:REPLY_LENGTH] if reply else reply,
        "why": verdict.cause,
        "via": verdict.route,
    }
