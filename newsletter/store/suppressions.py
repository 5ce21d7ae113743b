"""Queries: addresses that must never be mailed again, as keyed hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.store.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session


def add_suppression(session: Session, address_hash: str, reason: str, *, now: datetime) -> None:
    """Keep an address out for ever; the first reason stays."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Suppression).values(address_hash=address_hash, reason=reason, created_at=now)
    session.execute(statement.on_conflict_do_nothing(index_elements=["address_hash"]))


def list_suppressed(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of the hashes that are suppressed."""
    return set(session.scalars(select(Suppression.address_hash).where(Suppression.address_hash.in_(hashes))))
