"""A dead process is known at once and a living one is left alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.errors import DatabaseError
from newsletter.store.engine import Database
from newsletter.store.models import Worker
from newsletter.store.workers import BEAT_SECONDS, LEASE_SECONDS, WorkerLock, release_claims, take_over_dead
from tests.support.ledger_builders import (
    add_sending_issue,
    make_ledger,
    make_verdict,
    read_row,
    read_states,
)
from tests.support.ledger_processes import kill, start_process
from tests.support.ledger_work import hold_claims


def take_over(database: Database) -> int:
    with database.write() as session:
        return take_over_dead(database, session)


def list_workers(database: Database) -> list[Worker]:
    with database.read() as session:
        return list(session.scalars(select(Worker)))


def move_away(database: Database, lease: timedelta) -> None:
    """Make the only worker one of another machine whose lease ends so much later than now."""
    (worker,) = list_workers(database)
    Path(worker.lock).rename(f"{worker.lock}.elsewhere")
    until = worker.lease_until - timedelta(seconds=LEASE_SECONDS) + lease
    with database.write() as session:
        session.execute(update(Worker).values(host="elsewhere", lease_until=until))


def test_a_killed_process_is_known_at_once(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 5)
    with start_process(hold_claims, either_database.url, issue_id, 2) as (pid, _):
        assert read_states(either_database) == ["dot_sent"] * 2 + ["claimed"] * 3
        assert take_over(either_database) == 0
        kill(pid)

        assert take_over(either_database) == 2

    assert read_states(either_database) == ["uncertain"] * 2 + ["queued"] * 3
    assert [read_row(either_database, key).attempts for key in (1, 2, 3)] == [1, 1, 0]
    assert "may have arrived" in str(read_row(either_database, 1).reply)
    assert list_workers(either_database) == []
    assert take_over(either_database) == 0


def test_a_living_process_is_never_taken_over(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 2)
    with start_process(hold_claims, either_database.url, issue_id, 1):
        with either_database.write() as session:
            session.execute(update(Worker).values(lease_until=Worker.started_at))

        assert take_over(either_database) == 0
        assert read_states(either_database) == ["dot_sent", "claimed"]


def test_a_process_does_not_take_itself_over(either_database: Database) -> None:
    worker = WorkerLock(either_database)

    assert take_over(either_database) == 0
    assert [row.token for row in list_workers(either_database)] == [worker.token]


def test_a_process_of_another_machine_is_dead_after_its_lease_only(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 2)
    ledger = make_ledger(either_database, issue_id, WorkerLock(either_database))
    ledger.settle([], [row.id for row in ledger.claim(2)][:1])
    move_away(either_database, timedelta(seconds=60))

    assert take_over(either_database) == 0

    move_on = update(Worker).values(lease_until=Worker.started_at)
    with either_database.write() as session:
        session.execute(move_on)

    assert take_over(either_database) == 1
    assert read_states(either_database) == ["uncertain", "queued"]


def test_a_process_that_was_taken_for_dead_writes_nothing(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 4)
    ledger = make_ledger(either_database, issue_id, WorkerLock(either_database))
    begun, claimed = (row.id for row in ledger.claim(2))
    ledger.settle([], [begun])
    move_away(either_database, timedelta(0))
    take_over(either_database)
    before = read_states(either_database)

    assert ledger.settle([], [claimed]) == set()
    ledger.settle([make_verdict(begun), make_verdict(claimed)], [])
    ledger.release([begun, claimed])
    assert ledger.claim(4) == []
    assert read_states(either_database) == before == ["uncertain", "queued", "queued", "queued"]


def test_a_new_owners_rows_are_safe_from_the_old_one(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 1)
    old = make_ledger(either_database, issue_id, WorkerLock(either_database))
    (row,) = old.claim(1)
    move_away(either_database, timedelta(0))
    take_over(either_database)
    new = make_ledger(either_database, issue_id, WorkerLock(either_database))
    new.claim(1)
    new.settle([], [row.id])

    old.settle([make_verdict(row.id, "failed")], [])
    old.release([row.id])
    assert read_states(either_database) == ["dot_sent"]


def test_a_worker_that_waits_for_slow_servers_keeps_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = WorkerLock(database)
    ledger = make_ledger(database, add_sending_issue(database, 1), worker)
    with database.write() as session:
        session.execute(update(Worker).values(lease_until=Worker.started_at))

    assert ledger.should_stop() is False
    assert list_workers(database)[0].lease_until == list_workers(database)[0].started_at

    monkeypatch.setattr("newsletter.store.workers.BEAT_SECONDS", -1.0)

    assert ledger.should_stop() is False
    (row,) = list_workers(database)
    assert row.lease_until - row.started_at >= timedelta(seconds=LEASE_SECONDS)
    assert BEAT_SECONDS * 2 < LEASE_SECONDS


def test_a_worker_that_waits_learns_that_it_was_taken_for_dead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.store.workers.BEAT_SECONDS", -1.0)
    ledger = make_ledger(database, add_sending_issue(database, 1), WorkerLock(database))
    move_away(database, timedelta(0))
    take_over(database)

    assert ledger.should_stop() is True


def test_a_worker_that_ends_gives_everything_back(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 3)
    worker = WorkerLock(either_database)
    ledger = make_ledger(either_database, issue_id, worker)
    ledger.settle([], [row.id for row in ledger.claim(2)][:1])
    lock = Path(list_workers(either_database)[0].lock)

    worker.close()

    assert read_states(either_database) == ["uncertain", "queued", "queued"]
    assert (list_workers(either_database), lock.exists()) == ([], False)


def test_a_takeover_that_fails_leaves_the_proof_of_death(database: Database) -> None:
    issue_id = add_sending_issue(database, 1)
    with start_process(hold_claims, database.url, issue_id, 0) as (pid, _):
        kill(pid)
    lock = Path(list_workers(database)[0].lock)

    def fail() -> None:
        with database.write() as session:
            take_over_dead(database, session)
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert lock.exists()
    take_over(database)
    assert (read_states(database), lock.exists()) == (["queued"], False)


def test_a_worker_that_renews_while_it_is_judged_is_spared(postgres_database: Database) -> None:
    issue_id = add_sending_issue(postgres_database, 1)
    worker = WorkerLock(postgres_database)
    make_ledger(postgres_database, issue_id, worker).claim(1)
    move_away(postgres_database, timedelta(0))
    has_renewed = threading.Event()

    def renew_slowly() -> None:
        with postgres_database.write() as session:
            worker.renew(session)
            has_renewed.set()
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(renew_slowly)
        has_renewed.wait(10)

        assert take_over(postgres_database) == 0
        renewing.result()

    assert read_states(postgres_database) == ["claimed"]


def test_a_lock_that_cannot_be_made_is_a_database_error(database: Database, tmp_path: Path) -> None:
    (tmp_path / "test.db.workers").write_text("in the way")

    with pytest.raises(DatabaseError, match=r"no lock can be made at .*check the folder's mode and the disk"):
        WorkerLock(database)


def test_a_worker_that_cannot_sign_on_leaves_no_lock(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bare.db'}")

    with pytest.raises(DatabaseError, match="tables are missing"):
        WorkerLock(database)

    assert list((tmp_path / "bare.db.workers").iterdir()) == []


def test_a_worker_that_cannot_sign_off_is_found_dead(database: Database) -> None:
    worker = WorkerLock(database)
    with database.raw() as connection:
        connection.execute("PRAGMA query_only=ON")

    with pytest.raises(DatabaseError, match="may only be read"):
        worker.close()

    with database.raw() as connection:
        connection.execute("PRAGMA query_only=OFF")
    take_over(database)
    assert list_workers(database) == []


def test_only_the_claims_of_the_token_are_released(database: Database) -> None:
    issue_id = add_sending_issue(database, 2)
    make_ledger(database, issue_id, WorkerLock(database)).claim(2)
    with database.write() as session:
        assert release_claims(session, "another") == 0

    assert read_states(database) == ["claimed", "claimed"]
