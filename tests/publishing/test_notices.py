"""Mails to single persons wait until they are sent: never lost, never twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.errors import AddressError, DeliveryError
from newsletter.operating.startup import Database, open_database
from newsletter.publishing.notices import LEASE, send_notices, send_test_mail
from newsletter.store.models import Notice
from newsletter.store.notices import NewNotice, add_notice, claim_due_notices
from tests.support.smtp_server import CLOSE, Fault, SmtpServer, reply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Serve = Callable[[SmtpServer], SmtpServer]


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    assert home.exists()
    database = open_database(Settings())
    yield database
    database.close()


def make_settings(port: int) -> Settings:
    return Settings(smtp_url=f"smtp://127.0.0.1:{port}")  # type: ignore[arg-type] # pydantic wraps it


def lay_down(database: Database, *names: str) -> None:
    with database.write() as session:
        for name in names:
            data = f"From: news@example.org\r\nMessage-ID: <{name}@example.org>\r\n\r\nHello\r\n".encode()
            add_notice(
                session,
                NewNotice(f"k:{name}", "test", f"{name}@example.org", "news@example.org", data),
                now=NOW,
            )


def get_notice(database: Database) -> Notice:
    with database.read() as session:
        return session.scalars(select(Notice)).one()


def test_what_waits_goes_out_once(database: Database, smtp_server: SmtpServer) -> None:
    lay_down(database, "ada", "bo")
    settings = make_settings(smtp_server.port)

    assert send_notices(database, settings, now=NOW) == 2
    assert send_notices(database, settings, now=NOW + timedelta(days=1)) == 0

    assert {message.recipients for message in smtp_server.accepted} == {
        ("ada@example.org",),
        ("bo@example.org",),
    }
    assert {message.sender for message in smtp_server.accepted} == {"news@example.org"}


def test_one_that_is_put_off_is_tried_again_later(database: Database, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 1, reply(451, "4.2.0 greylisted"))]))
    lay_down(database, "ada")
    settings = make_settings(server.port)

    assert send_notices(database, settings, now=NOW) == 0
    waiting = get_notice(database)
    assert (waiting.state, waiting.attempts, waiting.next_attempt_at) == ("queued", 1, NOW + MINUTE)
    assert "greylisted" in (waiting.last_error or "")
    assert send_notices(database, settings, now=NOW + timedelta(seconds=59)) == 0
    assert send_notices(database, settings, now=NOW + MINUTE) == 1
    assert get_notice(database).last_error is None


def test_one_that_is_refused_is_given_up_with_the_reason(database: Database, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 0, reply(550, "5.1.1 no such user"))]))
    lay_down(database, "ada")

    assert send_notices(database, make_settings(server.port), now=NOW) == 0

    refused = get_notice(database)
    assert (refused.state, refused.last_error) == ("failed", "550 5.1.1 no such user")


def test_one_that_nobody_takes_for_days_is_given_up(database: Database, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 0, reply(451, "4.2.0 later"))]))
    lay_down(database, "ada")

    send_notices(database, make_settings(server.port), now=NOW + timedelta(days=3))

    assert get_notice(database).state == "failed"


def test_nobody_knows_of_one_whose_answer_was_lost_so_it_is_sent_again(
    database: Database, serve: Serve
) -> None:
    server = serve(SmtpServer([Fault("after_dot", 1, CLOSE)]))
    lay_down(database, "ada")
    settings = make_settings(server.port)

    send_notices(database, settings, now=NOW)
    send_notices(database, settings, now=NOW + MINUTE)

    ids = [message.message_id for message in server.accepted]
    assert ids == ["<ada@example.org>"] * 2
    assert get_notice(database).state == "sent"


def test_a_dead_server_is_told_and_nothing_is_lost(database: Database, smtp_server: SmtpServer) -> None:
    lay_down(database, "ada")

    with pytest.raises(DeliveryError, match="tried again"):
        send_notices(database, make_settings(9), now=NOW)

    waiting = get_notice(database)
    assert (waiting.state, waiting.next_attempt_at) == ("queued", NOW + MINUTE)
    assert "127.0.0.1:9" in (waiting.last_error or "")
    assert send_notices(database, make_settings(smtp_server.port), now=NOW + MINUTE) == 1


def test_a_stop_gives_back_what_was_not_sent(database: Database, smtp_server: SmtpServer) -> None:
    lay_down(database, "ada")
    stop = threading.Event()
    stop.set()

    assert send_notices(database, make_settings(smtp_server.port), now=NOW, stop=stop) == 0
    assert send_notices(database, make_settings(smtp_server.port), now=NOW) == 1


def test_a_killed_sender_s_notices_come_back_after_the_lease(
    database: Database, smtp_server: SmtpServer
) -> None:
    lay_down(database, "ada")
    settings = make_settings(smtp_server.port)
    with database.write() as session:
        assert len(claim_due_notices(session, NOW, until=NOW + LEASE, limit=10)) == 1

    assert send_notices(database, settings, now=NOW + LEASE - MINUTE) == 0
    assert send_notices(database, settings, now=NOW + LEASE) == 1


def test_the_same_key_is_kept_once(database: Database) -> None:
    lay_down(database, "ada")
    lay_down(database, "ada")

    assert get_notice(database).email == "ada@example.org"


def test_a_test_mail_goes_out_in_the_name_of_the_login(serve: Serve) -> None:
    server = serve(SmtpServer(login=("desk@example.org", "secret")))
    url = f"smtp://desk%40example.org:secret@127.0.0.1:{server.port}"

    dialogue = send_test_mail(Settings(smtp_url=url), "ada@example.org", now=NOW)  # type: ignore[arg-type] # as above

    assert dialogue[-1].startswith("OK: ")
    assert "secret" not in "\n".join(dialogue)
    assert [message.sender for message in server.accepted] == ["desk@example.org"]


def test_a_test_mail_to_no_address_is_refused() -> None:
    with pytest.raises(AddressError):
        send_test_mail(Settings(), "ada", now=NOW)
