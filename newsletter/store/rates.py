"""Queries: how often something was asked for, shared by all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.store.pace_models import RateCount

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def record_hit(session: Session, key: str, *, now: datetime) -> None:
    """Count one more; times are kept to the second, so that a flood stays a few rows."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(RateCount).values(key=key, window_at=now.replace(microsecond=0), count=1)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["key", "window_at"], set_={"count": RateCount.count + 1}
        )
    )


def count_hits(session: Session, key: str, since: datetime | None = None) -> int:
    """How many there were after that time, or ever."""
    query = select(func.coalesce(func.sum(RateCount.count), 0)).where(RateCount.key == key)
    if since is not None:
        query = query.where(RateCount.window_at > since)
    return int(session.execute(query).scalar_one())


def forget_hits(session: Session, key: str) -> None:
    """Begin again from nothing."""
    session.execute(delete(RateCount).where(RateCount.key == key))


def forget_hits_before(session: Session, before: datetime, prefixes: tuple[str, ...]) -> int:
    """Drop what no limit looks at any more, of the keys that begin so; returns how many rows went."""
    gone = 0
    for prefix in prefixes:
        query = delete(RateCount).where(RateCount.key.startswith(prefix), RateCount.window_at < before)
        gone += len(session.execute(query.returning(RateCount.key)).all())
    return gone
