"""A real Postfix that drops whoever pipelines wrongly: every message is in its log once."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from newsletter.deliver.dkim import make_key, sign_message
from newsletter.deliver.route import Route
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import IssueIdentity, build_message
from newsletter.render.themes import list_themes
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import OPTIONS, build, make_addresses, send
from tests.support.dkim_fixtures import Verify
from tests.support.mail_builders import BASE_URL, NOW, make_publication, make_recipient, make_rich_digest
from tests.support.postfix_fixtures import HANDED_ON, Postfix

IMPROPER = b"improper command pipelining"
REFUSED = "nobody@refused.example"
KEYS = [make_key("example.org", kind, kind)[0] for kind in ("rsa", "ed25519")]
RECORDS = {key.record_name: key.record for key in KEYS}
RECEIVED = re.compile(rb"(?:Received: .*\r\n(?:[ \t].*\r\n)*)+")
THEMES = [
    pytest.param(theme, marks=[] if theme == "default" else pytest.mark.deep)
    for theme in list_themes(make_environment())
]


def make_route(postfix: Postfix, *, pipelining: bool = True) -> Route:
    return Route("postfix", "127.0.0.1", postfix.port, tls="none", connections=8, pipelining=pipelining)


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lockstep"])
def test_postfix_logs_every_message_once(
    postfix: Postfix, *, pipelining: bool, is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    count = 20_000 if is_deep and pipelining else 200
    domain = f"pipelining-{pipelining}.example.org".lower()
    ledger = MemoryLedger(make_addresses(count, domain))
    mark = f"{time.time_ns()}.{pipelining}"
    written = postfix.log.stat().st_size
    began = time.monotonic()
    outcome = send(
        ledger,
        make_route(postfix, pipelining=pipelining),
        build=lambda claimed: replace(
            build(claimed),
            data=f"Message-ID: <{claimed.id}.{mark}@test>\r\n\r\n.hello\r\n".encode(),
        ),
    )
    seconds = time.monotonic() - began

    assert (outcome.sent, outcome.error) == (count, None)
    postfix.wait_for(count, domain, seconds=300.0)
    assert {key: n for key, n in postfix.message_ids().items() if mark in key} == {
        f"<{number}.{mark}@test>": 1 for number in range(1, count + 1)
    }
    assert postfix.count_delivered(domain) == dict.fromkeys(ledger.addresses.values(), 1)
    assert IMPROPER not in postfix.log.read_bytes()[written:]
    record_property("figure", f"Postfix took {count} messages in {seconds:.1f} s, pipelining {pipelining}")


def test_postfix_goes_on_after_a_refused_recipient(postfix: Postfix) -> None:
    ledger = MemoryLedger(
        [*make_addresses(3), "no such thing@example.org", REFUSED, *(f"x{n}@example.org" for n in range(20))]
    )
    route = replace(make_route(postfix), connections=1)
    outcome = send(ledger, route, options=replace(OPTIONS, connections=1))

    assert outcome.error is None
    assert ledger.count() == {"sent": 23, "failed": 2}
    assert ledger.find(REFUSED).code == 554


def make_signed_issue(theme: str, email: str) -> bytes:
    rendered = render_issue(make_rich_digest(), make_publication(theme=theme), make_environment())
    message = build_message(
        rendered,
        make_publication(theme=theme),
        make_recipient(email=email, name="Ádám الوضع 🚢"),
        issue=IssueIdentity("0f3c", 12),
        base_url=BASE_URL,
        date=NOW,
    )
    signed = sign_message(message, KEYS, at=int(NOW.timestamp()))
    assert isinstance(signed, bytes)
    return signed


@pytest.mark.parametrize("theme", THEMES)
def test_an_issue_goes_through_postfix_unchanged_and_its_signatures_hold(
    postfix: Postfix, dkimpy: Verify, opendkim: Verify, theme: str
) -> None:
    email = f"{theme}@{HANDED_ON}"
    sent = make_signed_issue(theme, email)
    outcome = send(
        MemoryLedger([email]),
        make_route(postfix),
        build=lambda claimed: replace(build(claimed), data=sent),
    )
    assert (outcome.sent, outcome.error) == (1, None)
    handed_on = postfix.await_handed_on(email).data

    assert (added := RECEIVED.match(handed_on))
    assert handed_on[added.end() :] == sent
    assert dkimpy([handed_on], RECORDS) == opendkim([handed_on], RECORDS) == [[True, True]]


def test_a_body_before_354_is_what_this_postfix_drops(postfix: Postfix) -> None:
    """The guard of the tests above: they would see it, in the answer and in the log."""
    written = postfix.log.stat().st_size
    with socket.create_connection(("127.0.0.1", postfix.port), 10) as connection:
        connection.recv(1000)
        connection.sendall(b"EHLO test\r\n")
        connection.recv(1000)
        connection.sendall(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nhello\r\n.\r\n")
        answer = b""
        while more := connection.recv(1000):
            answer += more

    assert b"554 5.5.0 Error: SMTP protocol synchronization" in answer
    until = time.monotonic() + 60
    while IMPROPER not in postfix.log.read_bytes()[written:]:
        assert time.monotonic() < until, "Postfix wrote nothing of it in its log"
        time.sleep(0.05)
