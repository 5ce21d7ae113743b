"""Periods fall on the wall-clock times that a schedule names, in every zone and on every night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.publishing.calendar import (
    Period,
    describe,
    next_period,
    parse_schedule,
    parse_when,
    parse_zone,
    previous_period,
)

ZONES = [
    "UTC",
    "Europe/Helsinki",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/New_York",
    "Africa/Casablanca",
]
CRONS = [
    "0 8 * * 1",
    "30 3 * * *",
    "15 0 * * 0",
    "0 * * * *",
    "45 2 1 * *",
    "0 6 29 2 *",
    "5 23 13 * 5",
    "0 9 * * 1-5",
]
INSTANTS = st.integers(2005 * 365, 2037 * 365).flatmap(
    lambda day: st.integers(0, 86_399).map(
        lambda second: datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)
    )
)


def list_fires(cron: str, zone: str, start: str, count: int) -> list[str]:
    schedule, place = parse_schedule(cron), ZoneInfo(zone)
    at, fires = parse_when(start, place), []
    for _ in range(count):
        period = next_period(schedule, place, at)
        fires.append(f"{period.key} {period.at.isoformat(timespec='minutes')}")
        at = period.at
    return fires


@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), now=INSTANTS)
def test_periods_are_neighbours(cron: str, zone: str, now: datetime) -> None:
    schedule, place = parse_schedule(cron), ZoneInfo(zone)

    before, after = previous_period(schedule, place, now), next_period(schedule, place, now)

    assert before.at <= now < after.at
    assert before.key < after.key
    assert next_period(schedule, place, before.at) == after
    assert previous_period(schedule, place, after.at) == after
    assert previous_period(schedule, place, after.at - timedelta(microseconds=1)) == before


@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), now=INSTANTS)
def test_a_period_is_at_its_local_time_or_moved_forward(cron: str, zone: str, now: datetime) -> None:
    period = next_period(parse_schedule(cron), ZoneInfo(zone), now)

    local, named = period.at.replace(tzinfo=None), datetime.fromisoformat(period.key)

    assert local == named or (
        local > named and named.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) == period.at
    )


@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), start=INSTANTS)
def test_no_local_time_fires_twice(cron: str, zone: str, start: datetime) -> None:
    schedule, place = parse_schedule(cron), ZoneInfo(zone)
    periods, at = [], start
    for _ in range(10):
        period = next_period(schedule, place, at)
        periods.append(period)
        at = period.at

    assert len({period.key for period in periods}) == 10
    assert sorted(periods) == periods


def test_a_time_that_clocks_leave_out_is_moved_forward() -> None:
    assert list_fires("30 3 * * *", "Europe/Helsinki", "2026-03-28", 3) == [
        "2026-03-28T03:30 2026-03-28T03:30+02:00",
        "2026-03-29T03:30 2026-03-29T04:30+03:00",
        "2026-03-30T03:30 2026-03-30T03:30+03:00",
    ]


def test_a_time_that_comes_twice_fires_once() -> None:
    assert list_fires("30 3 * * *", "Europe/Helsinki", "2026-10-24", 3) == [
        "2026-10-24T03:30 2026-10-24T03:30+03:00",
        "2026-10-25T03:30 2026-10-25T03:30+03:00",
        "2026-10-26T03:30 2026-10-26T03:30+02:00",
    ]


def test_midnight_that_does_not_exist_in_sao_paulo_is_moved_forward() -> None:
    assert list_fires("0 0 * * 0", "America/Sao_Paulo", "2018-11-01", 2) == [
        "2018-11-04T00:00 2018-11-04T01:00-02:00",
        "2018-11-11T00:00 2018-11-11T00:00-02:00",
    ]


def test_an_hourly_schedule_fires_once_in_the_hour_that_is_left_out() -> None:
    assert list_fires("30 * * * *", "Europe/Helsinki", "2026-03-29T01:59", 3) == [
        "2026-03-29T02:30 2026-03-29T02:30+02:00",
        "2026-03-29T04:30 2026-03-29T04:30+03:00",
        "2026-03-29T05:30 2026-03-29T05:30+03:00",
    ]


def test_quarters_of_an_hour_are_kept_in_kathmandu() -> None:
    assert list_fires("0 8 * * 1", "Asia/Kathmandu", "2026-11-22", 1) == [
        "2026-11-23T08:00 2026-11-23T08:00+05:45"
    ]


def test_a_leap_day_comes_every_four_years_and_once_in_eight() -> None:
    assert list_fires("0 6 29 2 *", "UTC", "2092-01-01", 3) == [
        "2092-02-29T06:00 2092-02-29T06:00+00:00",
        "2096-02-29T06:00 2096-02-29T06:00+00:00",
        "2104-02-29T06:00 2104-02-29T06:00+00:00",
    ]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1", "Mon"),
        ("mon", "Mon"),
        ("FRI", "Fri"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("0-2", "Mon Tue Sun"),
        ("6-1", "Mon Sat Sun"),
        ("sat-mon", "Mon Sat Sun"),
        ("1,3,5", "Mon Wed Fri"),
        ("1-5/2", "Mon Wed Fri"),
        ("*/3", "Wed Sat Sun"),
        ("4/2", "Thu Sat"),
    ],
)
def test_days_are_numbered_as_cron_does(field: str, days: str) -> None:
    schedule, at = parse_schedule(f"0 8 * * {field}"), datetime(2026, 11, 22, 23, tzinfo=UTC)
    found = []
    while (period := next_period(schedule, ZoneInfo("UTC"), at)).at < datetime(2026, 11, 30, tzinfo=UTC):
        found.append(f"{period.at:%a}")
        at = period.at

    assert " ".join(found) == days


def test_either_day_field_is_enough_where_both_are_given() -> None:
    assert [fire[:10] for fire in list_fires("0 8 13 * 5", "UTC", "2026-11-10", 3)] == [
        "2026-11-13",
        "2026-11-20",
        "2026-11-27",
    ]


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("", "five cron fields"),
        ("0 8 * *", "five cron fields"),
        ("0 8 * * 1 2026", "five cron fields"),
        ("0 8 ? * L", "five cron fields"),
        ("0 25 * * 1", "not a cron"),
        ("0 8 * * 8", "no day of the week"),
        ("0 8 * * foo", "no day of the week"),
        ("61 8 * * 1", "not a cron"),
        ("* 8 * * 1", "more often"),
        ("0,30 8 * * 1", "more often"),
        ("*/5 * * * *", "more often"),
        ("0 8 31 2 *", "never comes"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(cron: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_schedule(cron)


def test_times_are_read_in_the_zone_unless_they_say_theirs() -> None:
    zone = parse_zone("Europe/Vilnius")

    assert parse_when("2026-11-23", zone) == datetime(2026, 11, 22, 22, tzinfo=UTC)
    assert parse_when("2026-07-01T08:00", zone) == datetime(2026, 7, 1, 5, tzinfo=UTC)
    assert parse_when("2026-07-01T08:00Z", zone) == datetime(2026, 7, 1, 8, tzinfo=UTC)
    with pytest.raises(ConfigError, match="neither a date"):
        parse_when("next week", zone)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "Europe", "a/" * 900 + "a"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is not known"):
        parse_zone(name)


def test_a_period_is_described_for_people() -> None:
    at = datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("Europe/Vilnius"))

    assert describe(Period(at, "x").at) == "Monday 23 November 2026, 08:00 (Europe/Vilnius)"
