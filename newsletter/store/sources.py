"""Queries: sources of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from newsletter.errors import NotFoundError
from newsletter.store.columns import is_id
from newsletter.store.models import Article, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


def list_sources(
    session: Session, publication_ids: Sequence[int], due_at: datetime | None = None
) -> list[Source]:
    """The sources of publications, oldest first; with `due_at` only those to be collected from by then."""
    query = select(Source).where(Source.publication_id.in_(publication_ids)).order_by(Source.id)
    if due_at is not None:
        is_due = or_(Source.next_attempt_at.is_(None), Source.next_attempt_at <= due_at)
        query = query.where(Source.disabled_at.is_(None), is_due)
    return list(session.scalars(query))


def find_source(session: Session, publication_id: int, location: str) -> Source | None:
    """The source of that address or path, or None."""
    query = select(Source).where(Source.publication_id == publication_id, Source.location == location)
    return session.scalars(query).one_or_none()


def get_source(session: Session, publication_id: int, location: str) -> Source:
    """The source of that address, path or number.

    Raises:
        NotFoundError: There is none.

    """
    source = find_source(session, publication_id, location)
    if source is None and location.isdecimal() and is_id(int(location)):
        source = session.get(Source, int(location))
    if source is None or source.publication_id != publication_id:
        message = f"no source {location!r}: `newsletter source list` shows them"
        raise NotFoundError(message)
    return source


def count_articles(session: Session, source_ids: Sequence[int]) -> dict[int, int]:
    """How many articles each source gave for themselves."""
    query = (
        select(Article.source_id, func.count())
        .where(Article.source_id.in_(source_ids), Article.standalone)
        .group_by(Article.source_id)
    )
    return {source_id: count for source_id, count in session.execute(query) if source_id is not None}
