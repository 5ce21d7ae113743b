"""Queries: what editors choose and write for the issues to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from newsletter.errors import NotFoundError
from newsletter.store.columns import is_id
from newsletter.store.editing import StoryVerdict, TrendNote

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def record_verdict(
    session: Session, publication_id: int, pair: tuple[int, int], *, is_same: bool, by: str, now: datetime
) -> StoryVerdict:
    """Write whether two articles tell the same event; the last word counts."""
    one, other = min(pair), max(pair)
    query = select(StoryVerdict).where(StoryVerdict.one_id == one, StoryVerdict.other_id == other)
    verdict = session.scalars(query).one_or_none()
    if verdict is None:
        verdict = StoryVerdict(publication_id=publication_id, one_id=one, other_id=other)
        session.add(verdict)
    verdict.is_same, verdict.decided_by, verdict.decided_at = is_same, by, now
    session.flush()
    return verdict


def list_verdicts(session: Session, publication_id: int) -> list[StoryVerdict]:
    """What was decided about the articles of a publication."""
    query = select(StoryVerdict).where(StoryVerdict.publication_id == publication_id)
    return list(session.scalars(query.order_by(StoryVerdict.id)))


def list_notes(session: Session, publication_id: int, since: datetime | None = None) -> list[TrendNote]:
    """The trend notes of a publication, oldest first; with `since` only those written after it."""
    query = select(TrendNote).where(TrendNote.publication_id == publication_id).order_by(TrendNote.id)
    return list(session.scalars(query.where(TrendNote.created_at > since) if since else query))


def get_note(session: Session, note_id: int) -> TrendNote:
    """One trend note.

    Raises:
        NotFoundError: There is none of that number.

    """
    note = session.get(TrendNote, note_id) if is_id(note_id) else None
    if note is None:
        message = f"no trend note {note_id}: `newsletter trend list` shows them"
        raise NotFoundError(message)
    return note
