"""Queries: mails to one person that wait until they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.store.models import Notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A mail to one person; `key` makes it happen once."""

    key: str
    kind: str
    email: str
    sender: str
    """Envelope sender: a bare address."""
    data: bytes


def add_notice(session: Session, new: NewNotice, *, now: datetime) -> bool:
    """Keep a notice until it is sent; False where its key is known already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Notice).values(
        key=new.key, kind=new.kind, email=new.email, sender=new.sender, data=new.data,
        state="queued", attempts=0, next_attempt_at=now, created_at=now,
    )  # fmt: skip
    result = session.execute(statement.on_conflict_do_nothing(index_elements=["key"]).returning(Notice.id))
    return result.first() is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that this process may send now."""

    id: int
    email: str
    sender: str
    data: bytes
    attempts: int
    """This one among them."""
    created_at: datetime


def claim_due_notices(session: Session, now: datetime, *, until: datetime, limit: int) -> list[Waiting]:
    """Take those to be tried now, oldest first; nobody else gets them before `until`."""
    due = select(Notice.id).where(Notice.state == "queued", Notice.next_attempt_at <= now)
    ids = list(session.scalars(due.order_by(Notice.id).limit(limit)))
    taken = (
        update(Notice)
        # Asked again: on PostgreSQL another process may have taken them in between.
        .where(Notice.id.in_(ids), Notice.state == "queued", Notice.next_attempt_at <= now)
        .values(next_attempt_at=until, attempts=Notice.attempts + 1)
        .returning(Notice.id, Notice.email, Notice.sender, Notice.data, Notice.attempts, Notice.created_at)
    )
    return sorted((Waiting(*row) for row in session.execute(taken)), key=lambda each: each.id)


def list_due_notices(session: Session, now: datetime, limit: int = 100) -> list[Notice]:
    """Those to be tried now, oldest first."""
    due = select(Notice).where(Notice.state == "queued", Notice.next_attempt_at <= now)
    return list(session.scalars(due.order_by(Notice.id).limit(limit)))


def record_notice(session: Session, notice_id: int, **values: object) -> None:
    """Write what came of one attempt."""
    session.execute(update(Notice).where(Notice.id == notice_id).values(**values))
