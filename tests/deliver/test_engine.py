"""The engine: stops, ledgers that fail, routes that go down, and what each leaves behind."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import replace

import pytest

from newsletter.content import Claimed
from newsletter.deliver.engine import Counts, deliver
from newsletter.deliver.route import Timeouts
from newsletter.deliver.session import Outgoing
from newsletter.errors import DeliveryError
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
from tests.support.smtp_server import CLOSE, SILENCE, Fault, SmtpServer, late, reply

ONE = "reader-00005@"


def test_nothing_due_opens_no_connection(smtp_server: SmtpServer) -> None:
    _, outcome = send_to(smtp_server, 0, 4)

    assert outcome.error is None
    assert smtp_server.seen["accept"] == 0


def test_one_message_opens_one_connection(smtp_server: SmtpServer) -> None:
    _, outcome = send_to(smtp_server, 1, 4)

    assert outcome.sent == 1
    assert smtp_server.seen["accept"] == 1


def test_many_messages_use_all_connections_and_say_quit(smtp_server: SmtpServer) -> None:
    ledger, _ = send_to(smtp_server, 400, 4)

    check_truth(ledger, smtp_server)
    assert smtp_server.open_most == 4
    assert smtp_server.seen["quit"] == smtp_server.seen["accept"] == 4


def test_options_replace_the_connections_of_the_route(smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(100))
    send(ledger, make_route(smtp_server), options=replace(OPTIONS, connections=3))

    assert smtp_server.open_most == 3


def test_the_intent_is_recorded_before_and_the_verdict_after(smtp_server: SmtpServer) -> None:
    ledger, _ = send_to(smtp_server, 30, 4)
    first: dict[tuple[str, int], int] = {}
    for place, (call, ids) in enumerate(ledger.history):
        for key in ids:
            first.setdefault((call, key), place)

    assert all(first["intend", key] < first["record", key] for key in ledger.addresses)


def test_more_is_claimed_before_what_waits_is_used_up(serve: Serve) -> None:
    server = serve(SmtpServer(extensions=["PIPELINING"]))
    ledger = MemoryLedger(make_addresses(120))
    waiting: list[int] = []

    def look(call: str) -> bool:
        if call == "claim":
            waiting.append(ledger.count()["claimed"])
        return False

    ledger.failing = look
    send(ledger, make_route(server), options=replace(OPTIONS, claim_size=40))

    assert ledger.count() == {"sent": 120}
    assert waiting[0] == 0
    assert min(waiting[1:3]) > 0


def test_a_delivery_whose_claim_is_gone_is_not_sent(smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(10))

    def leave(claimed: Claimed) -> Outgoing:
        # Built, and before the body goes out the reader unsubscribes.
        if claimed.id == 5:
            ledger.states[5] = "skipped"
        return build(claimed)

    outcome = send(ledger, make_route(smtp_server), build=leave)

    check_truth(ledger, smtp_server)
    assert ledger.count() == {"sent": 9, "skipped": 1}
    assert outcome.error is None


def test_a_message_that_cannot_be_built_fails_alone(smtp_server: SmtpServer) -> None:
    def fail(claimed: Claimed) -> Outgoing:
        if claimed.id == 5:
            raise ZeroDivisionError("no name\r\nhere")
        return build(claimed)

    ledger = MemoryLedger(make_addresses(10))
    outcome = send(ledger, make_route(smtp_server), build=fail)

    assert (outcome.sent, outcome.failed) == (9, 1)
    assert ledger.verdicts[5].reply == "the message could not be made: ZeroDivisionError: no name here"


def test_a_hostile_address_fails_alone_and_never_reaches_the_wire(smtp_server: SmtpServer) -> None:
    hostile = [
        "a@b\r\nDATA",
        "a\0@example.org",
        "x" * 65 + "@example.org",
        "a@" + "x" * 300,
        "ü@example.org",
        "",
    ]
    ledger = MemoryLedger([*make_addresses(5), *hostile])
    outcome = send(ledger, make_route(smtp_server))

    assert (outcome.sent, outcome.failed, outcome.error) == (5, 6, None)
    assert [ledger.find(email).enhanced for email in hostile] == [
        "5.1.3", "5.1.3", "5.1.3", "5.1.2", "5.6.7", "5.1.3",
    ]  # fmt: skip
    assert len(smtp_server.spoken("RCPT")) == 5
    assert len(smtp_server.spoken("DATA")) == 5


def test_connections_rotate_by_count(smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(35))
    send(ledger, replace(make_route(smtp_server), messages_per_connection=10))

    check_truth(ledger, smtp_server)
    assert smtp_server.seen["accept"] == smtp_server.seen["quit"] == 4
    assert max(sum(m.connection == n for m in smtp_server.accepted) for n in range(1, 5)) == 10


def test_connections_rotate_by_age(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.06))]))
    ledger = MemoryLedger(make_addresses(6))
    send(ledger, replace(make_route(server), seconds_per_connection=0.1))

    # At 60 ms each the third ends after its time, and the one after it is not begun any more.
    assert ledger.count() == {"sent": 6}
    assert server.seen["accept"] >= 2


def test_an_idle_connection_is_closed_first_and_politely(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 1, late(0.5))]))
    ledger = MemoryLedger(make_addresses(2))
    send(ledger, replace(make_route(server, connections=2), idle_seconds=0.1))

    # The second connection waits for nothing while the first waits for its verdict.
    assert server.seen["quit"] == server.seen["accept"]
    assert ledger.count() == {"sent": 2}


def test_a_stop_starts_nothing_more_and_gives_the_rest_back(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.003))]))
    ledger, stop = MemoryLedger(make_addresses(500)), threading.Event()

    built: list[int] = []

    def build_and_stop(claimed: Claimed) -> Outgoing:
        built.append(claimed.id)
        if claimed.id == 40:
            stop.set()
        return build(claimed)

    outcome = send(ledger, make_route(server, connections=4), build=build_and_stop, stop=stop)

    check_truth(ledger, server)
    assert outcome.stopped
    assert outcome.error is None
    assert set(ledger.count()) == {"sent", "queued"}
    assert outcome.sent == len(built) == 40


def test_a_verdict_that_is_not_in_when_the_time_is_up_is_uncertain(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("after_dot", 3, SILENCE), Fault("data", 6, SILENCE)]))
    ledger, stop = MemoryLedger(make_addresses(500)), threading.Event()
    timer = threading.Timer(0.4, stop.set)
    timer.start()
    route = make_route(server, Timeouts(dot=600), connections=2)
    began = time.monotonic()
    outcome = send(ledger, route, stop=stop)
    timer.join()

    check_truth(ledger, server)
    assert time.monotonic() - began < 0.4 + OPTIONS.stop_seconds + 1.0
    assert outcome.uncertain == 1
    assert set(ledger.count()) == {"sent", "uncertain", "queued"}


def test_a_stop_that_is_set_before_the_send_sends_nothing(smtp_server: SmtpServer) -> None:
    stop = threading.Event()
    stop.set()
    ledger = MemoryLedger(make_addresses(3))
    outcome = send(ledger, make_route(smtp_server), stop=stop)

    assert outcome.stopped
    assert ledger.count() == {"queued": 3}
    assert smtp_server.spoken("MAIL") == []


def test_a_message_that_is_broken_off_is_not_ended_by_a_quit_in_its_body(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("data", 1, late(0.6))]))
    ledger, stop = MemoryLedger(make_addresses(1)), threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    patient = replace(make_route(server), timeouts=Timeouts(quit=1.0))
    outcome = send(ledger, patient, stop=stop, options=replace(OPTIONS, stop_seconds=0.1))
    timer.join()
    time.sleep(0.6)

    assert outcome.stopped
    assert ledger.count() == {"queued": 1}
    assert server.seen["body"] == 0
    assert server.accepted == []


def test_a_pause_in_the_ledger_stops_the_send(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.05))]))
    ledger = MemoryLedger(make_addresses(200))
    timer = threading.Timer(0.3, lambda: setattr(ledger, "stops", True))
    timer.start()
    outcome = send(ledger, make_route(server))
    timer.join()

    check_truth(ledger, server)
    assert outcome.stopped
    assert set(ledger.count()) == {"sent", "queued"}
    # Found out with the first claim that is gone, not with a connection for each.
    assert server.seen["accept"] <= 2


@pytest.mark.parametrize("call", ["claim", "intend", "record", "should_stop", "release"])
@pytest.mark.parametrize("connections", [1, 4])
def test_a_ledger_that_fails_for_a_while_loses_and_repeats_nothing(
    serve: Serve, call: str, connections: int
) -> None:
    server = serve(SmtpServer([Fault("rcpt", ONE, CLOSE)]))
    ledger = MemoryLedger(make_addresses(60))
    failures = iter([False, True, True, False, True])
    ledger.failing = lambda name: name == call and next(failures, False)
    outcome = send(ledger, make_route(server, connections=connections))

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count() == {"sent": 59, "deferred": 1}
    assert outcome.sent == 59


@pytest.mark.parametrize("connections", [1, 4])
def test_no_body_goes_out_while_its_intent_cannot_be_recorded(
    smtp_server: SmtpServer, connections: int
) -> None:
    ledger = MemoryLedger(make_addresses(10))
    ledger.failing = lambda name: name == "intend"
    outcome = send(
        ledger, make_route(smtp_server, connections=connections), options=replace(OPTIONS, ledger_seconds=0.3)
    )

    assert smtp_server.accepted == []
    assert outcome.error is not None
    assert "database is locked" in outcome.error
    assert outcome.sent == 0


def test_a_ledger_that_never_comes_back_ends_the_send_and_names_what_is_not_written(
    smtp_server: SmtpServer,
) -> None:
    ledger = MemoryLedger(make_addresses(300))
    ledger.failing = lambda name: name == "record" and ledger.count()["dot_sent"] > 0
    outcome = send(ledger, make_route(smtp_server), options=replace(OPTIONS, ledger_seconds=0.3))

    # A pipeline may have recorded the next intent with the one before the failure.
    lost = len(smtp_server.accepted)
    assert outcome.error == (
        f"the database is locked; end the program that holds it; {lost} verdicts are not written"
    )
    assert 1 <= lost <= 2
    assert ledger.count()["dot_sent"] == lost


def test_a_fault_of_the_ledgers_code_is_not_swallowed(smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(3))

    def break_down(name: str) -> bool:
        if name == "intend":
            raise KeyError("a bug")
        return False

    ledger.failing = break_down
    with pytest.raises(KeyError, match="a bug"):
        send(ledger, make_route(smtp_server))


def test_a_dead_server_ends_the_send_with_a_line_that_says_where(unused_port: int) -> None:
    ledger = MemoryLedger(make_addresses(10))
    route = replace(make_route(SmtpServer(port=unused_port)), connections=2)
    outcome = send(ledger, route, options=replace(OPTIONS, connect_failures=3))

    assert outcome.error is not None
    assert outcome.error.startswith(
        f"route 'main': 127.0.0.1:{unused_port} took nothing in 6 tries, the last: "
    )
    assert "Connection refused" in outcome.error
    assert outcome.error.endswith("; check that the server runs, and the host and port of the route")
    assert ledger.count() == {"queued": 10}


@pytest.mark.parametrize("stage", ["banner", "ehlo", "mail", "rcpt"])
def test_a_server_that_always_says_421_ends_the_send_with_everybody_queued(serve: Serve, stage: str) -> None:
    server = serve(SmtpServer([Fault(stage, 0, reply(421, "4.3.2 not today"))]))
    ledger, outcome = send_to(server, 10)

    assert outcome.error is not None
    assert "421 4.3.2 not today" in outcome.error
    assert ledger.count() == {"queued": 10}


def test_a_server_that_turns_us_away_is_asked_once(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("banner", 0, reply(554, "5.7.1 no service for you"))]))
    ledger, outcome = send_to(server, 10)

    assert outcome.error is not None
    assert "554 5.7.1 no service for you" in outcome.error
    assert server.seen["accept"] == 1
    assert ledger.count() == {"queued": 10}


@pytest.mark.parametrize("connections", [1, 4])
def test_a_refused_sender_stops_the_send_and_touches_no_recipient(serve: Serve, connections: int) -> None:
    server = serve(SmtpServer([Fault("mail", 0, reply(550, "5.7.1 sender refused"))]))
    ledger, outcome = send_to(server, 50, connections)

    assert outcome.error is not None
    assert "refused the sender or the message 3 times in a row: 550 5.7.1 sender refused" in outcome.error
    assert ledger.count() == {"queued": 50}
    assert server.seen["mail"] <= 2 + connections


def test_a_sender_refused_now_and_then_stops_nothing(serve: Serve) -> None:
    refusal = reply(550, "5.7.1 sender refused")
    server = serve(SmtpServer([Fault("mail", number, refusal) for number in (2, 3, 9, 15)]))
    ledger, outcome = send_to(server, 20)

    check_truth(ledger, server)
    assert outcome.error is None
    assert ledger.count() == {"sent": 20}


def test_a_used_up_quota_stops_the_send_and_defers_nobody(serve: Serve) -> None:
    quota = reply(454, "Throttling failure: Daily message quota exceeded.")
    server = serve(SmtpServer([Fault("mail", number, quota) for number in range(6, 99)]))
    ledger, outcome = send_to(server, 20)

    assert outcome.error is not None
    assert "takes no more mail for now" in outcome.error
    assert ledger.count() == {"sent": 5, "queued": 15}


def test_a_route_that_is_down_leaves_its_work_to_the_others(serve: Serve) -> None:
    down = serve(SmtpServer([Fault("banner", 0, reply(554, "5.7.1 no"))]))
    up = serve(SmtpServer())
    ledger = MemoryLedger(make_addresses(50))
    outcome = deliver(ledger, [make_route(down), make_route(up)], build, OPTIONS)

    check_truth(ledger, up)
    assert outcome.error is None
    assert outcome.sent == 50


def test_a_connection_too_many_is_let_go_and_the_rest_sends(serve: Serve) -> None:
    too_many = reply(421, "4.7.0 too many connections")
    server = serve(SmtpServer([Fault("banner", number, too_many) for number in (3, 4, 5, 6, 7)]))
    ledger, outcome = send_to(server, 300, 4)

    check_truth(ledger, server)
    assert outcome.error is None
    assert outcome.sent == 300


def test_progress_counts_what_is_recorded(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", ONE, reply(550, "5.1.1 gone")), Fault("dot", 0, late(0.02))]))
    seen: list[Counts] = []
    ledger = MemoryLedger(make_addresses(30))
    send(ledger, make_route(server), on_progress=seen.append)

    assert seen[-1] == Counts(sent=29, failed=1)
    assert [counts.sent for counts in seen] == sorted(counts.sent for counts in seen)
    assert 3 <= len(seen) <= 30


def test_a_large_body_cut_short_by_the_server_is_certainly_not_delivered(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("body", 1, CLOSE)]))
    large = b"Subject: x\r\n\r\n" + b"line\r\n" * 2_000_000
    ledger = MemoryLedger(make_addresses(2))
    outcome = send(ledger, make_route(server), build=lambda claimed: replace(build(claimed), data=large))

    assert outcome.sent == 2
    assert [message.data == large for message in server.accepted] == [True, True]


def test_no_route_is_a_clear_line() -> None:
    with pytest.raises(DeliveryError, match="NEWSLETTER_SMTP_URL"):
        deliver(MemoryLedger([]), [], build)


def test_no_thread_is_left_behind(smtp_server: SmtpServer) -> None:
    send_to(smtp_server, 20, 4)
    gc.collect()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ledger")]
