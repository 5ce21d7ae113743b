"""Pipelining (RFC 2920) on the wire: what goes out in one write, what waits, what a refusal costs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from newsletter.content import Claimed
from newsletter.deliver import pool
from newsletter.deliver.route import Timeouts
from newsletter.deliver.session import Outgoing
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import (
    OPTIONS,
    Serve,
    build,
    check_truth,
    make_addresses,
    make_route,
    send,
    send_to,
)
from tests.support.smtp_fixtures import Certificates
from tests.support.smtp_server import CLOSE, DEAF, Fault, SmtpServer, late, raw, reply

ONE = "reader-00002@"


def list_verbs(server: SmtpServer) -> list[str]:
    return [command.line.split()[0].decode().upper() for command in server.commands]


class Script:
    """A server that reads and says exactly what its script tells, octet for octet."""

    def __init__(self, talk: Callable[[Script], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.talk = talk
        self.server = SmtpServer(port=self.listener.getsockname()[1])
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.listener.settimeout(10)
            self.connection, _ = self.listener.accept()
            self.connection.settimeout(10)
            with self.connection:
                self.say("220 script")
                self.read(b"EHLO")
                self.say("250-script", "250 PIPELINING")
                self.talk(self)
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            self.failure = error

    def say(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def read(self, end: bytes) -> bytes:
        """Read until something is there and a line after it has ended."""
        data = b""
        while end not in data or not data.endswith(b"\r\n"):
            more = self.connection.recv(65536)
            assert more, f"closed before {end!r}: {data!r}"
            data += more
        return data

    def is_silent(self, seconds: float = 0.15) -> bool:
        """Whether the client says nothing for so long; end of file counts as silence."""
        self.connection.settimeout(seconds)
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return True
        finally:
            self.connection.settimeout(10)


@contextmanager
def run_script(talk: Callable[[Script], None]) -> Iterator[SmtpServer]:
    script = Script(talk)
    script.thread.start()
    yield script.server
    script.thread.join(20)
    script.listener.close()
    if script.failure:
        raise script.failure


def test_one_write_carries_the_body_and_the_commands_of_the_next_message() -> None:
    def talk(script: Script) -> None:
        first = script.read(b"DATA")
        assert [line.split(b":")[0] for line in first.splitlines()] == [b"MAIL FROM", b"RCPT TO", b"DATA"]
        # S10, S13: no body before its 354, whatever else may be said.
        script.say("250 mail", "250 rcpt")
        assert script.is_silent()
        script.say("354 go on")
        second = script.read(b"DATA")
        body, _, commands = second.partition(b"\r\n.\r\n")
        assert body.startswith(b"Message-ID: <1@test>")
        assert commands == b"MAIL FROM:<news@example.org>\r\nRCPT TO:<reader-00002@example.org>\r\nDATA\r\n"
        script.say("250 dot", "250 mail", "250 rcpt")
        assert script.is_silent()
        script.say("354 go on")
        assert script.read(b"\r\n.\r\n").startswith(b"Message-ID: <2@test>")
        script.say("250 dot")
        script.read(b"QUIT")
        script.say("221 bye")

    with run_script(talk) as server:
        ledger, outcome = send_to(server, 2)

    assert outcome.error is None
    assert ledger.count() == {"sent": 2}


@pytest.mark.parametrize("way", ["not offered", "switched off"])
def test_without_pipelining_every_command_waits_for_its_answer(serve: Serve, way: str) -> None:
    offers = () if way == "not offered" else ("PIPELINING",)
    server = serve(SmtpServer(extensions=offers))
    ledger = MemoryLedger(make_addresses(5))
    send(ledger, replace(make_route(server), pipelining=way == "not offered"))

    check_truth(ledger, server)
    assert server.pipelined == 0


def test_what_is_offered_before_tls_is_not_relied_on(serve: Serve, certificates: Certificates) -> None:
    bare = reply(250, "test greets you")
    server = serve(SmtpServer([Fault("ehlo2", 0, bare)], tls="starttls", context=certificates.good))
    send(MemoryLedger(make_addresses(5)), replace(make_route(server), cafile=certificates.cafile))

    assert len(server.accepted) == 5
    assert server.pipelined == 0


def test_a_pipelining_server_gets_all_but_the_first_message_with_the_one_before(serve: Serve) -> None:
    server = serve(SmtpServer())
    send_to(server, 20)

    # Of each message RCPT and DATA come with MAIL, and MAIL of all but the first with a body.
    assert server.pipelined >= 20
    assert server.seen["mail"] == 20


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_refusal_is_followed_by_one_reset_in_the_same_write_as_the_next_commands(
    serve: Serve, stage: str
) -> None:
    server = serve(SmtpServer([Fault(stage, 2, reply(450, "4.2.0 later"))]))
    ledger, _ = send_to(server, 3)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 2, "deferred": 1}
    assert list_verbs(server) == [
        "EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA", "QUIT",
    ]  # fmt: skip


def test_a_refused_sender_blames_no_recipient_for_the_503_that_follow(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("mail", 2, reply(550, "5.7.1 sender refused"))]))
    ledger, outcome = send_to(server, 5)

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count() == {"sent": 5}
    assert server.seen["accept"] == 1


def test_354_without_a_recipient_gets_a_single_dot_and_ends_the_pipelining(serve: Serve) -> None:
    faults = [Fault("rcpt", 2, reply(550, "5.1.1 gone")), Fault("data", 2, reply(354, "go on anyway"))]
    server = serve(SmtpServer([*faults, Fault("dot", 2, reply(554, "5.5.1 no recipients"))]))
    ledger, outcome = send_to(server, 6)

    assert outcome.error is None
    assert ledger.count() == {"sent": 5, "failed": 1}
    assert ledger.find("reader-00002@example.org").code == 550
    assert [message.recipients for message in server.accepted] == [
        (f"reader-{number:05}@example.org",) for number in (1, 3, 4, 5, 6)
    ]
    assert server.seen["accept"] == 1
    # RCPT and DATA of the first, and the three of the second; from then on nothing.
    assert server.pipelined == 5


def test_a_recipient_taken_without_a_sender_ends_the_connection(serve: Serve) -> None:
    faults = [Fault("mail", 2, reply(451, "4.3.0 later")), Fault("rcpt", 2, reply(250, "2.1.5 what?"))]
    server = serve(SmtpServer(faults))
    ledger, _ = send_to(server, 5)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 4, "deferred": 1}
    assert server.seen["accept"] == 2


@pytest.mark.parametrize(("code", "state"), [(451, "deferred"), (554, "failed")], ids=["put off", "refused"])
def test_a_message_refused_at_its_dot_leaves_the_next_one_alone(serve: Serve, code: int, state: str) -> None:
    server = serve(SmtpServer([Fault("dot", 2, reply(code))]))
    ledger, _ = send_to(server, 5)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 4, state: 1}
    assert server.seen["accept"] == 1
    assert server.spoken("RSET") == []


@pytest.mark.parametrize("stage", ["dot", "mail", "rcpt", "data"])
def test_421_in_place_of_any_of_the_four_replies_costs_nothing(serve: Serve, stage: str) -> None:
    server = serve(SmtpServer([Fault(stage, 3, reply(421, "4.3.2 closing"))]))
    ledger, outcome = send_to(server, 8)

    check_truth(ledger, server)
    assert (ledger.count(), outcome.error) == ({"sent": 8}, None)
    assert set(ledger.attempts.values()) == {1}
    assert server.seen["accept"] == 2


def test_a_message_is_not_blamed_for_what_befell_the_one_before_it(serve: Serve) -> None:
    closing = reply(421, "4.3.2 closing")
    server = serve(SmtpServer([Fault("dot", number, closing) for number in (1, 2)]))
    ledger = MemoryLedger(make_addresses(2))
    outcome = send(ledger, make_route(server), options=replace(OPTIONS, returns=2))

    check_truth(ledger, server)
    assert (ledger.count(), outcome.error) == ({"sent": 2}, None)


@pytest.mark.parametrize(("stage", "code"), [("mail", 354), ("rcpt", 503), ("data", 250), ("dot", 354)])
def test_an_answer_that_has_no_place_where_it_comes_ends_the_connection(
    serve: Serve, stage: str, code: int
) -> None:
    server = serve(SmtpServer([Fault(stage, 3, reply(code))]))
    ledger, outcome = send_to(server, 6)

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count() == ({"sent": 5, "uncertain": 1} if stage == "dot" else {"sent": 6})
    assert server.seen["accept"] == 2
    # QUIT could be read as a line of a body.
    assert server.seen["quit"] == (2 if stage in {"mail", "rcpt"} else 1)


@pytest.mark.parametrize("stage", ["dot", "mail", "rcpt", "data"])
def test_a_reply_too_many_is_never_taken_for_the_next_ones(serve: Serve, stage: str) -> None:
    doubled = {"dot": b"250 a\r\n250 b\r\n", "data": b"354 a\r\n250 b\r\n"}.get(stage, b"250 a\r\n250 b\r\n")
    server = serve(SmtpServer([Fault(stage, 3, raw(doubled))]))
    ledger, outcome = send_to(server, 8)

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count()["sent"] >= 7
    assert server.seen["accept"] == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
def test_a_server_that_breaks_off_makes_only_the_written_message_uncertain(serve: Serve, stage: str) -> None:
    server = serve(SmtpServer([Fault(stage, 3, CLOSE)]))
    ledger, _ = send_to(server, 8)

    check_truth(ledger, server)
    assert ledger.count() == ({"sent": 7, "uncertain": 1} if stage == "dot" else {"sent": 8})


def test_a_claim_that_is_gone_after_354_closes_without_a_dot(serve: Serve) -> None:
    server = serve(SmtpServer())
    ledger = MemoryLedger(make_addresses(6))

    def leave(claimed: Claimed) -> Outgoing:
        if claimed.id == 3:
            ledger.states[3] = "skipped"
        return build(claimed)

    outcome = send(ledger, make_route(server), build=leave)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 5, "skipped": 1}
    assert outcome.error is None
    assert server.seen["accept"] == 2


def test_a_message_is_not_held_back_for_want_of_a_next_one() -> None:
    def talk(script: Script) -> None:
        script.read(b"DATA")
        script.say("250 mail", "250 rcpt", "354 go on")
        body = script.read(b"\r\n.\r\n")
        assert body.endswith(b"\r\n.\r\n")
        script.say("250 dot")
        script.read(b"QUIT")

    with run_script(talk) as server:
        ledger, _ = send_to(server, 1)

    assert ledger.count() == {"sent": 1}


def test_a_large_body_to_a_server_that_does_not_read_is_given_up_and_not_lost(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("body", 1, DEAF)]))
    large = b"Subject: x\r\n\r\n" + b"line\r\n" * 3_000_000
    ledger = MemoryLedger(make_addresses(2))
    quick = Timeouts(connect=2, banner=2, command=5, data=5, block=0.5, dot=5, quit=0.2)
    outcome = send(
        ledger, make_route(server, quick), build=lambda claimed: replace(build(claimed), data=large)
    )

    assert (outcome.sent, outcome.error) == (2, None)
    assert len(server.accepted) == 2


def test_a_server_that_answers_while_the_body_still_comes_is_heard() -> None:
    """S14: replies are read while octets go out, so neither side waits for the other for ever."""

    def talk(script: Script) -> None:
        script.read(b"DATA")
        script.say("250 mail", "250 rcpt", "354 go on")
        script.connection.recv(10)
        script.say("421 too large, closing")
        time.sleep(0.3)

    large = b"Subject: x\r\n\r\n" + b"line\r\n" * 3_000_000
    with run_script(talk) as server:
        ledger = MemoryLedger(make_addresses(1))
        began = time.monotonic()
        send(
            ledger,
            make_route(server, Timeouts(block=60, connect=1, banner=1)),
            options=replace(OPTIONS, connect_failures=1),
            build=lambda claimed: replace(build(claimed), data=large),
        )

    assert time.monotonic() - began < 30
    assert ledger.count() == {"queued": 1}


def test_who_leaves_while_claims_wait_gets_no_transaction(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CLAIM_SECONDS", 0.2)
    server = serve(SmtpServer([Fault("dot", 0, late(0.05))]))
    ledger = MemoryLedger(make_addresses(40))
    left: list[float] = []

    def leave() -> None:
        for key in range(21, 41):
            ledger.states[key] = "skipped"
        left.append(time.monotonic())

    timer = threading.Timer(0.1, leave)
    timer.start()
    send(ledger, make_route(server))
    timer.join()

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 20, "skipped": 20}
    # Asked anew before its turn came, so the server never heard of it.
    assert server.seen["rcpt"] <= 22


def test_a_server_that_offers_pipelining_and_cannot_do_it_gets_everything_in_lockstep(serve: Serve) -> None:
    server = serve(SmtpServer(drops_groups=True))
    ledger, outcome = send_to(server, 12)

    check_truth(ledger, server)
    assert (ledger.count(), outcome.error) == ({"sent": 12}, None)
    assert server.seen["accept"] == 3
