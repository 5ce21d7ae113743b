"""One test mail with its dialogue: whole also when it fails, the password never in it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from newsletter.deliver.probe import converse
from newsletter.deliver.route import Route, Timeouts
from newsletter.errors import ConfigError
from tests.deliver.sending import SENDER, Serve, make_route
from tests.support.smtp_server import CLOSE, SILENCE, Action, Fault, SmtpServer, reply

DATA = b"Subject: test\r\n\r\nhello\r\n"
TO = "reader@example.org"


def test_the_dialogue_of_a_good_send_ends_with_ok(smtp_server: SmtpServer) -> None:
    dialogue = converse(replace(make_route(smtp_server), local_hostname="here.example.org"), SENDER, TO, DATA)

    assert dialogue == [
        "S: 220 test ESMTP",
        "C: EHLO here.example.org",
        "S: 250-test greets you",
        "S: 250-PIPELINING",
        "S: 250-8BITMIME",
        "S: 250 SIZE 33554432",
        "C: MAIL FROM:<news@example.org> SIZE=27",
        "C: RCPT TO:<reader@example.org>",
        "C: DATA",
        "S: 250 2.1.0 ok",
        "S: 250 2.1.5 ok",
        "S: 354 go on",
        "C: (the message, 27 octets) .",
        "S: 250 2.0.0 ok queued as 1",
        "C: QUIT",
        "S: 221 2.0.0 bye",
        "-- the server closed the connection",
        f"OK: 127.0.0.1:{smtp_server.port} took the message: 250 2.0.0 ok queued as 1",
    ]
    assert smtp_server.accepted[0].data == DATA


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("login", [("me", "s3cret"), ("me", "other")])
def test_the_password_is_masked_also_when_it_is_wrong(
    serve: Serve, mechanisms: str, login: tuple[str, str]
) -> None:
    server = serve(SmtpServer(login=login, mechanisms=mechanisms))
    dialogue = converse(replace(make_route(server), user="me", password="s3cret"), SENDER, TO, DATA)
    text = "\n".join(dialogue)

    assert f"C: AUTH {mechanisms} ****" in dialogue
    for secret in (b"s3cret", b"\0me\0s3cret"):
        assert b64encode(secret).decode() not in text
    assert "s3cret" not in text
    assert dialogue[-1].startswith("OK: " if login[1] == "s3cret" else "FAILED: route 'main': ")


@pytest.mark.parametrize(
    ("stage", "action", "end"),
    [
        ("banner", reply(554, "5.7.1 no"), "554 5.7.1 no"),
        ("banner", SILENCE, "no answer within 0.2 s"),
        ("mail", reply(550, "5.7.1 no"), "FAILED: at MAIL: 550 5.7.1 no"),
        ("rcpt", reply(450, "4.2.0 later"), "FAILED: at RCPT: 450 4.2.0 later"),
        ("data", CLOSE, "the server closed the connection"),
        ("dot", reply(554, "5.6.0 no"), "FAILED: at DOT: 554 5.6.0 no"),
    ],
)
def test_a_failure_is_the_last_line(serve: Serve, stage: str, action: Action, end: str) -> None:
    server = serve(SmtpServer([Fault(stage, 1, action)]))
    dialogue = converse(make_route(server, Timeouts(banner=0.2)), SENDER, TO, DATA)

    assert dialogue[-1].startswith("FAILED: ")
    assert end in dialogue[-1]


def test_a_server_that_is_not_there_is_named(unused_port: int) -> None:
    dialogue = converse(Route("main", "127.0.0.1", unused_port, tls="none"), SENDER, TO, DATA)

    assert dialogue[-1] == (
        f"FAILED: route 'main', 127.0.0.1:{unused_port}: no connection: Connection refused"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"host": ""},
        {"host": "a b"},
        {"host": "a\r\nQUIT"},
        {"port": 0},
        {"port": 65536},
        {"local_hostname": "a\r\nMAIL"},
        {"connections": 0},
        {"messages_per_connection": 0},
        {"seconds_per_connection": 0.0},
        {"user": "a\0b"},
    ],
)
def test_a_route_that_cannot_be_used_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="route 'main'"):
        replace(Route("main", "127.0.0.1"), **changes)


def test_a_route_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(Route("main", "127.0.0.1", password="s3cret"))


def test_no_timeout_is_zero_and_the_dot_has_ten_minutes() -> None:
    assert Timeouts(command=1, data=1).dot == 600
    with pytest.raises(ConfigError, match="timeout"):
        Timeouts(dot=0)
