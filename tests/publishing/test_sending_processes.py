"""Sending processes that run at once or are killed: nobody is left out, hardly anyone gets it twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from newsletter.publishing.issues import list_deliveries
from newsletter.store.engine import Database
from tests.support.ledger_processes import kill, run_at_once, start_process
from tests.support.publishing_builders import Desk, count_states, make_desk
from tests.support.publishing_work import send, send_until_killed
from tests.support.smtp_server import Fault, SmtpServer, late

CONNECTIONS = 3


def count_messages(server: SmtpServer) -> Counter[str]:
    return Counter(message.message_id for message in server.accepted)


def list_message_ids(desk: Desk, issue_id: int) -> set[str]:
    return {row["message_id"] for row in list_deliveries(desk.database, issue_id)}


def test_two_senders_at_once_send_to_each_reader_once(
    either_database: Database, tmp_path: Path, smtp_server: SmtpServer
) -> None:
    desk = make_desk(either_database, tmp_path)
    issue_id = desk.approve_one(120)

    states = run_at_once(
        send, [(desk.database.url, desk.folder, smtp_server.port, issue_id, CONNECTIONS)] * 2
    )

    assert "sent" in states
    assert (desk.status(issue_id).state, count_states(desk.status(issue_id))) == ("sent", {"sent": 120})
    assert count_messages(smtp_server) == Counter(list_message_ids(desk, issue_id))


def test_kills_lose_nobody_and_repeat_at_most_one_message_per_connection(
    desk: Desk,
    serve: Callable[[SmtpServer], SmtpServer],
    record_property: Callable[[str, object], None],
    *,
    is_deep: bool,
) -> None:
    kills, readers = (20, 5000) if is_deep else (3, 300)
    server = serve(SmtpServer([Fault("dot", 0, late(0.002))]))
    issue_id = desk.approve_one(readers)
    moments, uncertain = random.Random(5), 0
    for number in range(1, kills + 1):
        with start_process(
            send_until_killed, desk.database.url, desk.folder, server.port, issue_id, CONNECTIONS
        ) as (pid, _):
            while len(server.accepted) < number * readers // (kills + 1):
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 0.02))
            kill(pid)
        counts = count_states(desk.status(issue_id))
        assert sum(counts.values()) == readers
        assert counts.get("dot_sent", 0) <= CONNECTIONS
        uncertain += counts.get("dot_sent", 0)

    started = time.monotonic()
    status = desk.sent_by(server.port).send(issue_id)
    seconds = time.monotonic() - started

    messages = count_messages(server)
    repeats = messages.total() - readers
    assert (status.state, count_states(status)) == ("sent", {"sent": readers})
    assert messages.keys() == list_message_ids(desk, issue_id)
    assert repeats <= uncertain <= kills * CONNECTIONS
    record_property(
        "figure",
        f"use case: {kills} kills, {readers} readers: lost 0, repeats {repeats} of {uncertain} uncertain, "
        f"resumed and ended in {seconds:.1f} s",
    )
