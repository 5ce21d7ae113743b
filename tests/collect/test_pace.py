"""How often a source is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.collect.feeds import parse_feed
from newsletter.collect.pace import LONGEST_QUIET, LONGEST_WISH, plan_next
from newsletter.content import Pace

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
ALL_DAYS = frozenset(range(7))


def test_a_source_with_news_is_asked_at_the_operators_interval() -> None:
    assert plan_next(NOW, HOUR) == plan_next(NOW, HOUR, quiet=1) == NOW + HOUR


def test_a_quiet_source_is_asked_ever_more_rarely_but_twice_before_any_send() -> None:
    waits = [plan_next(NOW, HOUR, quiet=quiet) - NOW for quiet in range(1, 60)]

    assert waits == sorted(waits)
    assert waits[1] == HOUR * 1.25
    assert waits[-1] == LONGEST_QUIET
    assert plan_next(NOW, 12 * HOUR, quiet=50) == NOW + 12 * HOUR


@pytest.mark.parametrize(
    ("pace", "fresh", "wait"),
    [
        (Pace(4 * HOUR), timedelta(), 4 * HOUR),
        (Pace(), 3 * HOUR, 3 * HOUR),
        (Pace(2 * HOUR), 3 * HOUR, 3 * HOUR),
        (Pace(HOUR / 4), HOUR / 2, HOUR),
        (Pace(timedelta(days=365)), timedelta(), LONGEST_WISH),
        (Pace(skip_hours=frozenset({9, 10})), timedelta(), 2.5 * HOUR),
        (Pace(skip_days=frozenset({0})), timedelta(), 15.5 * HOUR),
        (Pace(skip_days=ALL_DAYS), timedelta(), HOUR),
    ],
)
def test_what_the_publisher_wants_is_respected_within_reason(
    pace: Pace, fresh: timedelta, wait: timedelta
) -> None:
    assert plan_next(NOW, HOUR, pace=pace, fresh=fresh) == NOW + wait


@pytest.mark.parametrize(
    ("channel", "pace"),
    [
        ("<ttl>90</ttl>", Pace(1.5 * HOUR)),
        ("<ttl>-5</ttl>", Pace()),
        ("<ttl>" + "9" * 30 + "</ttl>", Pace()),
        (
            "<sy:updatePeriod> daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            Pace(6 * HOUR),
        ),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            Pace(24 * HOUR),
        ),
        (
            (
                "<skipHours><hour>0</hour><hour> 24 </hour><hour>7</hour><hour>x</hour></skipHours>"
                "<skipDays><day>Saturday</day><day>sunday</day><day>Someday</day></skipDays>"
            ),
            Pace(skip_hours=frozenset({0, 7}), skip_days=frozenset({5, 6})),
        ),
    ],
)
def test_a_feed_says_how_often_it_is_to_be_asked(channel: str, pace: Pace) -> None:
    namespace = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"
    feed = f"<rss version='2.0' {namespace}><channel><title>T</title>{channel}</channel></rss>"

    assert parse_feed(feed.encode()).pace == pace
