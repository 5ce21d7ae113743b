"""What one reply, one fault or one bad recipient does to the rest of a send; the product is beside this."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.content import DeliveryState
from newsletter.deliver.route import Timeouts
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import Serve, check_truth, make_addresses, make_route, send, send_to
from tests.support.smtp_server import (
    CLOSE,
    GARBAGE,
    RESET,
    Action,
    Fault,
    SmtpServer,
    late,
    raw,
    reply,
)

COUNT = 12
IMPATIENT = Timeouts(connect=0.3, banner=0.3, command=0.3, data=0.3, block=0.3, dot=0.3, quit=0.1)
MODES = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lockstep"])
CONNECTIONS = pytest.mark.parametrize("connections", [1, 4])
ONE = "reader-00005@"


@CONNECTIONS
@MODES
@pytest.mark.parametrize(
    ("stage", "action", "state"),
    [
        ("mail", reply(451, "4.3.0 later"), "deferred"),
        ("mail", reply(452, "4.3.1 full"), "deferred"),
        ("rcpt", reply(251, "will forward"), "sent"),
        ("rcpt", reply(250), "sent"),
        ("rcpt", reply(250, "2.1.5 one", "2.1.5 two"), "sent"),
        ("rcpt", raw(b"250 ok\n"), "sent"),
        ("rcpt", reply(450, "4.2.0 greylisted"), "deferred"),
        ("rcpt", reply(451), "deferred"),
        ("rcpt", reply(452, "4.5.3 too many"), "deferred"),
        ("rcpt", reply(454, "Throttling failure: Maximum sending rate exceeded."), "deferred"),
        ("rcpt", reply(552, "too many"), "deferred"),
        ("rcpt", reply(552, "5.2.2 mailbox full"), "failed"),
        ("rcpt", reply(550, "5.1.1 no such user"), "failed"),
        ("rcpt", reply(553), "failed"),
        ("rcpt", reply(556, "5.1.10 null MX"), "failed"),
        ("rcpt", reply(550, "5.7.1 policy"), "failed"),
        ("data", reply(451, "4.3.0 later"), "deferred"),
        ("data", reply(554, "5.7.1 policy"), "failed"),
        ("data", reply(250, "this is not 354"), "sent"),
        ("dot", reply(250, "2.0.0 queued"), "sent"),
        ("dot", reply(451, "4.3.0 later"), "deferred"),
        ("dot", reply(554, "5.6.0 no"), "failed"),
        ("dot", reply(354, "what"), "uncertain"),
        ("dot", CLOSE, "uncertain"),
        ("after_dot", RESET, "uncertain"),
        ("after_dot", reply(250, "2.0.0 ok", delay=0.05), "sent"),
    ],
)
def test_a_reply_about_one_message_decides_that_message_alone(
    serve: Serve, stage: str, action: Action, state: DeliveryState, connections: int, *, pipelining: bool
) -> None:
    occurrence = ONE if stage in {"rcpt", "dot", "after_dot"} else 1
    offers = ("PIPELINING",) if pipelining else ()
    server = serve(SmtpServer([Fault(stage, occurrence, action)], extensions=offers))
    ledger, outcome = send_to(server, COUNT, connections)

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count() == ({"sent": COUNT - 1, state: 1} if state != "sent" else {"sent": COUNT})
    if state in {"deferred", "failed"}:
        verdict = next(verdict for verdict in ledger.verdicts.values() if verdict.state == state)
        assert f"{verdict.code} {verdict.reply}".strip() == action.payload.decode().strip()
        assert verdict.route == "main"


@CONNECTIONS
def test_one_in_a_hundred_poisoned_recipients_stops_nobody(serve: Serve, connections: int) -> None:
    poison = [f"reader-{number:05}@" for number in (7, 107, 207)]
    answers = [reply(550, "5.1.1 gone"), CLOSE, GARBAGE]
    server = serve(SmtpServer([Fault("rcpt", who, what) for who, what in zip(poison, answers, strict=True)]))
    ledger, outcome = send_to(server, 300, connections)

    check_truth(ledger, server)
    assert outcome.sent == 297
    assert outcome.failed == 1
    # What breaks every connection that it comes to is put off, not tried for ever.
    assert outcome.deferred == 2
    assert outcome.error is None


@CONNECTIONS
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("after", [1, 7])
def test_421_after_every_few_messages_costs_nothing(
    serve: Serve, stage: str, after: int, connections: int
) -> None:
    closing = reply(421, "4.7.0 too many messages in this session")
    times = range(after + 1, 200, after + 1)
    server = serve(SmtpServer([Fault(stage, number, closing) for number in times]))
    ledger, outcome = send_to(server, 40, connections)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 40}
    assert outcome.error is None
    assert set(ledger.attempts.values()) == {1}


def test_a_server_that_closes_idle_connections_costs_nothing(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("idle", 0, CLOSE)]))
    ledger, outcome = send_to(server, 20)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 20}
    assert outcome.error is None


def test_no_reset_and_no_noop_is_sent_while_all_goes_well(smtp_server: SmtpServer) -> None:
    send_to(smtp_server, 50)

    assert smtp_server.spoken("RSET") == []
    assert smtp_server.spoken("NOOP") == []


def test_a_refused_recipient_is_followed_by_a_reset(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", ONE, reply(550, "5.1.1 gone"))]))
    send_to(server, COUNT)

    assert len(server.spoken("RSET")) == 1
    assert server.seen["accept"] == 1


@pytest.mark.parametrize("action", [CLOSE, reply(500, "no"), GARBAGE, reply(421, "bye")])
def test_a_failing_reset_costs_only_the_connection(serve: Serve, action: Action) -> None:
    server = serve(SmtpServer([Fault("rcpt", ONE, reply(550, "5.1.1 gone")), Fault("rset", 1, action)]))
    ledger, _ = send_to(server, COUNT)

    check_truth(ledger, server)
    assert ledger.count() == {"sent": COUNT - 1, "failed": 1}


def test_a_slow_verdict_is_waited_for_at_the_dot(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 3, late(1.0))]))
    ledger = MemoryLedger(make_addresses(5))
    send(ledger, make_route(server, replace(IMPATIENT, dot=10)))

    check_truth(ledger, server)
    assert ledger.count() == {"sent": 5}


def test_a_body_is_never_written_without_354(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("data", 1, reply(250, "ok"))]))
    send_to(server, 1)

    assert not [line for line in server.commands if line.line.startswith((b"Message-ID", b"Subject"))]


def test_what_is_no_greeting_is_not_answered(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("accept", 1, reply(250, "hello"))]))

    ledger, outcome = send_to(server, 3)

    check_truth(ledger, server)
    assert (outcome.sent, outcome.error) == (3, None)
    assert [command.connection for command in server.commands if command.line.startswith(b"EHLO")] == [2]
