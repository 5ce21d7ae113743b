"""Everyone gets an approved issue once, whatever servers, readers and operators do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter.config import Settings
from newsletter.errors import ConfigError, DeliveryError, StateError
from newsletter.publishing.approval import cancel_issue, pause_issue, resume_issue, stop_issue
from newsletter.publishing.issues import IssueStatus, list_deliveries
from newsletter.publishing.sending import SendOptions, send_issue
from newsletter.store import publications, subscribers
from tests.support.ledger_builders import add_reader
from tests.support.publishing_builders import NOW, Desk, count_states
from tests.support.smtp_server import CLOSE, Fault, SmtpServer, late, reply

Serve = Callable[[SmtpServer], SmtpServer]


def list_recipients(server: SmtpServer) -> list[str]:
    return sorted(address for message in server.accepted for address in message.recipients)


def list_readers(count: int) -> list[str]:
    return [f"reader{number:04}@example.net" for number in range(count)]


def test_everyone_gets_it_once(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    issue_id = sending_desk.approve_one(25)

    status = sending_desk.send(issue_id)

    assert (status.state, status.recipients, count_states(status)) == ("sent", 25, {"sent": 25})
    assert list_recipients(smtp_server) == list_readers(25)
    assert len({message.message_id for message in smtp_server.accepted}) == 25
    rows = {row["message_id"] for row in list_deliveries(sending_desk.database, issue_id)}
    assert rows == {message.message_id for message in smtp_server.accepted}


def test_a_second_run_sends_nothing(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    issue_id = sending_desk.approve_one(5)
    first, second = sending_desk.send(issue_id), sending_desk.send(issue_id, NOW + timedelta(days=1))

    assert (second, len(smtp_server.accepted)) == (first, 5)


def test_each_message_has_links_of_its_readers_own(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    sending_desk.send(sending_desk.approve_one(3))
    links = {
        line.removeprefix(b"List-Unsubscribe: ")
        for message in smtp_server.accepted
        for line in message.data.split(b"\r\n")
        if line.startswith(b"List-Unsubscribe: ")
    }

    assert len(links) == 3
    assert {link[:35] for link in links} == {b"<http://localhost:8000/unsubscribe/"}


def test_an_issue_without_readers_is_sent(sending_desk: Desk) -> None:
    assert sending_desk.send(sending_desk.approve_one(0)).state == "sent"


def test_who_joins_after_the_start_does_not_count(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", "reader0000", reply(451, "4.3.0 later"))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(1)
    desk.send(issue_id)
    with desk.database.write() as session:
        add_reader(session, publications.find_publication(session, None), "late@example.net")

    assert desk.send(issue_id).recipients == 1


def test_what_a_server_puts_off_is_sent_when_it_is_due(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 1, reply(451, "4.3.0 try later"))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(3)

    first = desk.send(issue_id, connections=1)
    at_once = desk.send(issue_id)
    later = desk.send(issue_id, NOW + timedelta(minutes=2))

    assert (first.state, count_states(first)) == ("sending", {"sent": 2, "deferred": 1})
    assert count_states(at_once) == {"sent": 2, "deferred": 1}
    assert (later.state, count_states(later)) == ("sent", {"sent": 3})
    assert list_recipients(server) == list_readers(3)
    assert sorted(row["attempts"] for row in list_deliveries(desk.database, issue_id)) == [1, 1, 2]


def test_a_delivery_is_given_up_after_a_day(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 0, reply(451, "4.3.0 try later"))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(1)
    desk.send(issue_id)

    status = desk.send(issue_id, NOW + timedelta(hours=23, minutes=59))

    assert (status.state, count_states(status)) == ("sent", {"failed": 1})
    (row,) = list_deliveries(desk.database, issue_id)
    assert "given up after 2 attempts: " in row["reply"]


def test_what_a_server_refuses_has_failed(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", "reader0001", reply(550, "5.1.1 no such user"))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(3)

    status = desk.send(issue_id)

    assert (status.state, count_states(status)) == ("sent", {"sent": 2, "failed": 1})
    (row,) = list_deliveries(desk.database, issue_id, "failed")
    assert (row["email"], row["code"]) == ("reader0001@example.net", 550)
    assert "no such user" in row["reply"]


def test_a_lost_answer_is_left_uncertain_where_that_is_the_policy(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("after_dot", 1, CLOSE)]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(1)

    first = desk.send(issue_id, connections=1, on_uncertain="hold")
    second = desk.send(issue_id, connections=1)

    assert (first.state, count_states(first)) == ("sent", {"uncertain": 1})
    assert second == first


def test_a_lost_answer_is_put_off_and_repeated_under_the_same_id(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("after_dot", 1, CLOSE)]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(1)

    first = desk.send(issue_id, connections=1)
    second = desk.send(issue_id, NOW + timedelta(minutes=2), connections=1)

    assert count_states(first) == {"deferred": 1}
    assert (second.state, count_states(second)) == ("sent", {"sent": 1})
    assert len({message.message_id for message in server.accepted}) == 1
    assert len(server.accepted) == 2


def in_mid_send(desk: Desk, server: SmtpServer, issue_id: int, act: Callable[[], object]) -> IssueStatus:
    """Send, and do something as soon as the server has accepted three messages."""

    def watch() -> None:
        while len(server.accepted) < 3:
            threading.Event().wait(0.002)
        act()

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = desk.send(issue_id, connections=1)
    watcher.join(10)
    return status


@pytest.fixture
def slow_desk(desk: Desk, serve: Serve) -> tuple[Desk, SmtpServer]:
    """A server that takes its time, so that something can happen in mid-send."""
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    return desk.sent_by(server.port), server


def test_who_leaves_in_mid_send_is_skipped(slow_desk: tuple[Desk, SmtpServer]) -> None:
    desk, server = slow_desk
    issue_id = desk.approve_one(30)

    def leave() -> None:
        with desk.database.write() as session:
            subscribers.skip_deliveries(session, 1, 30, "unsubscribed", now=NOW)

    status = in_mid_send(desk, server, issue_id, leave)

    assert (status.state, count_states(status)) == ("sent", {"sent": 29, "skipped": 1})
    assert list_recipients(server) == list_readers(29)


def test_a_pause_stops_a_send_and_resuming_goes_on(slow_desk: tuple[Desk, SmtpServer]) -> None:
    desk, server = slow_desk
    issue_id = desk.approve_one(100)

    paused = in_mid_send(
        desk, server, issue_id, lambda: pause_issue(desk.database, issue_id, actor="ada", now=NOW)
    )

    assert (paused.state, sum(count_states(paused).values())) == ("paused", 100)
    assert 3 <= paused.sent < 100
    assert paused.claimed == paused.dot_sent == 0
    with pytest.raises(StateError, match="is paused and cannot be sent: `newsletter issue resume 1` first"):
        desk.send(issue_id)

    resume_issue(desk.database, issue_id, actor="ada", now=NOW)
    status = desk.send(issue_id)

    assert (status.state, count_states(status)) == ("sent", {"sent": 100})
    assert list_recipients(server) == list_readers(100)


def test_why_the_last_run_ended_is_not_said_of_the_next(
    slow_desk: tuple[Desk, SmtpServer], unused_port: int
) -> None:
    desk, server = slow_desk
    issue_id, said = desk.approve_one(10), []
    with pytest.raises(DeliveryError, match="took nothing"):
        desk.sent_by(unused_port).send(issue_id)
    assert "took nothing" in (desk.status(issue_id).reason or "")

    in_mid_send(desk, server, issue_id, lambda: said.append(desk.status(issue_id).reason))

    assert said == [None]


def test_a_cancelled_send_skips_the_rest(slow_desk: tuple[Desk, SmtpServer]) -> None:
    desk, server = slow_desk
    issue_id = desk.approve_one(100)

    status = in_mid_send(
        desk, server, issue_id, lambda: cancel_issue(desk.database, issue_id, actor="ada", now=NOW)
    )

    assert (status.state, status.sent + status.skipped) == ("cancelled", 100)
    assert len(server.accepted) == status.sent < 100
    with pytest.raises(StateError, match="is cancelled and cannot be sent: cancelled by ada"):
        desk.send(issue_id)


def test_a_stopped_process_leaves_the_rest_queued(slow_desk: tuple[Desk, SmtpServer]) -> None:
    desk, server = slow_desk
    issue_id = desk.approve_one(100)
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()

    stopped = desk.send(issue_id, stop=stop)
    timer.join()
    status = desk.send(issue_id)

    assert stopped.state == "sending"
    assert set(count_states(stopped)) <= {"sent", "queued"}
    assert (status.state, count_states(status)) == ("sent", {"sent": 100})
    assert list_recipients(server) == list_readers(100)


@pytest.mark.deep
def test_without_a_server_nothing_is_lost(desk: Desk, smtp_server: SmtpServer) -> None:
    issue_id = desk.approve_one(3)

    with pytest.raises(DeliveryError, match="`newsletter issue send 1` goes on where it stopped"):
        desk.send(issue_id)

    assert (desk.status(issue_id).state, count_states(desk.status(issue_id))) == ("sending", {"queued": 3})
    assert "127.0.0.1:9" in str(desk.status(issue_id).reason)
    status = desk.sent_by(smtp_server.port).send(issue_id)
    assert (status.state, status.reason, count_states(status)) == ("sent", None, {"sent": 3})


def test_a_draft_cannot_be_sent(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    sending_desk.add_article("A ship came in")
    issue_id = sending_desk.draft().id

    with pytest.raises(StateError, match="is draft and cannot be sent: `newsletter issue approve 1` first"):
        sending_desk.send(issue_id)

    assert (sending_desk.status(issue_id).state, smtp_server.accepted) == ("draft", [])


def test_a_stopped_issue_cannot_be_sent(sending_desk: Desk) -> None:
    issue_id = sending_desk.approve_one(1)
    stop_issue(sending_desk.database, issue_id, actor="ada", now=NOW)

    with pytest.raises(StateError, match="cannot be sent"):
        sending_desk.send(issue_id)


def test_links_to_this_machine_are_not_sent_to_the_world(desk: Desk) -> None:
    issue_id = desk.approve_one(1)
    far = desk.settings.model_copy(update={"smtp_url": Settings(smtp_url="smtp://mail.example.org").smtp_url})  # type: ignore[arg-type] # pydantic makes it secret

    with pytest.raises(ConfigError, match=r"no reader of mail sent by mail.example.org could open its links"):
        send_issue(desk.database, far, issue_id, SendOptions(), now=NOW)

    assert desk.status(issue_id).state == "approved"


def test_the_progress_adds_up_at_every_step(slow_desk: tuple[Desk, SmtpServer]) -> None:
    desk, _ = slow_desk
    seen: list[IssueStatus] = []
    desk.send(desk.approve_one(40), on_progress=seen.append)

    assert seen[-1].sent == 40
    assert {sum(count_states(status).values()) for status in seen} == {40}
    assert [status.sent for status in seen] == sorted(status.sent for status in seen)
