"""What an EHLO offers against what a message needs: SMTPUTF8, 8BITMIME, SIZE and IDNA (D17)."""

from __future__ import annotations

import pytest

from newsletter.deliver.envelope import UnsendableError, prepare_message
from newsletter.deliver.replies import Meaning, Stage, classify_reply
from newsletter.deliver.session import Outgoing
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import SENDER, Serve, make_route, send
from tests.support.smtp_server import Fault, SmtpServer, reply

PLAIN, EIGHT_BIT = b"Subject: x\r\n\r\nhello\r\n", "Subject: x\r\n\r\nhällo\r\n".encode()
ALL = {"SMTPUTF8": "", "8BITMIME": "", "SIZE": "1000"}


@pytest.mark.parametrize(
    ("recipient", "data", "extensions", "mail", "rcpt"),
    [
        ("a@example.org", PLAIN, {}, b"", b"a@example.org"),
        # Go's client asks for SMTPUTF8 wherever it is offered, and some relays then refuse to pass it on.
        ("a@example.org", PLAIN, {"SMTPUTF8": ""}, b"", b"a@example.org"),
        ("a@bücher.example", PLAIN, {"SMTPUTF8": ""}, b"", b"a@xn--bcher-kva.example"),
        ("a@bücher.example", PLAIN, {}, b"", b"a@xn--bcher-kva.example"),
        ("ü@bücher.example", PLAIN, {"SMTPUTF8": ""}, b" SMTPUTF8", "ü@xn--bcher-kva.example".encode()),
        ("a@example.org", EIGHT_BIT, {"8BITMIME": ""}, b" BODY=8BITMIME", b"a@example.org"),
        ("a@example.org", PLAIN, {"8BITMIME": ""}, b"", b"a@example.org"),
        ("a@example.org", PLAIN, {"SIZE": ""}, b" SIZE=24", b"a@example.org"),
        ("a@example.org", PLAIN, {"SIZE": "0"}, b" SIZE=24", b"a@example.org"),
        ("a@example.org", PLAIN, ALL, b" SIZE=24", b"a@example.org"),
        ("ü@example.org", EIGHT_BIT, ALL, b" SIZE=25 BODY=8BITMIME SMTPUTF8", "ü@example.org".encode()),
    ],
)
def test_only_what_is_offered_and_needed_is_asked_for(
    recipient: str, data: bytes, extensions: dict[str, str], mail: bytes, rcpt: bytes
) -> None:
    prepared = prepare_message(Outgoing(SENDER, recipient, data), extensions)

    assert prepared[:2] == (b"MAIL FROM:<news@example.org>" + mail, b"RCPT TO:<%b>" % rcpt)


@pytest.mark.parametrize(
    ("sender", "recipient", "data", "extensions", "stage", "enhanced"),
    [
        (SENDER, "ü@example.org", PLAIN, {}, Stage.LOCAL, "5.6.7"),
        (SENDER, "nobody", PLAIN, ALL, Stage.LOCAL, "5.1.3"),
        (SENDER, "a@example.org", b"\0", ALL, Stage.LOCAL, "5.6.0"),
        ("ü@example.org", "a@example.org", PLAIN, {}, Stage.MAIL, "5.6.7"),
        ("nobody", "a@example.org", PLAIN, ALL, Stage.MAIL, None),
        (SENDER, "a@example.org", EIGHT_BIT, {}, Stage.MAIL, "5.6.3"),
        (SENDER, "a@example.org", b"x" * 2000, ALL, Stage.MAIL, "5.3.4"),
    ],
)
def test_what_the_server_cannot_take_blames_the_recipient_or_the_issue(
    sender: str, recipient: str, data: bytes, extensions: dict[str, str], stage: Stage, enhanced: str | None
) -> None:
    with pytest.raises(UnsendableError) as caught:
        prepare_message(Outgoing(sender, recipient, data), extensions)

    assert (caught.value.stage, caught.value.reply.enhanced) == (stage, enhanced)
    expected = Meaning.SOFT if stage is Stage.LOCAL else Meaning.ISSUE
    assert classify_reply(stage, caught.value.reply) is expected


def test_the_null_sender_is_an_empty_path() -> None:
    mail, _, _ = prepare_message(Outgoing("", "a@example.org", PLAIN), {})

    assert mail == b"MAIL FROM:<>"


def test_letters_reach_a_server_that_takes_them(serve: Serve) -> None:
    server = serve(SmtpServer(extensions=["SMTPUTF8", "8BITMIME", "SIZE"]))
    ledger = MemoryLedger(["用户@例え.jp", "plain@example.org"])
    send(ledger, make_route(server))

    assert ledger.count() == {"sent": 2}
    assert [message.recipients for message in server.accepted] == [
        ("用户@xn--r8jz45g.jp",),
        ("plain@example.org",),
    ]
    assert "SMTPUTF8" in server.accepted[0].parameters
    assert "SMTPUTF8" not in server.accepted[1].parameters


def test_an_issue_too_large_for_the_server_stops_the_send_and_fails_nobody(serve: Serve) -> None:
    server = serve(SmtpServer(extensions=["SIZE 10"]))
    ledger = MemoryLedger([f"reader{number}@example.org" for number in range(10)])
    outcome = send(ledger, make_route(server))

    assert outcome.error is not None
    assert "5.3.4 the message has" in outcome.error
    assert ledger.count() == {"queued": 10}


def test_a_server_without_ehlo_is_greeted_with_helo(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("ehlo", 0, reply(502, "5.5.1 no such command"))]))
    ledger = MemoryLedger(["a@example.org"])

    assert send(ledger, make_route(server)).sent == 1
    assert len(server.spoken("HELO")) == 1
    assert server.accepted[0].parameters == ""
