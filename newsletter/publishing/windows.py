"""At which hours of which days a route may be used, nights of changing clocks included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class SendingWindow:
    """Hours by the clock of a zone; those that end before they begin end on the next day."""

    begins: time
    ends: time
    days: frozenset[str]
    """On which they begin."""
    zone: ZoneInfo

    def find_end(self, now: datetime) -> datetime | None:
        """When the window that is open now closes; None where none is."""
        # Times of one zone would be compared by the clock on the wall, which shows some twice.
        at = now.astimezone(UTC)
        return next((end for begin, end in self._list_spans(at) if begin <= at < end), None)

    def find_begin(self, now: datetime) -> datetime:
        """When the next window opens."""
        at = now.astimezone(UTC)
        return next(begin for begin, _ in self._list_spans(at) if begin > at)

    def _list_spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        today = now.astimezone(self.zone).date()
        for day in (today + timedelta(days=number) for number in range(-1, 9)):
            if WEEK[day.weekday()] in self.days:
                last = day if self.begins < self.ends else day + timedelta(days=1)
                yield self._attach(day, self.begins), self._attach(last, self.ends)

    def _attach(self, day: date, at: time) -> datetime:
        """Of two such times the first; one that does not exist is moved forward by the gap (PEP 495)."""
        return datetime.combine(day, at, self.zone).astimezone(UTC).astimezone(self.zone)


def parse_window(hours: str, days: tuple[str, ...], zone: ZoneInfo) -> SendingWindow:
    """Read `08:00-20:00`, as the settings have checked it; without days it is every day."""
    begins, _, ends = (hours or "00:00-00:00").partition("-")
    return SendingWindow(time.fromisoformat(begins), time.fromisoformat(ends), frozenset(days or WEEK), zone)
