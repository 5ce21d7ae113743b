"""The store's ledger keeps what `deliver` was promised, on both databases, and its own rules beside."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text, update

from newsletter.content import Claimed, DeliveryState, Recipient, Verdict
from newsletter.errors import DatabaseError
from newsletter.store import subscribers
from newsletter.store.deliveries import count_states, has_unfinished, list_deliveries, next_attempt_at
from newsletter.store.engine import Database
from newsletter.store.ledger import REPLY_LENGTH, LedgerStore
from newsletter.store.models import Delivery, Issue
from newsletter.store.workers import WorkerLock
from tests.support.ledger_builders import (
    NOW,
    Clock,
    add_sending_issue,
    make_ledger,
    make_verdict,
    read_row,
    read_states,
    set_issue_state,
)
from tests.support.ledger_contract import LedgerContract
from tests.support.ledger_processes import run_at_once
from tests.support.ledger_work import claim_all


def start(database: Database, recipients: int, clock: Clock | None = None) -> LedgerStore:
    """A ledger of an issue that is being sent to so many."""
    return make_ledger(
        database, add_sending_issue(database, recipients), WorkerLock(database), clock or Clock()
    )


def leave(database: Database, delivery_id: int) -> None:
    """Have the recipient of a delivery unsubscribe."""
    row = read_row(database, delivery_id)
    with database.write() as session:
        publication_id = session.get_one(Issue, row.issue_id).publication_id
        subscribers.skip_deliveries(session, publication_id, row.subscriber_id, "unsubscribed", now=NOW)


class EngineLedger:
    """The rows with recipients as the engine wants them; their links are not the store's to make."""

    def __init__(self, store: LedgerStore) -> None:
        self.store = store
        self.transaction = store.transaction
        self.postpone = store.postpone

    def claim(self, limit: int) -> list[Claimed]:
        return [
            Claimed(row.id, Recipient(row.subscriber_id, row.email, row.name), row.attempts + 1)
            for row in self.store.claim(limit)
        ]

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        return self.store.settle(verdicts, ids)

    def release(self, ids: Collection[int]) -> None:
        self.store.release(ids)

    def should_stop(self) -> bool:
        return self.store.should_stop()


class StoredSubject:
    """Rows in a database, and workers on them."""

    def __init__(self, database: Database, count: int) -> None:
        self.database = database
        self.issue_id = add_sending_issue(database, count)
        self.ledger = self.other()

    def other(self) -> EngineLedger:
        return EngineLedger(make_ledger(self.database, self.issue_id, WorkerLock(self.database)))

    def read_state(self, delivery_id: int) -> tuple[DeliveryState, int]:
        row = read_row(self.database, delivery_id)
        return row.state, row.attempts  # type: ignore[return-value] # a column of text

    def take_away(self, delivery_id: int) -> None:
        leave(self.database, delivery_id)

    def pause(self) -> None:
        set_issue_state(self.database, self.issue_id, "paused")


class TestStoredLedger(LedgerContract):
    """The contract, on real databases."""

    @pytest.fixture(autouse=True)
    def _use(self, either_database: Database) -> None:
        self.database = either_database

    def make_subject(self, count: int) -> StoredSubject:
        return StoredSubject(self.database, count)


def test_a_claim_is_written_with_the_workers_token(either_database: Database) -> None:
    ledger = start(either_database, 3)

    (row,) = ledger.claim(1)

    assert (row.email, row.attempts) == ("reader0000@example.net", 0)
    assert read_states(either_database) == ["claimed", "queued", "queued"]
    assert read_row(either_database, row.id).claim_token


def test_what_is_said_in_a_transaction_is_written_together_or_not_at_all(either_database: Database) -> None:
    ledger = start(either_database, 3)
    first, second = (row.id for row in ledger.claim(2))

    def break_off() -> None:
        with ledger.transaction():
            ledger.settle([make_verdict(first)], [])
            ledger.settle([], [second])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert read_states(either_database) == ["claimed", "claimed", "queued"]

    with ledger.transaction():
        ledger.settle([make_verdict(first)], [])
        assert ledger.settle([], [second]) == {second}

    assert read_states(either_database) == ["sent", "dot_sent", "queued"]


def test_on_postgresql_verdicts_and_intents_are_one_statement_that_commits_itself(
    postgres_database: Database,
) -> None:
    ledger = start(postgres_database, 3)
    first, second, third = (row.id for row in ledger.claim(3))
    said: list[bool] = []

    def note(_connection: object, cursor: Any, *_rest: object) -> None:  # noqa: ANN401 - the driver's own type
        said.append(cursor.connection.autocommit)

    event.listen(postgres_database.engine, "before_cursor_execute", note)
    assert ledger.settle([make_verdict(first)], [second]) == {second}
    event.remove(postgres_database.engine, "before_cursor_execute", note)

    def break_off() -> None:
        with ledger.transaction():
            ledger.settle([make_verdict(third)], [])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert said == [True]
    assert read_states(postgres_database) == ["sent", "dot_sent", "claimed"]


def test_a_batch_on_postgresql_reads_no_rows_but_its_own(postgres_database: Database) -> None:
    ledger = start(postgres_database, 2000)
    ids = [row.id for row in ledger.claim(2)]

    with ledger.transaction() as connection:
        scans = text("SELECT pg_stat_get_xact_numscans('deliveries'::regclass)")
        before = connection.scalar(scans)
        ledger.settle([], ids)
        ledger.settle([make_verdict(ids[0])], ids[1:])
        after = connection.scalar(scans)

    assert after == before


@pytest.mark.timeout(30)
def test_where_another_transaction_waits_for_the_ledger_the_ledger_gives_way(
    postgres_database: Database,
) -> None:
    ledger = start(postgres_database, 2)
    first, second = [row.id for row in ledger.claim(2)]
    holds, waits = threading.Event(), threading.Event()

    def hold_back() -> str:
        with postgres_database.write() as session:
            skip = update(Delivery).values(state="skipped", claim_token=None)
            session.execute(skip.where(Delivery.id == second))
            holds.set()
            assert waits.wait(10)
            session.execute(skip.where(Delivery.id == first))
        return "held back"

    def intend_by_and_by() -> None:
        with ledger.transaction():
            assert ledger.settle([], [first]) == {first}
            assert holds.wait(10)
            waits.set()
            ledger.settle([], [second])

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(hold_back)
        with pytest.raises(DatabaseError, match="another process keeps rows locked"):
            intend_by_and_by()
        assert other.result() == "held back"
    assert ledger.settle([], [first, second]) == set()


def test_no_other_connection_gives_up_waiting(postgres_database: Database) -> None:
    ledger = start(postgres_database, 1)
    ledger.claim(1)
    ledger.close()

    with postgres_database.engine.connect() as one, postgres_database.engine.connect() as two:
        assert {each.scalar(text("SHOW lock_timeout")) for each in (one, two)} == {"0"}


def test_what_was_given_back_is_claimed_after_the_last_of_the_rest(either_database: Database) -> None:
    ledger = start(either_database, 4)
    first, second = (row.id for row in ledger.claim(2))
    ledger.release([first])

    assert [row.id for row in ledger.claim(1)] == [second + 1]
    assert [row.id for row in ledger.claim(2)] == [second + 2, first]


def test_processes_that_claim_at_once_share_the_rows(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 60)

    shares = run_at_once(claim_all, [(either_database.url, issue_id, 7)] * 3)

    assert sorted(key for share in shares for key in share) == list(range(1, 61))


def test_a_paused_issue_claims_and_intends_nothing(either_database: Database) -> None:
    ledger = start(either_database, 3)
    held = [row.id for row in ledger.claim(1)]
    set_issue_state(either_database, 1, "paused")

    assert (ledger.claim(9), ledger.settle([], held), ledger.should_stop()) == ([], set(), True)

    set_issue_state(either_database, 1, "sending")

    assert (len(ledger.claim(9)), ledger.settle([], held), ledger.should_stop()) == (2, set(held), False)


def test_a_subscriber_who_left_is_not_intended(either_database: Database) -> None:
    ledger = start(either_database, 2)
    gone, stays = (row.id for row in ledger.claim(2))
    leave(either_database, gone)

    assert ledger.settle([], [gone, stays]) == {stays}
    ledger.settle([make_verdict(gone), make_verdict(stays)], [])
    assert read_states(either_database) == ["skipped", "sent"]
    assert read_row(either_database, gone).reply == "unsubscribed"


def test_a_verdict_fills_the_row(either_database: Database) -> None:
    clock = Clock()
    ledger = start(either_database, 1, clock)
    (row,) = ledger.claim(1)
    ledger.settle([], [row.id])
    clock.move(seconds=7)

    ledger.settle([make_verdict(row.id, reply="x" * 9000)], [])

    sent = read_row(either_database, row.id)
    assert (sent.state, sent.attempts, sent.claim_token) == ("sent", 1, None)
    assert (sent.first_attempt_at, sent.finished_at) == (NOW, NOW + timedelta(seconds=7))
    assert (sent.code, sent.enhanced, sent.route, len(sent.reply or "")) == (
        250,
        "2.0.0",
        "default",
        REPLY_LENGTH,
    )


def test_a_deferred_delivery_comes_back_when_it_is_due(either_database: Database) -> None:
    clock = Clock()
    ledger = start(either_database, 1, clock)
    (row,) = ledger.claim(1)
    ledger.settle([make_verdict(row.id, "deferred", "451 later")], [])
    with either_database.read() as session:
        due_at = next_attempt_at(session, 1)

    assert ledger.claim(1) == []
    assert due_at == NOW + timedelta(minutes=10)

    clock.move(minutes=10)

    assert [(again.id, again.attempts) for again in ledger.claim(1)] == [(row.id, 1)]


def test_what_was_put_off_goes_when_its_time_has_come(either_database: Database) -> None:
    clock = Clock()
    ledger = start(either_database, 3, clock)
    (first,) = ledger.claim(1)
    ledger.settle([make_verdict(first.id, "deferred")], [])
    clock.move(minutes=11)

    assert [row.id for row in ledger.claim(2)] == [first.id, 2]
    assert [row.id for row in ledger.claim(2)] == [3]


def test_a_delivery_is_given_up_after_a_day(either_database: Database) -> None:
    clock = Clock()
    ledger = start(either_database, 1, clock)
    attempts = 0
    while rows := ledger.claim(1):
        attempts += 1
        ledger.settle([make_verdict(rows[0].id, "deferred", "451 later")], [])
        clock.move(minutes=10)

    row = read_row(either_database, 1)
    assert (row.state, attempts, row.attempts) == ("failed", 145, 145)
    assert row.reply == "given up after 145 attempts: 451 later"


def test_the_states_are_counted(database: Database) -> None:
    ledger = start(database, 5)
    first, second, third = (row.id for row in ledger.claim(3))
    ledger.settle([], [second])
    ledger.settle([make_verdict(third)], [])
    with database.read() as session:
        counts = count_states(session, 1)
        unfinished = has_unfinished(session, 1)
        pages = [row.id for row in list_deliveries(session, 1)]
        sent = [row.id for row in list_deliveries(session, 1, "sent")]

    assert {state: count for state, count in counts.items() if count} == {
        "queued": 2,
        "claimed": 1,
        "dot_sent": 1,
        "sent": 1,
    }
    assert (unfinished, pages, sent, first) == (True, [1, 2, 3, 4, 5], [third], 1)
