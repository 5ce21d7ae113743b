"""How fast routes and recipient domains are served, as one for all processes on a database."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from newsletter.deliver.limits import (
    BATCH,
    BATCH_SECONDS,
    BURST_SECONDS,
    PAUSE_SECONDS,
    SLOWEST,
    Grant,
    Limit,
)
from newsletter.store import paces
from newsletter.store.engine import clock
from newsletter.store.paces import DAY, HOUR, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database


class SharedLimits:
    """The limiter of a send; seconds go by the database's clock, hours and days by that of the send."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._limits: dict[str, Limit] = {}

    def take(self, asked: Mapping[str, Limit]) -> dict[str, Grant]:
        """Give leave for about half a second's worth of each key, in one transaction."""
        if not asked:
            return {}
        self._limits.update(asked)
        now = self._clock()
        with self._database.write() as session:
            moment = clock(session)
            grants = {}
            for pace in paces.take_paces(session, list(asked)):
                limit = asked[pace.key]
                rate = paces.find_rate(pace, limit.per_second, moment)
                count = max(1, round(rate * BATCH_SECONDS)) if rate else BATCH
                windows = self._list_windows(session, pace.key, limit, now)
                count, full = paces.take_from_windows(session, pace.key, windows, count, now=now)
                if full is not None:
                    delay = (full.begins_at(now) + full.width - now).total_seconds()
                    why = f"its limit of {full.most} messages {full.name} is used up"
                    grants[pace.key] = Grant(0, delay=max(delay, 1.0), why=why)
                elif rate:
                    begins_at = max(pace.free_at, moment - BURST_SECONDS)
                    pace.free_at = begins_at + count / rate
                    grants[pace.key] = Grant(count, begins_at - moment, 1 / rate)
                else:
                    grants[pace.key] = Grant(count)
            return grants

    def give_back(self, unused: Mapping[str, int]) -> None:
        """Take back leave that nobody will use."""
        now = self._clock()
        with self._database.write() as session:
            moment = clock(session)
            for pace in paces.take_paces(session, list(unused)):
                limit, count = self._limits[pace.key], unused[pace.key]
                windows = self._list_windows(session, pace.key, limit, now)
                paces.add_to_windows(session, pace.key, windows, -count, now=now)
                rate = paces.find_rate(pace, limit.per_second, moment)
                if rate:
                    pace.free_at -= count / rate

    def slow_down(self, key: str, rate: float) -> None:
        """Stop for a while, then go on at half the rate; it recovers with time."""
        with self._database.write() as session:
            paces.slow_down(session, key, rate, least=SLOWEST, pause=PAUSE_SECONDS)

    def list_slowed(self) -> dict[str, float]:
        """The domains that were slowed down and have not recovered, with what they get a second."""
        with self._database.read() as session:
            return paces.list_slowed_domains(session)

    def _list_windows(self, session: Session, key: str, limit: Limit, now: datetime) -> list[Window]:
        windows = [Window("an hour", HOUR, limit.per_hour)] if limit.per_hour else []
        per_day = limit.per_day
        if limit.warmup:
            first = paces.start_route(session, key.removeprefix(paces.ROUTE), now=now) or now
            day = (now.astimezone(UTC).date() - first.astimezone(UTC).date()).days
            if 0 <= day < len(limit.warmup):
                # The name parts its count from that of the days after.
                return [*windows, Window(f"on day {day + 1} of its warm-up", DAY, limit.warmup[day])]
        return [*windows, Window("a day", DAY, per_day)] if per_day else windows
