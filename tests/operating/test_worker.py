"""Workers of several machines: each row once, and what one of them leaves behind is done by the others."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from procrastinate import PsycopgConnector
from psycopg.pq import TransactionStatus
from sqlalchemy import select, text, update

from newsletter.operating import worker
from newsletter.operating.sends import send_due
from newsletter.publishing.approval import pause_issue, resume_issue
from newsletter.publishing.sending import begin_issue
from newsletter.store import shards, workers
from newsletter.store.engine import Database
from newsletter.store.models import Delivery
from newsletter.store.schema import upgrade_schema
from tests.support import publishing_work
from tests.support.ledger_processes import kill, start_process
from tests.support.postgres_builders import make_cluster, make_url, start_server
from tests.support.publishing_builders import NOW, Desk, count_states, make_desk
from tests.support.smtp_server import Fault, SmtpServer, late, reply

PATIENCE = 60.0
CONNECTIONS = 4


@pytest.fixture
def fleet(postgres_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on PostgreSQL, in a process that hurries as its workers do."""
    for module, name, value in (
        (shards, "SHARD_SIZE", publishing_work.SHARD_SIZE),
        (shards, "BEAT_SECONDS", 0.3),
        (shards, "STALLED_SECONDS", 1.5),
        (workers, "BEAT_SECONDS", 0.3),
        (workers, "LEASE_SECONDS", 2.0),
        (worker, "TEND_SECONDS", 0.3),
        (worker, "PAUSE_SECONDS", 0.1),
        (worker, "POLL_SECONDS", 0.2),
        (worker, "RETRY_SECONDS", 1),
    ):
        monkeypatch.setattr(module, name, value)
    return make_desk(postgres_database, tmp_path)


def begin(desk: Desk, readers: int) -> int:
    """An issue that is being sent, by nobody yet."""
    issue_id = desk.approve_one(readers)
    begin_issue(desk.database, desk.settings, issue_id, now=NOW)
    return issue_id


def list_jobs(desk: Desk) -> Counter[str]:
    """Jobs in the queue by state."""
    with desk.database.read() as session:
        return Counter(session.scalars(text("SELECT status::text FROM procrastinate_jobs")))


def count_open_shards(desk: Desk) -> int:
    """How many shards have something left to send."""
    with desk.database.read() as session:
        ids = session.scalars(select(Delivery.id).where(Delivery.state == "queued")).all()
    return len({key // publishing_work.SHARD_SIZE for key in ids})


def wait_until(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def is_sent(desk: Desk, issue_id: int) -> Callable[[], bool]:
    return lambda: desk.status(issue_id).state == "sent"


def count_messages(server: SmtpServer) -> Counter[str]:
    return Counter(address for message in server.accepted for address in message.recipients)


def everyone(desk: Desk, issue_id: int) -> Counter[str]:
    """Every reader once."""
    return Counter(dict.fromkeys(desk.list_states(issue_id), 1))


@contextmanager
def run_worker(desk: Desk) -> Iterator[threading.Event]:
    """A worker in a thread of the test, stopped at the end of the block at the latest."""
    stop, database = threading.Event(), Database(desk.database.url)
    thread = threading.Thread(target=worker.work, args=[database, desk.settings, stop])
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        database.close()
        assert not thread.is_alive()


@contextmanager
def start_worker(desk: Desk, server: SmtpServer, machine: str | None = None) -> Iterator[tuple[int, str]]:
    """A worker in a process of its own; its pid."""
    with start_process(publishing_work.work, desk.database.url, desk.folder, server.port, machine) as started:
        yield started


def end_connections(desk: Desk) -> None:
    """What a restart of the server does to all who are connected."""
    with psycopg.connect(desk.database.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_the_queue_keeps_no_transaction_open_after_a_statement(fleet: Desk) -> None:
    async def ask() -> TransactionStatus:
        queue = shards.make_queue(fleet.database)
        async with queue.open_async():
            connector = queue.connector
            assert isinstance(connector, PsycopgConnector)
            async with connector.pool.connection() as connection:
                await connection.execute("SELECT 1")
                return TransactionStatus(connection.info.transaction_status)

    assert asyncio.run(ask()) == TransactionStatus.IDLE


def test_entering_a_send_queues_one_job_per_shard_in_its_transaction(fleet: Desk) -> None:
    issue_id = begin(fleet, 50)
    begin_issue(fleet.database, fleet.settings, issue_id, now=NOW)

    assert list_jobs(fleet) == {"todo": 3}
    assert count_states(fleet.status(issue_id)) == {"queued": 50}


def test_a_worker_sends_what_is_queued_and_closes_the_issue(fleet: Desk, smtp_server: SmtpServer) -> None:
    issue_id = begin(fleet, 50)

    with run_worker(fleet.sent_by(smtp_server.port)):
        wait_until(is_sent(fleet, issue_id))
        wait_until(lambda: not list_jobs(fleet))

    assert count_messages(smtp_server) == everyone(fleet, issue_id)


@pytest.mark.deep
def test_four_workers_send_to_each_reader_once(fleet: Desk, smtp_server: SmtpServer) -> None:
    issue_id = begin(fleet, 200)

    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(start_worker(fleet, smtp_server))
        wait_until(is_sent(fleet, issue_id))

    assert count_states(fleet.status(issue_id)) == {"sent": 200}
    assert count_messages(smtp_server) == everyone(fleet, issue_id)


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(None, marks=pytest.mark.deep, id="same machine"),
        pytest.param("elsewhere", id="another machine"),
    ],
)
def test_what_a_killed_worker_leaves_is_sent_by_another(
    fleet: Desk,
    serve: Callable[[SmtpServer], SmtpServer],
    record_property: Callable[[str, object], None],
    machine: str | None,
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.01))]))
    issue_id = begin(fleet, 200)

    with start_worker(fleet, server, machine) as (pid, _):
        wait_until(lambda: len(server.accepted) > 50)
        kill(pid)
    killed_at = time.monotonic()
    uncertain = fleet.status(issue_id).dot_sent
    with run_worker(fleet.sent_by(server.port)):
        wait_until(is_sent(fleet, issue_id))

    messages = count_messages(server)
    assert messages.keys() == everyone(fleet, issue_id).keys()
    assert messages.total() - 200 <= uncertain
    seconds = f"{time.monotonic() - killed_at:.1f} s"
    repeats = messages.total() - 200
    record_property("figure", f"worker killed, {machine or 'here'}: {repeats} repeats, done after {seconds}")


def test_a_frozen_worker_that_wakes_up_writes_nothing_more(
    fleet: Desk, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.01))]))
    issue_id = begin(fleet, 200)

    with start_worker(fleet, server, "elsewhere") as (pid, _):
        wait_until(lambda: len(server.accepted) > 50)
        os.kill(pid, signal.SIGSTOP)
        with run_worker(fleet.sent_by(server.port)):
            wait_until(is_sent(fleet, issue_id))
            accepted = count_messages(server)
            os.kill(pid, signal.SIGCONT)
            time.sleep(1)

    assert count_states(fleet.status(issue_id)) == {"sent": 200}
    assert accepted.keys() == everyone(fleet, issue_id).keys()
    assert count_messages(server).total() - 200 <= 2 * CONNECTIONS


@pytest.mark.deep
def test_a_worker_that_is_told_to_stop_leaves_its_shard_to_another(
    fleet: Desk, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    desk = fleet.sent_by(server.port)
    issue_id = begin(fleet, 100)

    with run_worker(desk):
        wait_until(lambda: len(server.accepted) > 5)
    left = fleet.status(issue_id)

    assert list_jobs(fleet) == {"todo": count_open_shards(fleet)}
    assert (left.state, left.claimed, left.dot_sent) == ("sending", 0, 0)
    with run_worker(desk):
        wait_until(is_sent(fleet, issue_id))
    assert count_messages(server) == everyone(fleet, issue_id)


@pytest.mark.deep
def test_a_worker_goes_on_when_the_database_is_back(
    fleet: Desk, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    issue_id = begin(fleet, 100)

    with run_worker(fleet.sent_by(server.port)):
        wait_until(lambda: len(server.accepted) > 5)
        end_connections(fleet)
        # The worker has connections of its own; the test's were ended with them.
        fleet.database.close()
        wait_until(is_sent(fleet, issue_id))

    assert count_messages(server) == everyone(fleet, issue_id)


def test_what_was_put_off_is_queued_when_it_is_due(
    fleet: Desk, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    server = serve(SmtpServer([Fault("rcpt", 1, reply(451, "4.3.0 try later"))]))
    issue_id = begin(fleet, 3)

    with run_worker(fleet.sent_by(server.port)):
        wait_until(lambda: count_states(fleet.status(issue_id)) == {"sent": 2, "deferred": 1})
        wait_until(lambda: not list_jobs(fleet))
        with fleet.database.write() as session:
            session.execute(update(Delivery).values(next_attempt_at=NOW))
        wait_until(is_sent(fleet, issue_id))

    assert count_messages(server) == everyone(fleet, issue_id)


@pytest.mark.deep
def test_a_send_beside_workers_does_no_harm(fleet: Desk, smtp_server: SmtpServer) -> None:
    issue_id = begin(fleet, 200)

    with start_worker(fleet, smtp_server):
        fleet.sent_by(smtp_server.port).send(issue_id)
        wait_until(is_sent(fleet, issue_id))

    assert count_messages(smtp_server) == everyone(fleet, issue_id)


def test_the_clock_hands_over_to_workers_and_sends_where_there_is_none(
    fleet: Desk, smtp_server: SmtpServer
) -> None:
    desk = fleet.sent_by(smtp_server.port)
    issue_id = begin(fleet, 3)
    with fleet.database.write() as session:
        session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))

    assert send_due(desk.database, desk.settings, now=NOW, stop=threading.Event()).sent == []
    assert list_jobs(fleet) == {"todo": 1}
    with fleet.database.write() as session:
        session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 min'"))

    assert send_due(desk.database, desk.settings, now=NOW, stop=threading.Event()).sent == [issue_id]
    assert list_jobs(fleet) == {}


def test_a_job_of_an_issue_that_is_paused_just_ends(fleet: Desk, smtp_server: SmtpServer) -> None:
    issue_id = begin(fleet, 3)
    pause_issue(fleet.database, issue_id, actor="ada", now=NOW)

    with run_worker(fleet.sent_by(smtp_server.port)):
        wait_until(lambda: not list_jobs(fleet))
        assert smtp_server.accepted == []
        resume_issue(fleet.database, issue_id, actor="ada", now=NOW)
        wait_until(is_sent(fleet, issue_id))


@pytest.mark.deep
def test_a_shard_that_cannot_be_sent_goes_back_into_the_queue(fleet: Desk, unused_port: int) -> None:
    issue_id = begin(fleet, 3)

    with run_worker(fleet.sent_by(unused_port)):
        wait_until(lambda: "no connection" in (fleet.status(issue_id).reason or ""))
        wait_until(lambda: list_jobs(fleet) == {"todo": 1})

    assert count_states(fleet.status(issue_id)) == {"queued": 3}


def test_on_sqlite_the_worker_sends_in_process(desk: Desk, smtp_server: SmtpServer) -> None:
    issue_id = begin(desk, 3)

    with run_worker(desk.sent_by(smtp_server.port)):
        wait_until(is_sent(desk, issue_id))

    assert count_messages(smtp_server) == everyone(desk, issue_id)


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_kills_among_four_workers_lose_nobody(
    fleet: Desk, serve: Callable[[SmtpServer], SmtpServer], record_property: Callable[[str, object], None]
) -> None:
    server, readers, kills = serve(SmtpServer([Fault("dot", 0, late(0.01))])), 6000, 20
    issue_id = begin(fleet, readers)
    chance, uncertain = random.Random(20261125), 0
    names = (None, "east", "west", "north")

    with ExitStack() as stack:
        fleet_of = [stack.enter_context(start_worker(fleet, server, name))[0] for name in names]
        for number in range(1, kills + 1):
            wait_until(partial(has_accepted, server, number * readers // (kills + 2)))
            time.sleep(chance.uniform(0, 0.1))
            which = chance.randrange(len(names))
            kill(fleet_of[which])
            uncertain += CONNECTIONS
            fleet_of[which] = stack.enter_context(start_worker(fleet, server, names[which]))[0]
            status = fleet.status(issue_id)
            assert sum(count_states(status).values()) == readers
        wait_until(is_sent(fleet, issue_id))

    messages = count_messages(server)
    repeats = messages.total() - readers
    assert messages.keys() == everyone(fleet, issue_id).keys()
    assert repeats <= uncertain
    record_property("figure", f"4 workers, {kills} kills, {readers} readers: lost 0, repeats {repeats}")


@pytest.mark.deep
@pytest.mark.usefixtures("fleet")
def test_workers_wait_for_a_server_that_is_down_and_go_on(
    tmp_path: Path, serve: Callable[[SmtpServer], SmtpServer]
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    with make_cluster() as home, ExitStack() as stack:
        running = start_server(home)
        database = Database(make_url(home, "postgres"))
        upgrade_schema(database)
        desk = make_desk(database, tmp_path)
        issue_id = begin(desk, 400)
        for machine in ("east", "west"):
            stack.enter_context(start_worker(desk, server, machine))
        for mark in (50, 200):
            wait_until(partial(has_accepted, server, mark))
            running.send_signal(signal.SIGQUIT)
            running.wait(20)
            database.close()
            time.sleep(3)
            running = start_server(home)
        wait_until(is_sent(desk, issue_id))
        readers = everyone(desk, issue_id)
        database.close()
        running.send_signal(signal.SIGQUIT)
        running.wait(20)

    messages = count_messages(server)
    assert messages.keys() == readers.keys()
    assert messages.total() - 400 <= 2 * 2 * CONNECTIONS


def has_accepted(server: SmtpServer, count: int) -> bool:
    return len(server.accepted) >= count
