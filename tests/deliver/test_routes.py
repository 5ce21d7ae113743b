"""Several routes: shares by weight, failover, and servers that come back."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from newsletter.deliver.engine import Options, Outcome, deliver
from newsletter.deliver.route import Route, Timeouts
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import OPTIONS, Serve, build, check_truth, make_addresses, make_route
from tests.support.smtp_server import CLOSE, SILENCE, Action, Fault, SmtpServer, late, reply

NO = reply(554, "5.7.1 no service for you")
BRIEF = replace(OPTIONS, revive_seconds=0.1, revive_limit=0.2)


def name(server: SmtpServer, called: str, **changes: object) -> Route:
    return replace(make_route(server), name=called, **changes)  # type: ignore[arg-type] # as Route says


def send(routes: list[Route], count: int, options: Options = OPTIONS) -> tuple[MemoryLedger, Outcome]:
    ledger = MemoryLedger(make_addresses(count))
    return ledger, deliver(ledger, routes, build, options)


def check_both(ledger: MemoryLedger, *servers: SmtpServer) -> None:
    accepted = [message.recipients[0] for server in servers for message in server.accepted]
    assert sorted(accepted) == sorted(ledger.addresses.values())
    assert ledger.count() == {"sent": len(accepted)}


@pytest.mark.parametrize(("weights", "share"), [((3, 1), 300), ((1, 1), 200), ((1, 4), 80)])
def test_routes_carry_their_share_by_weight(serve: Serve, weights: tuple[int, int], share: int) -> None:
    one, two = serve(SmtpServer()), serve(SmtpServer([Fault("dot", 0, late(0.001))]))
    routes = [
        name(one, "one", weight=weights[0], connections=2),
        name(two, "two", weight=weights[1], connections=2),
    ]
    ledger, outcome = send(routes, 400)

    check_both(ledger, one, two)
    assert abs(len(one.accepted) - share) <= 20
    assert [(route.name, route.carried) for route in outcome.routes] == [
        ("one", len(one.accepted)),
        ("two", len(two.accepted)),
    ]


def test_a_route_that_is_down_gives_its_share_to_the_others_and_is_named(serve: Serve) -> None:
    down, up = serve(SmtpServer([Fault("banner", 0, NO)])), serve(SmtpServer())
    ledger, outcome = send([name(down, "one", weight=9), name(up, "two")], 60)

    check_truth(ledger, up)
    assert (outcome.sent, outcome.error, outcome.is_refused) == (60, None, False)
    assert "route 'one'" in str(outcome.routes[0].error)
    assert outcome.routes[1].error is None


def test_a_route_that_comes_back_is_used_again(serve: Serve) -> None:
    one = serve(SmtpServer([Fault("banner", number, NO) for number in (1, 2)]))
    two = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    ledger, outcome = send([name(one, "one"), name(two, "two")], 150, BRIEF)

    check_both(ledger, one, two)
    assert len(one.accepted) > 20
    assert outcome.routes[0].error is None


def test_a_route_on_trial_opens_one_connection(serve: Serve) -> None:
    one = serve(SmtpServer([Fault("banner", 0, NO)]))
    two = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    ledger, outcome = send([name(one, "one", connections=4), name(two, "two")], 40, BRIEF)

    check_truth(ledger, two)
    # Four at first, as many as were wanted; then one after 0.1, 0.3, 0.5, … s of the 0.8 that it lasts.
    assert 2 <= one.seen["accept"] <= 4 + 6
    assert outcome.routes[0].error is not None


def test_a_route_that_only_hangs_holds_nobody_up_for_long(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.deliver.lane.STALL_SECONDS", 0.2)
    one, two = serve(SmtpServer([Fault("mail", 3, SILENCE)])), serve(SmtpServer())
    hangs = name(one, "one", timeouts=Timeouts(command=1.0, quit=0.1))
    ledger, _ = send([hangs, name(two, "two")], 100)

    check_both(ledger, one, two)
    assert len(two.accepted) > 90


def test_a_server_that_breaks_every_connection_leaves_the_rest_to_the_other(serve: Serve) -> None:
    one, two = serve(SmtpServer([Fault("mail", 0, CLOSE)])), serve(SmtpServer())
    ledger, outcome = send([name(one, "one"), name(two, "two")], 80, replace(OPTIONS, connect_failures=2))

    check_truth(ledger, two)
    assert outcome.error is None
    assert outcome.sent + outcome.deferred == 80


def test_when_all_are_down_nothing_is_lost_and_each_is_named(serve: Serve) -> None:
    servers = [serve(SmtpServer([Fault("banner", 0, NO)])) for _ in range(2)]
    ledger, outcome = send([name(server, f"r{n}") for n, server in enumerate(servers)], 10)

    assert ledger.count() == {"queued": 10}
    assert "route 'r0'" in str(outcome.error)
    assert "route 'r1'" in str(outcome.error)
    assert not outcome.is_refused


@pytest.mark.parametrize(
    ("stage", "answer"),
    [("mail", reply(550, "5.7.1 sender refused")), ("rcpt", reply(550, "5.7.1 we do not like you"))],
)
def test_a_series_of_refusals_says_that_somebody_has_to_look(
    serve: Serve, stage: str, answer: Action
) -> None:
    server = serve(SmtpServer([Fault(stage, 0, answer)]))
    ledger, outcome = send([name(server, "one")], 50)

    assert outcome.is_refused
    assert "times in a row: 550 5.7.1" in str(outcome.error)
    assert ledger.count()["queued"] >= 50 - 20
    assert {verdict.cause for verdict in ledger.verdicts.values()} <= {"policy"}


def test_refusals_among_others_stop_nothing(serve: Serve) -> None:
    policy = reply(550, "5.7.1 not to this one")
    server = serve(SmtpServer([Fault("rcpt", n, policy) for n in range(1, 100) if n % 5]))
    ledger, outcome = send([name(server, "one")], 99)

    assert outcome.error is None
    assert ledger.count() == {"failed": 80, "sent": 19}


def test_a_window_that_closes_ends_the_send_without_a_fault(serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    ledger, outcome = send([name(server, "one", open_seconds=0.3)], 200)

    check_truth(ledger, server)
    assert set(ledger.count()) == {"sent", "queued"}
    assert (outcome.error, outcome.stopped) == (None, False)
    assert outcome.waits == "route 'one': its sending window has closed"


def test_a_stop_ends_the_wait_for_a_route_that_is_down(serve: Serve) -> None:
    down = serve(SmtpServer([Fault("banner", 0, NO)]))
    up = serve(SmtpServer([Fault("dot", 0, late(0.02))]))
    stop = threading.Event()
    timer = threading.Timer(0.4, stop.set)
    timer.start()
    ledger = MemoryLedger(make_addresses(500))
    outcome = deliver(ledger, [name(down, "one"), name(up, "two")], build, OPTIONS, stop=stop)
    timer.join()

    check_truth(ledger, up)
    assert outcome.stopped
