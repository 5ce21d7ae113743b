"""What checks keep: the answers that links gave, and what earlier drafts of an issue held."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.store import models  # noqa: F401 - the tables that these refer to
from newsletter.store.columns import Base, Id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

KEPT_OUTLINES = 5


class LinkCheck(Base):
    """What asking for an address gave, so that it is not asked again at every look."""

    __tablename__ = "link_checks"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    url_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the address: an index takes no long text."""
    checked_at: Mapped[datetime] = mapped_column(index=True)
    answer: Mapped[dict[str, Any]]


class IssueOutline(Base):
    """What an issue held when it was drafted or approved: cards with their words, subject, preview line."""

    __tablename__ = "issue_outlines"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime]
    outline: Mapped[dict[str, Any]]


def find_link_answers(session: Session, urls: Iterable[str], *, since: datetime) -> list[dict[str, Any]]:
    """The answers, no older than that, of those addresses that have one."""
    hashes = [_hash(url) for url in urls]
    query = select(LinkCheck).where(LinkCheck.url_hash.in_(hashes), LinkCheck.checked_at >= since)
    return [row.answer for row in session.scalars(query)]


def record_link_answers(
    session: Session, answers: Iterable[tuple[str, dict[str, Any]]], *, forget_before: datetime, now: datetime
) -> None:
    """Keep what addresses gave instead of what they gave before, and forget what is old."""
    new = {_hash(url): answer for url, answer in answers}
    old = (LinkCheck.url_hash.in_(list(new))) | (LinkCheck.checked_at < forget_before)
    session.execute(delete(LinkCheck).where(old))
    session.add_all(
        LinkCheck(url_hash=url_hash, checked_at=now, answer=answer) for url_hash, answer in new.items()
    )


def add_outline(session: Session, issue_id: int, outline: dict[str, Any], *, now: datetime) -> None:
    """Keep what an issue holds now, unless the newest that is kept says the same; the oldest are let go."""
    rows = _list_outlines(session, issue_id)
    if rows and rows[0].outline == outline:
        return
    for row in rows[KEPT_OUTLINES - 1 :]:
        session.delete(row)
    session.add(IssueOutline(issue_id=issue_id, made_at=now, outline=outline))


def list_outlines(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """What was kept of an issue, newest first."""
    return [row.outline for row in _list_outlines(session, issue_id)]


def _list_outlines(session: Session, issue_id: int) -> list[IssueOutline]:
    query = select(IssueOutline).where(IssueOutline.issue_id == issue_id).order_by(IssueOutline.id.desc())
    return list(session.scalars(query))


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
