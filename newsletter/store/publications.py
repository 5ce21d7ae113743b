"""Queries: publications, and the values that travel made from their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from newsletter import content
from newsletter.errors import NotFoundError
from newsletter.store.models import Publication

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def find_row(session: Session, slug: str) -> Publication | None:
    """The publication of that slug, if there is one."""
    return session.scalars(select(Publication).where(Publication.slug == slug)).one_or_none()


def get_row(session: Session, publication_id: int) -> Publication:
    """The publication of that id, which another row refers to."""
    return session.get_one(Publication, publication_id)


def list_publications(session: Session) -> list[Publication]:
    """Every publication, by slug."""
    return list(session.scalars(select(Publication).order_by(Publication.slug)))


def find_publication(session: Session, slug: str | None) -> Publication:
    """The publication of that slug, or the only one.

    Raises:
        NotFoundError: None has that slug, or none was named where there are several.

    """
    rows = list_publications(session)
    if not rows:
        raise NotFoundError("there is no publication yet: run `newsletter init`")
    slugs = ", ".join(row.slug for row in rows)
    if slug is None:
        if len(rows) > 1:
            raise NotFoundError(f"there are several publications: name one with --publication ({slugs})")
        return rows[0]
    found = next((row for row in rows if row.slug == slug), None)
    if found is None:
        raise NotFoundError(f"there is no publication {slug!r}: known are {slugs}")
    return found


def load_publication(session: Session, base_url: str, publication_id: int) -> content.Publication:
    """The value of a row, with the address of its page."""
    slugs = session.scalars(select(Publication.id).limit(2)).all()
    return make_publication(get_row(session, publication_id), base_url, only=len(slugs) == 1)


def make_publication(row: Publication, base_url: str, *, only: bool) -> content.Publication:
    """The value of a row; the only publication lives at the root."""
    return content.Publication(
        id=row.id,
        slug=row.slug,
        name=row.name,
        sender=row.sender,
        reply_to=row.reply_to,
        address=row.address,
        language=row.language,
        timezone=row.timezone,
        schedule=row.schedule,
        approval="unless-stopped" if row.approval == "unless-stopped" else "required",
        send_at="local" if row.send_at == "local" else "together",
        url=base_url if only else f"{base_url}/p/{row.slug}",
        theme=row.theme,
    )
