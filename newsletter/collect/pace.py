"""How often a source is asked: as often as it has news, never more often than it wants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from newsletter.content import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_QUIET: Final = timedelta(hours=6)
"""How rarely a source without news is asked: still twice between a draft and its send."""
LONGEST_WISH: Final = timedelta(days=1)
"""A wish to be left alone for longer is as a rule a fault of a server's settings."""
_GROWTH: Final = 1.25
_MOST_STEPS: Final = 40
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS: Final = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}
_SKIP: Final = re.compile(rb"<skip(hours|days)>(.{0,2000}?)</skip", re.IGNORECASE | re.DOTALL)
_VALUE: Final = re.compile(rb"<(?:hour|day)>\s*(\w{1,10})\s*<", re.IGNORECASE)
_LONGEST_NUMBER: Final = 7


def read_pace(feed: Mapping[str, Any], data: bytes) -> Pace:
    """Read what a feed says of how often to ask.

    Args:
        feed: feedparser's fields of the channel: `ttl` in minutes (RSS 2.0), `sy:updatePeriod` and
            `sy:updateFrequency` (RSS 1.0, syndication).
        data: the feed, for `skipHours` and `skipDays` (RSS 2.0), of which feedparser keeps the last only.

    """
    found = {kind.lower(): _VALUE.findall(values) for kind, values in _SKIP.findall(data[:20_000])}
    hours = {int(value) % 24 for value in found.get(b"hours", ()) if value.isdigit()}
    days = {value.decode("ascii", "replace").lower() for value in found.get(b"days", ())}
    return Pace(
        timedelta(minutes=_number(feed.get("ttl"))) or _period(feed),
        frozenset(hours),
        frozenset(number for number, name in enumerate(_DAYS) if name in days),
    )


def _period(feed: Mapping[str, Any]) -> timedelta:
    hours = _PERIODS.get(str(feed.get("sy_updateperiod") or "").strip().lower(), 0)
    return timedelta(hours=hours) / max(1, _number(feed.get("sy_updatefrequency")))


def _number(value: object) -> int:
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0


def plan_next(
    now: datetime,
    interval: timedelta,
    *,
    quiet: int = 0,
    pace: Pace | None = None,
    fresh: timedelta = timedelta(),
) -> datetime:
    """Say when a source that answered is asked again.

    Args:
        now: when it was asked.
        interval: the operator's, at which a source with news is asked.
        quiet: how many times running it had nothing new; each but the first makes the next wait a quarter
            longer, up to `LONGEST_QUIET`.
        pace: what the feed asks for.
        fresh: how long its answer is good for, as HTTP says.

    Returns:
        The moment, in no hour and on no day that the feed says to leave out (GMT, RSS 2.0).
    """
    pace = pace or Pace()
    wait = min(interval * _GROWTH ** min(max(quiet - 1, 0), _MOST_STEPS), max(interval, LONGEST_QUIET))
    moment = now + max(wait, min(max(pace.wait, fresh), LONGEST_WISH))
    for _ in range(24 * 7):
        at = moment.astimezone(UTC)
        if at.hour not in pace.skip_hours and at.weekday() not in pace.skip_days:
            return moment
        moment = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return now + wait
