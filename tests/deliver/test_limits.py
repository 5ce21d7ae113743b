"""Leave, lanes and domains by themselves, with the time as an argument."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.content import Claimed, Recipient
from newsletter.deliver.lane import REST_SECONDS, SLACK, STALL_SECONDS, Lane
from newsletter.deliver.limits import (
    LONGEST_SECONDS,
    PAUSE_SECONDS,
    Domain,
    DomainLimit,
    Gate,
    Grant,
    Limit,
)
from newsletter.deliver.route import Route
from newsletter.deliver.traffic import Traffic
from newsletter.errors import DeliveryError

ROUTE = Route("one", "127.0.0.1")


def make_lane(weight: int = 1, gate: Gate | None = None) -> Lane:
    return Lane(replace(ROUTE, weight=weight), None, 1, gate)


def make_claimed(number: int, domain: str = "gmail.test") -> Claimed:
    return Claimed(number, Recipient(number, f"r{number}@{domain}"), 1)


class NoLimiter:
    """Stands for one where only its being there matters."""

    def take(self, asked: object) -> dict[str, Grant]:
        del asked
        return {}

    def give_back(self, unused: object) -> None:
        del unused

    def slow_down(self, key: str, rate: float) -> None:
        del key, rate

    def list_slowed(self) -> dict[str, float]:
        return {}


def test_a_gate_lets_through_what_was_granted_at_its_pace() -> None:
    gate = Gate("k", Limit(per_second=10))
    assert not gate.is_open(100.0)
    assert gate.is_asking
    gate.admit(Grant(3, 0.5, 0.1), 100.0)

    passed = []
    for tick in range(1000, 1020):
        if gate.is_open(tick / 10):
            gate.use()
            passed.append(tick / 10)

    assert passed == [100.5, 100.6, 100.7]
    assert gate.is_asking


def test_leave_that_is_not_used_in_time_is_lost() -> None:
    gate = Gate("k", Limit(per_second=10))
    gate.admit(Grant(20, 0.0, 0.1), 100.0)
    passed = 0
    while gate.is_open(101.0):
        gate.use()
        passed += 1

    # A burst of a quarter of a second, not the ten that a second holds.
    assert 2 <= passed <= 4


@pytest.mark.parametrize(("seconds", "rests"), [(REST_SECONDS - 1, False), (REST_SECONDS + 1, True)])
def test_a_lane_rests_where_its_limit_is_used_up_for_long(seconds: float, *, rests: bool) -> None:
    lane = make_lane(gate=Gate("k", Limit(per_day=1)))
    assert lane.gate
    lane.gate.admit(Grant(0, delay=seconds, why="used up"), 100.0)
    lane.look(100.0)

    assert (lane.rest, lane.is_up) == (("used up", False) if rests else (None, True))


def test_a_lane_comes_back_later_each_time_until_a_message_got_an_answer() -> None:
    lane, error = make_lane(), DeliveryError("down")
    lane.fail(error, 100.0, 30.0, 50.0)
    assert (lane.look(129.0), lane.is_up) == (False, False)
    assert (lane.look(130.0), lane.is_up, lane.is_on_trial) == (True, True, True)
    lane.fail(error, 130.0, 30.0, 50.0)
    assert lane.revive_at == 180.0
    lane.look(180.0)
    lane.recover()
    assert (lane.fault, lane.is_on_trial, lane.revivals) == (None, False, 0)


def test_a_lane_that_is_refused_does_not_come_back() -> None:
    lane = make_lane()
    lane.is_refused = True
    lane.fail(DeliveryError("refused"), 100.0, 30.0, 50.0)

    assert not lane.look(1e9)


def test_a_lane_waits_for_one_that_is_behind_but_not_for_one_that_hangs() -> None:
    one, two = lanes = [make_lane(), make_lane()]
    two.begin_one(lanes, 100.0)
    begun = 0
    while one.has_turn(lanes, 100.0):
        one.begin_one(lanes, 100.0)
        begun += 1

    assert begun == SLACK + 2
    assert one.has_turn(lanes, 100.0 + STALL_SECONDS)
    two.rest = "used up"
    assert one.has_turn(lanes, 100.0)


def test_a_lane_that_was_away_does_not_make_up_for_it() -> None:
    one, two = lanes = [make_lane(), make_lane()]
    for _ in range(1000):
        one.begin_one(lanes, 100.0)
    two.begin_one(lanes, 100.0)

    assert two.turn >= one.turn - SLACK - 1


def test_a_slowed_domain_pauses_and_holds_few() -> None:
    traffic = Traffic([make_lane()], NoLimiter())
    waiting = [(make_claimed(number), 100.0) for number in range(50)]
    was_free = traffic.is_free
    traffic.begin(traffic.lanes[0], waiting[0][0], 100.0)
    traffic.slow_down(waiting[0][0], 100.0)
    free, later = traffic.sort([*waiting, (make_claimed(99, "other.test"), 100.0)], 100.0)

    assert (was_free, traffic.is_free) == (True, False)
    assert [claimed.id for claimed, _ in free] == [99]
    assert len(later) == 50
    assert min(later.values()) >= PAUSE_SECONDS
    assert len(set(later.values())) == 50
    assert traffic.slowing == {"domain:gmail.test": 2.0}


def test_nothing_is_put_back_for_longer_than_a_domain_may_need_to_recover() -> None:
    domain = Domain("gmail.test", DomainLimit(), Gate("k", Limit(), interval=60.0))

    assert max(domain.plan(100.0) for _ in range(100)) == LONGEST_SECONDS


def test_a_domain_has_no_more_connections_than_it_may() -> None:
    traffic = Traffic([make_lane()], None, {"gmail.test": DomainLimit(connections=2)})
    traffic.sort([(make_claimed(number), 0.0) for number in range(5)], 0.0)
    begun = []
    while domain := traffic.find_ready(0.0):
        begun.append(domain.waiting.popleft()[0])
        traffic.begin(traffic.lanes[0], begun[-1], 0.0)

    assert len(begun) == 2
    traffic.end(begun[0], 0.0)
    assert traffic.find_ready(0.0)
