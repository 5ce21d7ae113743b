"""Limits that processes share, domains that are slowed down, and the days of a warm-up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.content import Claimed
from newsletter.deliver.engine import deliver
from newsletter.deliver.limits import BURST_SECONDS, DomainLimit, Grant, Limit
from newsletter.deliver.session import Outgoing
from newsletter.publishing.pacing import SharedLimits
from newsletter.store import paces
from newsletter.store.engine import Database, clock
from newsletter.store.pace_models import Pace, RateCount
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import OPTIONS, build, make_addresses, make_route
from tests.support.ledger_builders import Clock
from tests.support.smtp_server import Fault, SmtpServer, reply

Serve = Callable[[SmtpServer], SmtpServer]
GMAIL = "domain:gmail.test"


def make_limits(database: Database) -> SharedLimits:
    return SharedLimits(database, Clock())


def move_back(database: Database, key: str, seconds: float) -> None:
    """Let so much time go by for a slow-down."""
    with database.write() as session:
        pace = session.get_one(Pace, key)
        assert pace.slowed_at is not None
        pace.slowed_at -= seconds


def find_rate(database: Database, key: str) -> float | None:
    with database.read() as session:
        return paces.find_rate(session.get_one(Pace, key), None, clock(session))


def test_leave_follows_leave_whoever_asks(either_database: Database) -> None:
    limit = Limit(per_second=50)
    first, second = (make_limits(either_database).take({"route:a": limit})["route:a"] for _ in range(2))

    assert (first.count, second.count, first.interval) == (25, 25, 0.02)
    assert first.delay == pytest.approx(-BURST_SECONDS, abs=0.01)
    assert 0.0 < second.delay <= 0.5 - BURST_SECONDS


def test_leave_that_is_not_used_is_given_back(database: Database) -> None:
    limits, limit = make_limits(database), Limit(per_second=2, per_day=10)
    limits.take({"route:a": limit})
    limits.give_back({"route:a": 1})
    took = [limits.take({"route:a": limit})["route:a"].count for _ in range(12)]

    assert took == [1] * 10 + [0, 0]


def test_keys_do_not_share(database: Database) -> None:
    grants = make_limits(database).take({"route:a": Limit(per_second=10), "route:b": Limit()})

    assert (grants["route:a"].count, grants["route:b"]) == (5, Grant(100))


def test_hours_and_days_are_counted_by_the_clock(either_database: Database) -> None:
    now = Clock()
    now.move(minutes=30)
    limits, limit = SharedLimits(either_database, now), Limit(per_hour=150, per_day=320)

    def take() -> Grant:
        return limits.take({"route:a": limit})["route:a"]

    assert [take().count for _ in range(2)] == [100, 50]
    assert take() == Grant(0, delay=1800, why="its limit of 150 messages an hour is used up")
    now.move(hours=1)
    assert [take().count for _ in range(2)] == [100, 50]
    now.move(hours=1)
    assert [take().count for _ in range(1)] == [20]
    assert take() == Grant(0, delay=13.5 * 3600, why="its limit of 320 messages a day is used up")
    now.move(hours=13.5)
    assert take().count == 100


def test_a_warm_up_goes_by_days_since_the_first_message(database: Database) -> None:
    now = Clock()
    limits, limit = SharedLimits(database, now), Limit(warmup=(50, 80), per_day=90)

    def take() -> list[int]:
        return [limits.take({"route:a": limit})["route:a"].count for _ in range(2)]

    assert take() == [50, 0]
    assert "50 messages on day 1 of its warm-up" in str(limits.take({"route:a": limit})["route:a"].why)
    now.move(days=1)
    assert take() == [80, 0]
    now.move(days=1)
    assert take() == [90, 0]


def test_a_slow_down_halves_once_for_answers_that_come_together_and_recovers(
    either_database: Database,
) -> None:
    limits = make_limits(either_database)
    limits.slow_down(GMAIL, 40.0)
    limits.slow_down(GMAIL, 40.0)

    assert find_rate(either_database, GMAIL) == pytest.approx(20, rel=0.02)
    assert list(limits.list_slowed()) == ["gmail.test"]
    move_back(either_database, GMAIL, 10)
    limits.slow_down(GMAIL, 40.0)
    assert find_rate(either_database, GMAIL) == pytest.approx(10.2, rel=0.03)
    move_back(either_database, GMAIL, 300)
    assert find_rate(either_database, GMAIL) == pytest.approx(20.5, rel=0.03)
    move_back(either_database, GMAIL, 3400)
    assert find_rate(either_database, GMAIL) is None
    assert limits.list_slowed() == {}


def test_no_slow_down_goes_below_one_a_minute_or_above_the_limit(database: Database) -> None:
    limits = make_limits(database)
    for _ in range(12):
        limits.slow_down(GMAIL, 2.0)
        move_back(database, GMAIL, 10)

    assert find_rate(database, GMAIL) == pytest.approx(1 / 60, rel=0.05)
    move_back(database, GMAIL, 3000)
    assert limits.take({GMAIL: Limit(per_second=4)})[GMAIL].interval >= 0.25


class Sender:
    """An engine of its own in a thread, as another process has, that notes when each message begins."""

    def __init__(self, database: Database, server: SmtpServer, count: int, limit: Limit) -> None:
        self.ledger = MemoryLedger(make_addresses(count))
        self.begun: list[float] = []
        route = replace(make_route(server, connections=2), limit=limit)
        options = replace(OPTIONS, limiter=make_limits(database))
        self.thread = threading.Thread(target=lambda: deliver(self.ledger, [route], self.build, options))
        self.thread.start()

    def build(self, claimed: Claimed) -> Outgoing:
        self.begun.append(time.monotonic())
        return build(claimed)


def test_two_senders_share_a_limit_by_the_second(
    either_database: Database,
    smtp_server: SmtpServer,
    record_property: Callable[[str, object], None],
    *,
    is_deep: bool,
) -> None:
    seconds = 60 if is_deep else 2
    senders = [Sender(either_database, smtp_server, 25 * seconds, Limit(per_second=50)) for _ in range(2)]
    for sender in senders:
        sender.thread.join()
    begun = sorted(at for sender in senders for at in sender.begun)
    lasted = begun[-1] - begun[0] + BURST_SECONDS

    assert len(begun) == 50 * seconds
    # No second holds more than what is allowed and one burst of each.
    assert max(sum(at <= each < at + 1 for each in begun) for at in begun) <= 50 + 2 * 50 * BURST_SECONDS + 2
    assert len(begun) / lasted <= 50 * 1.02 + (0 if is_deep else 4)
    record_property("figure", f"two senders at 50/s: {len(begun) / lasted:.1f} a second for {lasted:.1f} s")


def test_a_used_up_limit_ends_the_send_and_says_which(database: Database, smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(60))
    route = replace(make_route(smtp_server), limit=Limit(per_day=40))
    outcome = deliver(ledger, [route], build, replace(OPTIONS, limiter=make_limits(database)))

    assert ledger.count() == {"sent": 40, "queued": 20}
    assert outcome.waits == "route 'main': its limit of 40 messages a day is used up"
    assert outcome.waits_seconds == pytest.approx(16 * 3600, abs=60)
    assert outcome.error is None


def mix(count: int, every: int) -> list[str]:
    """So many readers, each n-th of them at gmail.test."""
    return [
        address.replace("example.org", "gmail.test") if number % every == 0 else address
        for number, address in enumerate(make_addresses(count))
    ]


def test_a_domain_that_asks_for_less_gets_less_and_nobody_else_does(database: Database, serve: Serve) -> None:
    slow = reply(421, "4.7.28 unusual rate of mail")
    server = serve(SmtpServer([Fault("rcpt", "gmail.test", slow)]))
    ledger = MemoryLedger(mix(300, 5))
    outcome = deliver(
        ledger, [make_route(server, connections=2)], build, replace(OPTIONS, limiter=make_limits(database))
    )

    states = {
        domain: Counter(ledger.states[key] for key, address in ledger.addresses.items() if domain in address)
        for domain in ("example.org", "gmail.test")
    }
    assert states["example.org"] == {"sent": 240}
    assert states["gmail.test"] == {"deferred": 60}
    assert outcome.error is None
    # Of sixty that were to go there few cost a connection; the rest waits uncounted.
    assert len(ledger.verdicts) - 240 <= 8
    assert list(make_limits(database).list_slowed()) == ["gmail.test"]


def test_a_domain_known_to_be_slow_is_treated_so_from_the_start(
    database: Database, smtp_server: SmtpServer
) -> None:
    limits = make_limits(database)
    limits.slow_down(GMAIL, 40.0)
    with database.write() as session:
        session.get_one(Pace, GMAIL).free_at = 0.0
    ledger = MemoryLedger(mix(40, 2))
    began = time.monotonic()
    deliver(ledger, [make_route(smtp_server)], build, replace(OPTIONS, limiter=limits))

    assert ledger.count() == {"sent": 40}
    assert time.monotonic() - began >= 20 / 20 - 2 * BURST_SECONDS


def test_a_domains_own_limits_hold_back_only_that_domain(database: Database, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", "gmail.test", reply(250, "2.0.0 ok", delay=0.05))]))
    ledger = MemoryLedger(mix(60, 3))
    limits = {"gmail.test": DomainLimit(connections=1), "example.org": DomainLimit(per_second=400)}
    deliver(
        ledger,
        [make_route(server, connections=4)],
        build,
        replace(OPTIONS, limiter=make_limits(database), domains=limits),
    )

    assert ledger.count() == {"sent": 60}


def test_a_limit_for_every_domain_holds_for_each_by_itself(
    database: Database, smtp_server: SmtpServer
) -> None:
    ledger = MemoryLedger([f"a{n}@d{n % 4}.test" for n in range(32)])
    limits = {"*": DomainLimit(per_second=10)}
    began = time.monotonic()
    deliver(
        ledger,
        [make_route(smtp_server, connections=2)],
        build,
        replace(OPTIONS, limiter=make_limits(database), domains=limits),
    )

    assert ledger.count() == {"sent": 32}
    assert time.monotonic() - began >= 8 / 10 - BURST_SECONDS - 0.1


def test_what_no_limit_looks_at_is_forgotten(either_database: Database) -> None:
    limits = make_limits(either_database)
    limits.take({"route:a": Limit(per_day=9), "route:b": Limit(per_second=9)})
    limits.slow_down(GMAIL, 9.0)
    with either_database.write() as session:
        for key in ("route:a", "route:b"):
            session.get_one(Pace, key).free_at -= 4000
    with either_database.write() as session:
        paces.forget_old(session, now=Clock()() + timedelta(days=3))
        assert list(session.scalars(select(Pace.key))) == [GMAIL]
        assert list(session.scalars(select(RateCount.key))) == []


def test_without_limits_nobody_is_asked(database: Database, smtp_server: SmtpServer) -> None:
    ledger = MemoryLedger(make_addresses(20))
    deliver(ledger, [make_route(smtp_server)], build, replace(OPTIONS, limiter=make_limits(database)))

    assert ledger.count() == {"sent": 20}
    with database.read() as session:
        assert session.query(Pace).count() == 0
