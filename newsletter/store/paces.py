"""The limits that all sending processes share: leave to send is a row that each moves on a little."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.store.engine import clock
from newsletter.store.pace_models import Pace, RateCount, RouteState
from newsletter.store.rates import forget_hits_before

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy.orm import Session

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RECOVERY_SECONDS = 300.0
"""A rate that was halved doubles again in this time."""
FORGET_SECONDS = 3600.0
"""After this, twelve doublings, nothing is left of a slow-down."""
AGAIN_SECONDS = 5.0
"""Several answers within this time mean one slow-down."""
DOMAIN = "domain:"
ROUTE = "route:"


@dataclass(frozen=True, slots=True)
class Window:
    """So many in a span of time that begins on the clock's hour or at midnight of UTC."""

    name: str
    width: timedelta
    most: int

    def begins_at(self, now: datetime) -> datetime:
        """The beginning of the span that holds an instant."""
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return day if self.width == DAY else now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def take_from_windows(
    session: Session, key: str, windows: Collection[Window], count: int, *, now: datetime
) -> tuple[int, Window | None]:
    """Take at most so many, as many as every window has left.

    Returns:
        How many were taken, and the window that has none left where that is why it is none.

    """
    full = None
    for window in windows:
        left = window.most - _count(session, key, window, now)
        if left < 1 and (full is None or window.width > full.width):
            full = window
        count = min(count, max(0, left))
    if count:
        add_to_windows(session, key, windows, count, now=now)
    return count, full


def add_to_windows(
    session: Session, key: str, windows: Collection[Window], count: int, *, now: datetime
) -> None:
    """Count so many more, or less where it is negative."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for window in windows:
        statement = dialect.insert(RateCount).values(
            key=f"{key}:{window.name}", window_at=window.begins_at(now), count=count
        )
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["key", "window_at"], set_={"count": RateCount.count + count}
            )
        )


def _count(session: Session, key: str, window: Window, now: datetime) -> int:
    query = select(RateCount.count).where(
        RateCount.key == f"{key}:{window.name}", RateCount.window_at == window.begins_at(now)
    )
    return session.scalar(query) or 0


def take_paces(session: Session, keys: Collection[str]) -> Iterator[Pace]:
    """The rows of some keys, made where they are missing, which no other transaction can move meanwhile."""
    if not keys:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    rows = [{"key": key, "free_at": 0.0} for key in sorted(keys)]
    new = dialect.insert(Pace).on_conflict_do_nothing(index_elements=["key"])
    # What returns something is one statement for many rows.
    session.execute(new.returning(Pace.key), rows)
    # In one order, so that two processes do not wait for each other.
    yield from session.scalars(select(Pace).where(Pace.key.in_(keys)).order_by(Pace.key).with_for_update())


def find_rate(pace: Pace, per_second: float | None, now: float) -> float | None:
    """What a key may get a second now: its limit, or less for a while after its servers asked for that."""
    if pace.slowed_to is None or pace.slowed_at is None or now - pace.slowed_at > FORGET_SECONDS:
        return per_second
    recovered = pace.slowed_to * float(2.0 ** ((now - pace.slowed_at) / RECOVERY_SECONDS))
    return min(recovered, per_second or recovered)


def slow_down(session: Session, key: str, rate: float, *, least: float, pause: float) -> None:
    """Halve a key's rate, which is taken to be `rate` where none is known, after so many seconds of nothing.

    It never falls below `least`.
    """
    now = clock(session)
    for pace in take_paces(session, [key]):
        if pace.slowed_at is not None and now - pace.slowed_at < AGAIN_SECONDS:
            return
        before = find_rate(pace, None, now)
        pace.slowed_to = max(least, min(rate, before or rate) / 2)
        pace.slowed_at = now
        pace.free_at = max(pace.free_at, now + pause)


def list_slowed_domains(session: Session) -> dict[str, float]:
    """Recipient domains that have not recovered from a slow-down, with what they get a second."""
    now = clock(session)
    query = select(Pace).where(Pace.slowed_at > now - FORGET_SECONDS, Pace.key.startswith(DOMAIN))
    found = {pace.key.removeprefix(DOMAIN): find_rate(pace, None, now) for pace in session.scalars(query)}
    return {domain: rate for domain, rate in found.items() if rate}


def start_route(session: Session, name: str, *, now: datetime | None) -> datetime | None:
    """When the first message was sent by a route: now where it is new, and `now` is given."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    new = dialect.insert(RouteState).values(name=name, failures=0)
    session.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    session.execute(
        update(RouteState)
        .where(RouteState.name == name)
        .values(first_sent_at=func.coalesce(RouteState.first_sent_at, now))
    )
    return session.scalars(select(RouteState.first_sent_at).where(RouteState.name == name)).one()


def list_resting(session: Session, now: datetime) -> set[str]:
    """Routes that were down and are not to be tried again yet."""
    return set(session.scalars(select(RouteState.name).where(RouteState.retry_at > now)))


def list_failed(session: Session) -> set[str]:
    """Routes that were down at the end of the last send that used them."""
    return set(session.scalars(select(RouteState.name).where(RouteState.failures > 0)))


def record_route(session: Session, name: str, error: str | None, *, now: datetime) -> datetime | None:
    """Write how a route stood at the end of a send; when it is to be tried again, where it was down."""
    start_route(session, name, now=None)
    row = session.get_one(RouteState, name, with_for_update=True, populate_existing=True)
    row.failures = row.failures + 1 if error else 0
    row.last_error = error
    row.retry_at = now + min(MINUTE * 2 ** (row.failures - 1), HOUR) if error else None
    return row.retry_at


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop what no limit looks at any more."""
    forget_hits_before(session, now - 2 * DAY, (ROUTE,))
    idle = delete(Pace).where(Pace.free_at < clock(session) - FORGET_SECONDS)
    session.execute(idle.where(Pace.slowed_at.is_(None) | (Pace.slowed_at < clock(session) - FORGET_SECONDS)))
