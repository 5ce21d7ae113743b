"""Whatever workers, readers and operators do, in any order, a delivery has one state and one owner."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update

from newsletter.content import DeliveryState
from newsletter.store import subscribers
from newsletter.store.deliveries import (
    UNFINISHED,
    count_states,
    has_unfinished,
    requeue_uncertain,
    skip_deliveries_of,
)
from newsletter.store.engine import Database
from newsletter.store.ledger import LedgerStore
from newsletter.store.models import Delivery, Worker
from newsletter.store.workers import WorkerLock, take_over_dead
from tests.support.ledger_builders import (
    NOW,
    Clock,
    add_sending_issue,
    make_ledger,
    make_verdict,
    set_issue_state,
)

RECIPIENTS = 8
WORKERS = st.integers(0, 1)
FINAL: list[DeliveryState] = ["sent", "deferred", "failed", "uncertain"]


class Send(RuleBasedStateMachine):
    """Two workers on one issue; the model knows which bodies went out, and of which a verdict is known."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="ledger-")
        path = Path(self.folder.name) / "subscribers.db"
        shutil.copy(self.template, path)
        self.database = Database(f"sqlite:///{path}")
        self.clock = Clock()
        self.last: LedgerStore | None = None
        self.held: list[set[int]] = [set(), set()]
        self.bodies: Counter[int] = Counter()
        self.doubtful: Counter[int] = Counter()

    @initialize()
    def begin(self) -> None:
        self.issue_id = add_sending_issue(self.database, RECIPIENTS)
        self.locks = [WorkerLock(self.database), WorkerLock(self.database)]

    def ledger(self, worker: int) -> LedgerStore:
        if self.last:
            self.last.close()
        self.last = make_ledger(self.database, self.issue_id, self.locks[worker], self.clock)
        return self.last

    def doubt(self, worker: int) -> None:
        """Nobody will know what became of the bodies that a worker has out."""
        token = self.locks[worker].token
        self.doubtful.update(key for key in range(1, RECIPIENTS + 1) if self.read(key) == ("dot_sent", token))

    @rule(worker=WORKERS, limit=st.integers(1, 4))
    def claim(self, worker: int, limit: int) -> None:
        self.held[worker] |= {row.id for row in self.ledger(worker).claim(limit)}

    @rule(worker=WORKERS, data=st.data())
    def write_bodies(self, worker: int, data: st.DataObject) -> None:
        if self.held[worker]:
            ids = data.draw(st.sets(st.sampled_from(sorted(self.held[worker])), max_size=3))
            already = {key for key in ids if self.read(key)[0] == "dot_sent"}
            self.bodies.update(self.ledger(worker).settle([], ids) - already)

    @rule(worker=WORKERS, state=st.sampled_from(FINAL), data=st.data())
    def answer(self, worker: int, state: DeliveryState, data: st.DataObject) -> None:
        if self.held[worker]:
            key = data.draw(st.sampled_from(sorted(self.held[worker])))
            was_held = self.read(key)[1] == self.locks[worker].token
            self.ledger(worker).settle([make_verdict(key, state)], [])
            if was_held and state != "sent":
                self.doubtful[key] += 1
            self.held[worker].discard(key)

    @rule(worker=WORKERS)
    def give_back(self, worker: int) -> None:
        for key in self.held[worker]:
            if self.read(key) == ("dot_sent", self.locks[worker].token):
                self.doubtful[key] += 1
        self.ledger(worker).release(self.held[worker])
        self.held[worker].clear()

    @rule(worker=WORKERS)
    def vanish(self, worker: int) -> None:
        """A machine that falls silent for longer than its lease; it never learns of it."""
        self.doubt(worker)
        with self.database.write() as session:
            row = session.get(Worker, self.locks[worker].token)
            if row is not None:
                Path(row.lock).unlink(missing_ok=True)
                session.execute(
                    update(Worker).where(Worker.token == row.token).values(lease_until=row.started_at)
                )
            take_over_dead(self.database, session)

    @rule(worker=WORKERS)
    def start_anew(self, worker: int) -> None:
        self.doubt(worker)
        self.locks[worker].close()
        self.locks[worker] = WorkerLock(self.database)
        self.held[worker].clear()

    @rule(reader=st.integers(1, RECIPIENTS))
    def leave(self, reader: int) -> None:
        with self.database.write() as session:
            subscribers.skip_deliveries(session, 1, reader, "unsubscribed", now=NOW)

    @rule(state=st.sampled_from(["sending", "sending", "paused", "cancelled"]))
    def turn(self, state: str) -> None:
        set_issue_state(self.database, self.issue_id, state)
        if state == "cancelled":
            with self.database.write() as session:
                skip_deliveries_of(session, self.issue_id, "cancelled", now=NOW)

    @rule()
    def send_uncertain_again(self) -> None:
        with self.database.write() as session:
            requeue_uncertain(session, self.issue_id)

    @rule(minutes=st.integers(1, 400))
    def wait(self, minutes: int) -> None:
        self.clock.move(minutes=minutes)

    def read(self, key: int) -> tuple[str, str | None]:
        with self.database.read() as session:
            row = session.get_one(Delivery, key)
            return row.state, row.claim_token

    @invariant()
    def the_counts_add_up(self) -> None:
        with self.database.read() as session:
            counts = count_states(session, 1)
            assert sum(counts.values()) in {0, RECIPIENTS}
            assert has_unfinished(session, 1) == any(counts.get(state) for state in UNFINISHED)

    @invariant()
    def every_row_has_what_its_state_needs(self) -> None:
        with self.database.read() as session:
            tokens = set(session.scalars(select(Worker.token)))
            for row in session.scalars(select(Delivery)):
                assert (row.claim_token in tokens) == (row.state in {"claimed", "dot_sent"})
                assert (row.claim_token is None) == (row.state not in {"claimed", "dot_sent"})
                assert (row.finished_at is not None) == (row.state in {"sent", "failed", "skipped"}) or (
                    row.state == "uncertain"
                )
                assert row.next_attempt_at is None or row.state in {"deferred", "claimed", "dot_sent"}

    @invariant()
    def no_body_goes_out_twice_without_doubt(self) -> None:
        for key, times in self.bodies.items():
            assert times <= 1 + self.doubtful[key]

    def teardown(self) -> None:
        for lock in getattr(self, "locks", []):
            lock.close()
        self.database.close()
        self.folder.cleanup()


@pytest.mark.timeout(600)
def test_the_states_always_add_up(database_template: Path, is_deep: bool) -> None:  # noqa: FBT001 - a fixture
    Send.template = database_template
    examples = 120 if is_deep else 12
    run_state_machine_as_test(
        Send, settings=hypothesis.settings(max_examples=examples, stateful_step_count=30, deadline=None)
    )
