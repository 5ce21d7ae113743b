"""Use cases: the public pages of a publication, rendered for nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class ArchivedIssue:
    """One public issue."""

    number: int
    subject: str
    preheader: str
    sent_at: datetime
    url: str


def list_archive(database: Database, settings: Settings, slug: str | None) -> list[ArchivedIssue]:
    """The issues that have gone out (sending or sent), newest first."""
    raise NotImplementedError


def get_archived_html(database: Database, slug: str | None, number: int) -> str:
    """The page of one public issue, as it was frozen."""
    raise NotImplementedError


def get_article_page(database: Database, settings: Settings, slug: str | None, article_id: int) -> Article:
    """One article for its page in the archive; only those that an issue carried or points at."""
    raise NotImplementedError
