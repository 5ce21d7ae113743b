"""When issues are due: cron fields in the wall-clock time of a zone, nights of changing clocks included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In the order of cron; APScheduler would count from Monday, so it is only ever given names."""

JUMP = timedelta(hours=25)
"""More than any clock was ever set forward or back: Apia left out a whole day in 2011."""

SEARCH = timedelta(days=9 * 366)
"""The longest wait between two 29ths of February is eight years."""

_ITEM = re.compile(
    r"(?:\*|(?P<first>[a-z]{3}|\d{1,2})(?:-(?P<last>[a-z]{3}|\d{1,2}))?)(?:/(?P<step>[1-9]\d?))?"
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Five cron fields; fires at most once an hour."""

    cron: str
    triggers: tuple[Any, ...]
    """APScheduler's, over naive local times that are passed as UTC."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One firing of a schedule."""

    at: datetime
    """The instant, in the schedule's zone."""
    key: str
    """The local time by the schedule, as `2026-11-23T08:00`, whatever the clocks did."""


def parse_schedule(cron: str) -> Schedule:
    """Read five cron fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

    As in cron(8), a day fits if either of the two day fields does, where both are given.

    Raises:
        ConfigError: It is no cron, never fires, or fires more often than once an hour.

    """
    fields = cron.lower().split()
    if len(fields) != 5 or not all(_ITEM.fullmatch(item) for field in fields for item in field.split(",")):  # noqa: PLR2004 - five fields make a cron line - as cron has them
        raise ConfigError(f"schedule {cron!r} must be five cron fields, as '0 8 * * 1' for Mondays at 08:00")
    minute, hour, day, month, weekday = fields
    if not minute.isdecimal():
        raise ConfigError(
            f"schedule {cron!r} fires more often than once an hour: give one minute, as '0 8 * * 1'"
        )
    days = [(day, weekday)] if "*" in {day[0], weekday[0]} else [(day, "*"), ("*", weekday)]
    try:
        triggers = tuple(_make_trigger(minute, hour, month, each) for each in days)
        schedule = Schedule(" ".join(cron.split()), triggers)
    except ValueError as error:
        raise ConfigError(f"schedule {cron!r} is not a cron: {error}") from error
    if next(_iterate(schedule, datetime(2000, 1, 1), SEARCH), None) is None:  # noqa: DTZ001 - local times have none
        raise ConfigError(f"schedule {cron!r} never comes: no month has such a day")
    return schedule


def parse_zone(name: str) -> ZoneInfo:
    """Give the zone of that IANA name.

    Raises:
        ConfigError: There is none.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError) as error:
        # A name is looked for part by part, as deep as it has slashes.
        raise ConfigError(
            f"timezone {name[:100]!r} is not known: use a name such as Europe/Vilnius or UTC"
        ) from error


def parse_when(said: str, zone: ZoneInfo) -> datetime:
    """Read a date or an ISO 8601 time; without an offset it is local time of the zone.

    Raises:
        ConfigError: It is neither.

    """
    try:
        when = datetime.fromisoformat(said)
    except ValueError as error:
        raise ConfigError(f"{said!r} is neither a date nor an ISO 8601 time, as 2026-11-23T08:00") from error
    return when if when.tzinfo else when.replace(tzinfo=zone)


def previous_period(schedule: Schedule, zone: ZoneInfo, now: datetime) -> Period:
    """Give the last firing at or before `now`."""
    local = now.astimezone(zone).replace(tzinfo=None)
    width = timedelta(days=8)
    while True:
        fired = [
            period
            for period in _list_periods(schedule, zone, local - width, width + JUMP)
            if period.at <= now
        ]
        if fired:
            return max(fired)
        width *= 4


def next_period(schedule: Schedule, zone: ZoneInfo, now: datetime) -> Period:
    """Give the first firing after `now`."""
    local = now.astimezone(zone).replace(tzinfo=None)
    width = timedelta(days=8)
    while True:
        coming = [
            period for period in _list_periods(schedule, zone, local - JUMP, width + JUMP) if period.at > now
        ]
        if coming:
            return min(coming)
        width *= 4


def _list_periods(schedule: Schedule, zone: ZoneInfo, start: datetime, width: timedelta) -> list[Period]:
    """Two local times that fall on one instant, as in the hour that clocks leave out, are one: the later."""
    by_instant: dict[datetime, Period] = {}
    # A time that the clocks leave out can fall on one a jump later, beyond the end.
    for fire in _iterate(schedule, start, width + JUMP):
        at = _attach(fire, zone)
        by_instant[at.astimezone(UTC)] = Period(at=at, key=fire.isoformat(timespec="minutes"))
    return list(by_instant.values())


def _attach(local: datetime, zone: ZoneInfo) -> datetime:
    """Of two such times the first; one that does not exist is moved forward by the gap (PEP 495)."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


def _iterate(schedule: Schedule, start: datetime, width: timedelta) -> Iterator[datetime]:
    at, end = start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + width
    while True:
        fires = [fire for trigger in schedule.triggers if (fire := trigger.get_next_fire_time(None, at))]
        if not fires or min(fires) > end:
            return
        yield min(fires).replace(tzinfo=None)
        at = min(fires) + timedelta(minutes=1)


def _make_trigger(minute: str, hour: str, month: str, days: tuple[str, str]) -> Any:  # noqa: ANN401 - untyped library
    from apscheduler.triggers.cron import CronTrigger

    day, weekday = days
    return CronTrigger(
        minute=minute, hour=hour, day=day, month=month, day_of_week=_name_weekdays(weekday), timezone=UTC
    )


def _name_weekdays(field: str) -> str:
    """Spell numbers, ranges and steps out as names: `5-7` is fri,sat,sun."""
    if field == "*":
        return field
    return ",".join(sorted({WEEKDAYS[number % 7] for item in field.split(",") for number in _expand(item)}))


def _expand(item: str) -> range:
    found = _ITEM.fullmatch(item)
    assert found is not None  # noqa: S101 - parse_schedule has matched every item
    first, last, step = found["first"], found["last"], int(found["step"] or 1)
    if first is None:
        return range(0, 7, step)
    begin = _number_weekday(first)
    # As cron does: a step without a range counts to the end of the week.
    end = _number_weekday(last) if last else 6 if found["step"] else begin
    if end < begin:
        end += 7
    return range(begin, end + 1, step)


def _number_weekday(said: str) -> int:
    if said in WEEKDAYS:
        return WEEKDAYS.index(said)
    if said.isdecimal() and int(said) <= 7:  # noqa: PLR2004 - Sunday is both 0 and 7
        return int(said)
    raise ValueError(f"{said} is no day of the week")


def describe(at: datetime) -> str:
    """Name an instant for people: `Monday 23 November 2026, 08:00 (Europe/Vilnius)`."""
    return f"{at:%A} {at.day} {at:%B %Y, %H:%M} ({at.tzinfo})"
