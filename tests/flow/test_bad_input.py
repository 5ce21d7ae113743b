"""What nobody should have put in: each is a row with a reason or a clear line, and never stops a send."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import update

from newsletter.publishing.issues import list_deliveries
from newsletter.store import publications
from newsletter.store.models import Subscriber
from tests.support.cli_fixtures import Call
from tests.support.ledger_builders import add_reader
from tests.support.publishing_builders import Desk, count_states
from tests.support.smtp_server import SmtpServer

BAD = [
    "a\r\nRCPT TO:<b@example.org>@example.net",
    "a\x00b@example.net",
    "tab\there@example.net",
    '"quoted name"@example.net',
    '"unclosed@example.net',
    "x" * 65 + "@example.net",
    "ü" * 33 + "@example.net",
    "用户@example.net",
    "no-domain@",
]
ODD = [
    "o'neil+news@example.net",
    "reader@bücher.example",
    "x" * 64 + "@example.net",
]


def test_bad_addresses_fail_with_a_reason_and_everybody_else_gets_the_issue(
    sending_desk: Desk, smtp_server: SmtpServer
) -> None:
    with sending_desk.database.write() as session:
        publication = publications.find_publication(session, None)
        for email in [*BAD, *ODD]:
            add_reader(session, publication, email)
    issue_id = sending_desk.approve_one(20)
    status = sending_desk.send(issue_id)

    rows = list_deliveries(sending_desk.database, issue_id, "failed")
    failed = {row["email"]: row["reply"] for row in rows}
    assert sorted(failed) == sorted(BAD)
    assert (status.state, count_states(status)) == ("sent", {"sent": 20 + len(ODD), "failed": len(BAD)})
    assert all(reply and reply.isprintable() for reply in failed.values())
    assert len(smtp_server.spoken("RCPT")) == len(smtp_server.accepted) == 20 + len(ODD)


@pytest.mark.parametrize("place", ["title", "category", "status", "summary"])
def test_a_newline_in_what_an_article_says_makes_no_header(
    sending_desk: Desk, smtp_server: SmtpServer, place: str
) -> None:
    words = "A ship came in\r\nBcc: everybody@example.org\r\n\r\nbody"
    if place == "title":
        sending_desk.add_article(words)
    else:
        sending_desk.add_article("A ship came in", **{place: words})
    sending_desk.add_readers(2)
    issue_id = sending_desk.approve(sending_desk.draft().id, override="a test").id
    status = sending_desk.send(issue_id)

    assert count_states(status) == {"sent": 2}
    for accepted in smtp_server.accepted:
        message = message_from_bytes(accepted.data, policy=default)
        assert "Bcc" not in message
        assert message["Subject"]
        assert len(message.get_all("To", [])) == 1


def test_a_newline_in_a_readers_name_makes_no_header(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    with sending_desk.database.write() as session:
        publication = publications.find_publication(session, None)
        add_reader(session, publication, "ada@example.net")
        session.execute(update(Subscriber).values(name="Ada\r\nBcc: everybody@example.org"))
    status = sending_desk.send(sending_desk.approve_one(2))

    assert status.sent + status.failed == 3
    assert status.sent >= 2
    assert not any(b"\r\nBcc:" in accepted.data for accepted in smtp_server.accepted)


def test_an_article_of_twenty_megabytes_stops_nothing(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    text = "The whole town was at the quay to see it. " * 500_000
    sending_desk.add_article("A long story", text=text, html=f"<p>{text}</p>")
    sending_desk.add_readers(2)
    issue_id = sending_desk.approve(sending_desk.draft().id, override="a test").id
    status = sending_desk.send(issue_id)

    assert status.state == "sent"
    assert status.sent == len(smtp_server.accepted) == 2


@pytest.mark.parametrize("url", ["smtp://", "smtp://:25", "smtp:///x", "mail.example.org"])
def test_a_route_without_a_host_is_a_clear_line(
    call: Call, home: object, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    del home
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", url)
    ran = call("issue", "send", "1")

    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert "smtp_url" in ran.err
