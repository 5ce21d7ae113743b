"""Dates as feeds and pages write them, read with the offset they were published with."""

# ruff: noqa: RUF001 - the words of Russian dates
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.collect.calendar_names import MONTHS, ZONES

_TIME: Final = (
    r"(?:(?:\s*[,|·•–—-]\s*|\s+|\s*t)(?:(?:at|um|à|a las|в|о)\s+)?"
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\.?)?(?:\s*(?:uhr|hrs|г\.?))?"
    r"\s*(?P<zone>\(?(?:(?:utc|gmt)?\s?[+−-]\d{1,2}(?::?\d{2})?|[a-z]{1,5})\)?)?)?"
)
_WEEKDAY: Final = r"(?:[^\W\d_]{2,13}\.?\s?,?\s+)?"
_LINE: Final = tuple(
    re.compile(rf"{_WEEKDAY}{day}{_TIME}\.?", re.IGNORECASE)
    for day in (
        r"(?P<name>[^\W\d_]{3,12})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(?P<year>\d{4})",
        (
            r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?\s+(?:de\s+|of\s+)?(?P<name>[^\W\d_]{3,12})\.?,?\s+"
            r"(?:de\s+)?(?P<year>\d{4})(?:\s?г(?:ода|\.)?)?"
        ),
        r"(?P<day>\d{1,2})-(?P<name>[^\W\d_]{3,12})-(?P<year>\d{4})",
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4})",
    )
)
_LABEL: Final = re.compile(
    r"(?:(?:date|published|posted|publication date|datum|дата(?: публикации)?|опубликовано|апублікавана)"
    r"(?:\s+(?:on|at))?\s*[::]?|on)\s+(?=\S)",
    re.IGNORECASE,
)
_SHORTEST: Final = 6
_LONGEST: Final = 80
_HALF_DAY: Final = 12
_MONTHS: Final = 12
_MOST_SECONDS: Final = 60


def parse_date_line(line: str, tz: tzinfo = UTC) -> datetime | None:
    """Read a line that is nothing but a date, with or without a time; None for any other line.

    Understood are `September 26, 2016 10:28`, `26 September 2016`, `26.09.2016, 10:28`, ISO 8601, am and pm,
    names of months in a dozen languages, and an offset or the name of a zone after the time. Where only
    figures are given the day comes first, unless that is no date (`09/26/2016`). Without an offset it
    is `tz`'s.
    """
    text = " ".join(line.split()).strip("*_ ")
    if not _SHORTEST <= len(text) <= _LONGEST or not any(c.isdigit() for c in text):
        return None
    text = _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    for pattern in _LINE:
        if (match := pattern.fullmatch(text)) and (moment := _moment(match.groupdict(), tz)):
            return moment
    return None


def _moment(part: dict[str, str | None], tz: tzinfo) -> datetime | None:
    day = int(part["day"] or 0)
    month = MONTHS.get((part.get("name") or "").lower(), 0) if part.get("name") else int(part["month"] or 0)
    if month > _MONTHS >= day and part.get("mark") == "/":
        day, month = month, day
    hour = int(part["hour"] or 0)
    if part["half"]:
        hour = hour % _HALF_DAY + (_HALF_DAY if part["half"] in "pP" else 0)
    elif part["hour"] and not part["minute"]:
        return None
    zone = _zone(part["zone"], tz)
    if zone is None:
        return None
    try:
        moment = datetime(int(part["year"] or 0), month, day, tzinfo=zone)
        microsecond = int((part["fraction"] or "0")[:6].ljust(6, "0"))
        return moment.replace(
            hour=hour,
            minute=int(part["minute"] or 0),
            second=int(part["second"] or 0),
            microsecond=microsecond,
        )
    except ValueError:
        return None


def _zone(text: str | None, tz: tzinfo) -> tzinfo | None:
    name = (text or "").strip("() ").lower().replace("−", "-")
    if not name:
        return tz
    if name in ZONES:
        return _offset(ZONES[name])
    if offset := re.fullmatch(r"(?:utc|gmt)?\s?([+-])(\d{1,2}):?(\d{2})?", name):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return _offset(-minutes if offset[1] == "-" else minutes)
    return None


def _offset(minutes: int) -> tzinfo | None:
    if abs(minutes) >= 24 * 60:
        return None
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


_ISO: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?"
    r"(?:(?:\s*t\s*|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<zone>(?:utc|gmt)?\s?[+−-]\d{1,2}:?(?:\d{2})?|[a-z]{1,5})?)?z?",
    re.IGNORECASE,
)


# What some programs write: seconds or milliseconds of Unix, a zone by its IANA name, "07:02:38 PM".
_EPOCH: Final = re.compile(r"([1-9]\d{8,9})(?:\d{3})?(?:\.\d{1,6})?")
_NAMED_ZONE: Final = re.compile(
    r"\s((?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Za-z_/]{2,30})$"
)
_HALVES: Final = re.compile(r"\d\s?[ap]\.?m\b", re.IGNORECASE)
_ISO_LIKE: Final = re.compile(r"\d{4}-\d\d-\d\d[tT]\d\d:\d\d:\d\d")


def parse_date(text: str, tz: tzinfo = UTC) -> datetime | None:
    """Read the date of a feed's entry, keeping its offset; None when it is none.

    ISO 8601 (RFC 3339, W3C-DTF), RFC 822 with its many misspellings, and what `parse_date_line` reads; last
    feedparser's readers of Korean, Greek, Hungarian and older forms, which give UTC. Without an offset it is
    `tz`'s.
    """
    text = " ".join(text.split())
    if not text or len(text) > 2 * _LONGEST:
        return None
    if seconds := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(seconds[1]), UTC)
    if named := _NAMED_ZONE.search(text):
        return _in_zone(text[: named.start()], named[1])
    found = _iso(text, tz)
    if found or _ISO_LIKE.match(text):
        # An hour of 25 is a fault; feedparser would count on into the next day.
        return found
    found = None if _HALVES.search(text) else _rfc822(text, tz)
    return found or parse_date_line(text, tz) or _month(text, tz) or _other(text)


def _in_zone(text: str, name: str) -> datetime | None:
    try:
        return parse_date(text, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return parse_date(text)


def _month(text: str, tz: tzinfo) -> datetime | None:
    """“Nov. 2020”: its first day."""
    match = re.fullmatch(r"(?P<name>[^\W\d_]{3,12})\.?,?\s+(?P<year>\d{4})", text)
    month = MONTHS.get(match["name"].lower()) if match else None
    return (
        datetime(int(match["year"]), month, 1, tzinfo=tz)
        if match and month and match["year"] > "0000"
        else None
    )


_BASIC: Final = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?(?=Z|[+-]|$)", re.IGNORECASE)


def _iso(text: str, tz: tzinfo) -> datetime | None:
    if basic := _BASIC.match(text):
        found = basic.groups("00")
        text = f"{'-'.join(found[:3])}T{':'.join(found[3:])}{text[basic.end() :]}"
    match = _ISO.fullmatch(text)
    if not match:
        return None
    part: dict[str, str | None] = {"half": None, **match.groupdict()}
    part["day"] = part["day"] or "1"
    second = part["second"]
    if second == "60":
        # A leap second; datetime has none.
        part["second"] = "59"
    if part["hour"] == "24" and int(part["minute"] or 0) == 0:
        midnight = _moment({**part, "hour": "0"}, tz)
        return midnight and _shift(midnight, timedelta(days=1))
    return _moment(part, tz)


def _shift(moment: datetime, by: timedelta) -> datetime | None:
    try:
        return moment + by
    except OverflowError:
        return None


def _rfc822(text: str, tz: tzinfo) -> datetime | None:
    # email.utils reads any "a b c d" as a date of sorts, so a month's name is asked for first.
    if not re.search(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", text, re.IGNORECASE):
        return None
    # "GMT+0300 (Moscow Standard Time)", as JavaScript writes it.
    text = re.sub(r"(?<=\d)\s*\([^()]*\)$", "", text) if re.search(r"[+-]\d{4}\s*\(", text) else text
    # parsedate_tz drops the minutes of "-01:30", knows few names of zones, and takes none for UTC.
    name = re.search(r"\s(\(?[A-Za-z]{1,5}\)?|(?:UTC|GMT)?[+-]\d{1,2}:?\d{2})$", text)
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        zone = (_zone(name[1], tz) if name else tz) or UTC
        hours, minutes, seconds = fields[3:6]
        moment = datetime(fields[0], fields[1], fields[2], tzinfo=zone)
        # 24:00 and a second of 60 are written by some; a time far out of range is a fault.
        if (hours, minutes, seconds) > (24, 0, 0) or max(minutes, seconds) > _MOST_SECONDS:
            return moment
        return _shift(moment, timedelta(hours=hours, minutes=minutes, seconds=seconds))
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _other(text: str) -> datetime | None:
    from feedparser.datetimes import _parse_date

    try:
        fields = None if re.fullmatch(r"\d{1,3}|\d{5}|\d{7}|\d{9,}", text) else _parse_date(text)
        if not fields:
            return None
        year, month, day, hour, minute, second = fields[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
