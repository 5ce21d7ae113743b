"""Operators, second senders, locks and deaths around a send: nobody is lost, the counts add up."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from newsletter.errors import DeliveryError, StateError
from newsletter.publishing.approval import cancel_issue, pause_issue, resume_issue
from newsletter.publishing.issues import list_deliveries
from newsletter.store import subscribers
from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema
from tests.support.cli_fixtures import ROOT, Call, make_environment
from tests.support.postgres_builders import make_cluster, make_database, make_url, start_server
from tests.support.publishing_builders import NOW, Desk, count_states, make_desk
from tests.support.smtp_server import Fault, SmtpServer, late

Serve = Callable[[SmtpServer], SmtpServer]
SEND = ("-m", "newsletter", "issue", "send", "1")
READERS = 60
STATES = ("queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped")


def await_that(test: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)


def count_accepted(server: SmtpServer) -> Counter[str]:
    return Counter(message.recipients[0] for message in server.accepted)


@contextmanager
def send_all_the_time(desk: Desk, issue_id: int, stops: list[threading.Event]) -> Iterator[None]:
    """Two senders that begin again whenever they end, until the block does."""
    over = threading.Event()

    def work(place: int) -> None:
        while not over.is_set():
            stops[place] = threading.Event()
            with contextlib.suppress(StateError):
                desk.send(issue_id, stop=stops[place])
            time.sleep(0.002)

    senders = [threading.Thread(target=work, args=(place,)) for place in range(len(stops))]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        over.set()
        for sender in senders:
            sender.join(60)


def leave(desk: Desk, subscriber_id: int) -> None:
    with desk.database.write() as session:
        subscribers.skip_deliveries(session, 1, subscriber_id, "unsubscribed", now=NOW)


def test_the_counts_add_up_whatever_operators_and_two_senders_do(
    desk: Desk, serve: Serve, *, is_deep: bool
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.004))]))
    chance = random.Random(20261125)
    desk = desk.sent_by(server.port)
    desk.add_readers(READERS)
    for _ in range(40 if is_deep else 2):
        disturb(desk, server, chance)


def disturb(desk: Desk, server: SmtpServer, chance: random.Random) -> None:
    """One issue, sent by two senders, under random actions; in the end it is sent or cancelled."""
    server.accepted.clear()
    desk.add_article(f"Ship {time.time_ns()} came in")
    issue_id = desk.approve(desk.draft().id).id
    total = desk.send(issue_id, stop=make_set_event()).recipients
    stops = [threading.Event(), threading.Event()]
    ends_cancelled = chance.random() < 0.3

    def stop_one() -> None:
        chance.choice(stops).set()

    acts: list[Callable[[], object]] = [
        lambda: pause_issue(desk.database, issue_id, actor="ada", now=NOW),
        lambda: resume_issue(desk.database, issue_id, actor="ada", now=NOW),
        stop_one,
        lambda: leave(desk, chance.randrange(1, READERS + 1)),
    ]
    with send_all_the_time(desk, issue_id, stops):
        for _ in range(chance.randrange(4, 12)):
            time.sleep(chance.uniform(0, 0.03))
            with contextlib.suppress(StateError):
                chance.choice(acts)()
            assert sum(count_states(desk.status(issue_id)).values()) == total
        with contextlib.suppress(StateError):
            (cancel_issue if ends_cancelled else resume_issue)(desk.database, issue_id, actor="ada", now=NOW)
        await_that(lambda: desk.status(issue_id).state in {"sent", "cancelled"})
    await_that(lambda: not {"claimed", "dot_sent", "queued"} & set(count_states(desk.status(issue_id))))

    accepted, states = count_accepted(server), desk.list_states(issue_id)
    assert len(states) == sum(count_states(desk.status(issue_id)).values()) == total
    assert set(states.values()) <= {"sent", "skipped", "uncertain"}
    # A stop may leave a message without its verdict; that one may come twice, and no other.
    assert accepted.keys() >= {email for email, state in states.items() if state == "sent"}
    assert not accepted.keys() & {email for email, state in states.items() if state == "skipped"}
    assert accepted.total() == len(accepted)


def make_set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_database_that_is_locked_for_a_while_delays_the_send_and_no_more(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.005))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(80)
    if desk.database.dialect != "sqlite":
        pytest.skip("only SQLite is locked as a whole")

    def hold() -> None:
        await_that(lambda: len(server.accepted) >= 5)
        with contextlib.closing(sqlite3.connect(str(desk.database.path), timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(1.0)
            other.rollback()

    holder = threading.Thread(target=hold)
    holder.start()
    status = desk.send(issue_id)
    holder.join(60)

    assert (status.state, count_states(status)) == ("sent", {"sent": 80})
    assert set(count_accepted(server).values()) == {1}


def approve_by_commands(call: Call, home: Path, readers: int) -> None:
    (home / "texts").mkdir()
    (home / "texts/one.txt").write_text("A ship came in\n\nThe whole town was at the quay to see it.\n")
    (home / "list.csv").write_text("email\n" + "".join(f"r{n}@example.net\n" for n in range(readers)))
    for command in (
        ("source", "add", home / "texts"),
        ("collect",),
        ("issue", "draft"),
        ("subscriber", "import", home / "list.csv"),
        ("issue", "approve", "1"),
    ):
        assert call(*command).code == 0


@pytest.mark.deep
def test_a_sender_that_wakes_after_its_lease_writes_no_further_body(
    call: Call,
    home: Path,
    serve: Serve,
    start: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """E5, as on another machine: the file that tells of its life is out of sight, and the lease is over."""
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    approve_by_commands(call, home, 120)
    first = start(*SEND)
    await_that(lambda: len(server.accepted) >= 20)
    first.send_signal(signal.SIGSTOP)
    for lock in (home / "subscribers.db.workers").iterdir():
        lock.unlink()
    with contextlib.closing(sqlite3.connect(home / "subscribers.db")) as database, database:
        database.execute("UPDATE workers SET lease_until = '2001-01-01 00:00:00.000000'")
    assert call(*SEND[2:]).code == 0
    before = len(server.accepted)
    first.send_signal(signal.SIGCONT)
    assert first.wait(60) == 0

    status = call("issue", "status", "1", "--json").json
    assert (status["state"], status["sent"]) == ("sent", 120)
    # At most the bodies that were in its hands when it was stopped: one for each of its connections.
    assert len(server.accepted) - before <= 4
    assert len(count_accepted(server)) == 120
    assert len(server.accepted) - 120 <= 4


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_a_server_that_is_killed_again_and_again_loses_nothing(
    desk: Desk, tmp_path: Path, unused_port: int, record_property: Callable[[str, object], None]
) -> None:
    log, chance, kills = tmp_path / "sink.log", random.Random(20261125), 15
    log.touch()
    command = [
        sys.executable,
        "-m",
        "tests.support.smtp_server",
        "--port",
        str(unused_port),
        "--log",
        str(log),
    ]
    desk = desk.sent_by(unused_port)
    issue_id, unknown, now = desk.approve_one(kills * 100), 0, NOW
    over = threading.Event()

    def kill_on_and_on() -> None:
        for turn in range(kills + 1):
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as sink:
                assert sink.stdout
                sink.stdout.readline()
                if turn == kills:
                    over.wait(300)
                time.sleep(chance.uniform(0.05, 0.3))
                sink.kill()

    killer = threading.Thread(target=kill_on_and_on)
    killer.start()
    try:
        while desk.status(issue_id).state != "sent":
            now += timedelta(hours=1)
            with contextlib.suppress(DeliveryError):
                desk.send(issue_id, now, connections=4)
            unknown = sum(row["attempts"] - 1 for row in list_deliveries(desk.database, issue_id))
            time.sleep(0.05)
    finally:
        over.set()
        killer.join(60)

    accepted = Counter(line.split()[0] for line in log.read_text().splitlines())
    assert accepted.keys() == {row["message_id"] for row in list_deliveries(desk.database, issue_id)}
    repeats = accepted.total() - len(accepted)
    assert repeats <= min(unknown, 4 * kills)
    record_property(
        "figure", f"{kills} kills of the server: lost 0, repeats {repeats} of {unknown} tried again"
    )


@pytest.mark.deep
@pytest.mark.timeout(300)
def test_a_full_disk_ends_the_send_with_a_line_and_the_next_one_goes_on(
    call: Call, home: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(SmtpServer())
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    approve_by_commands(call, home, 3000)
    # Enough to begin with, and not for the write-ahead log, which goes to 4 MB before it is worked off.
    limit = (home / "subscribers.db").stat().st_size // 1024 + 1800
    wrapped = ["bash", "-c", f"ulimit -f {limit}; exec {sys.executable} {' '.join(SEND)}"]
    ended = subprocess.run(
        wrapped, env=make_environment(), capture_output=True, text=True, check=False, timeout=200
    )

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "disk" in ended.stderr
    assert server.accepted
    status = call("issue", "status", "1", "--json").json
    assert sum(status[state] for state in STATES) == 3000
    assert call(*SEND[2:]).code == 0
    accepted = count_accepted(server)
    assert len(accepted) == 3000
    assert accepted.total() - 3000 <= 4


@pytest.mark.deep
@pytest.mark.timeout(300)
def test_a_database_server_that_is_killed_and_comes_back_loses_and_repeats_nothing(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.004))]))
    with make_cluster() as home, contextlib.ExitStack() as stack:
        running = start_server(home)
        name = stack.enter_context(make_database(home))
        database = Database(make_url(home, name))
        upgrade_schema(database)
        desk = make_desk(database, tmp_path).sent_by(server.port)
        issue_id = desk.approve_one(400)
        outcome = []
        sender = threading.Thread(target=lambda: outcome.append(desk.send(issue_id)))
        sender.start()
        for mark in (50, 150, 250):
            await_that(partial(has_accepted, server, mark))
            running.send_signal(signal.SIGQUIT)
            running.wait(20)
            time.sleep(0.5)
            running = start_server(home)
        sender.join(120)
        database.close()
        stack.pop_all()
        running.send_signal(signal.SIGQUIT)
        running.wait(20)

    assert [(status.state, count_states(status)) for status in outcome] == [("sent", {"sent": 400})]
    assert set(count_accepted(server).values()) == {1}


def has_accepted(server: SmtpServer, count: int) -> bool:
    return len(server.accepted) >= count
