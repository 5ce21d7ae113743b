"""When a delivery that was put off is tried again."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from newsletter.publishing.retries import JITTER, plan_retry
from tests.support.publishing_builders import NOW

DAY = timedelta(hours=24)


@given(st.integers(1, 10**9), st.integers(1, 200))
def test_the_wait_is_the_same_each_time_it_is_asked_for(delivery_id: int, attempts: int) -> None:
    def plan() -> object:
        return plan_retry(delivery_id, attempts, NOW, now=NOW, give_up=DAY)

    assert plan() == plan()


def test_waits_grow_and_spread() -> None:
    for attempts, minutes in enumerate((1, 5, 15, 30, 60, 60), start=1):
        times = [plan_retry(n, attempts, NOW, now=NOW, give_up=DAY) for n in range(500)]
        waits = [(at - NOW) / timedelta(minutes=minutes) for at in times if at]

        assert len(waits) == 500
        assert 1 - JITTER <= min(waits) < 0.85
        assert 1.15 < max(waits) <= 1 + JITTER


def test_nothing_is_tried_after_the_time_to_give_up() -> None:
    first = NOW - DAY

    assert plan_retry(1, 9, first, now=NOW, give_up=DAY) is None
    assert plan_retry(1, 9, first, now=NOW, give_up=DAY + timedelta(hours=2)) is not None
    assert plan_retry(1, 1, None, now=NOW, give_up=timedelta(seconds=1)) is None
