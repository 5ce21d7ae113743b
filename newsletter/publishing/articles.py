"""Use cases: list and show articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.engine import Database


def list_articles(
    database: Database, settings: Settings, slug: str | None, *, since: datetime | None = None, limit: int = 1000
) -> list[Article]:
    """The collected articles, newest first."""
    raise NotImplementedError


def get_article(database: Database, settings: Settings, article_id: int) -> Article:
    """One article with its similar articles and trends."""
    raise NotImplementedError
