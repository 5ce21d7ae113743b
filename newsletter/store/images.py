"""Queries: pictures of articles that have not been asked for, and what asking gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from newsletter.store.models import Article, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


class UnseenImage(NamedTuple):
    """A picture by its address, and where its article's source is."""

    article_id: int
    url: str
    location: str | None


def list_unseen_images(
    session: Session, publication_ids: Sequence[int], since: datetime, *, limit: int
) -> list[UnseenImage]:
    """The pictures of articles collected since then that were never asked for, the newest first."""
    query = (
        select(Article.id, Article.image, Source.location)
        .outerjoin(Source, Source.id == Article.source_id)
        .where(
            Article.publication_id.in_(publication_ids),
            Article.standalone,
            Article.collected_at >= since,
            Article.image.is_not(None),
            Article.image_asked_at.is_(None),
        )
        .order_by(Article.id.desc())
        .limit(limit)
    )
    return [UnseenImage(number, url or "", location) for number, url, location in session.execute(query)]


def record_image(
    session: Session, asked: UnseenImage, size: tuple[int, int] | None, copy: str | None, *, now: datetime
) -> None:
    """Write what a picture is, or that it could not be had; unless the article has another one by now."""
    width, height = size or (None, None)
    session.execute(
        update(Article)
        .where(Article.id == asked.article_id, Article.image == asked.url)
        .values(image_width=width, image_height=height, image_copy=copy, image_asked_at=now)
    )
