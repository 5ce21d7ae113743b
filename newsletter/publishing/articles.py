"""Use cases: list and show articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store import articles, publications

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.engine import Database


def list_articles(
    database: Database,
    settings: Settings,
    slug: str | None,
    *,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[Article]:
    """The collected articles, newest first."""
    with database.read() as session:
        row = publications.find_publication(session, slug)
        publication = publications.load_publication(session, settings.base_url, row.id)
        ids = articles.list_article_ids(session, row.id, since=since, limit=limit)
        return articles.load_articles(session, ids, publication.url)


def get_article(database: Database, settings: Settings, article_id: int) -> Article:
    """One article with its similar articles and trends.

    Raises:
        NotFoundError: There is none of that number.

    """
    with database.read() as session:
        row = articles.get_article(session, article_id)
        publication = publications.load_publication(session, settings.base_url, row.publication_id)
        return articles.load_articles(session, [article_id], publication.url)[0]
