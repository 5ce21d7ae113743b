"""Use cases: the public pages of a publication, rendered for nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import NotFoundError
from newsletter.store import articles, issues, publications

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
    with database.read() as session:
        row = publications.find_publication(session, slug)
        publication = publications.load_publication(session, settings.base_url, row.id)
        return [
            ArchivedIssue(
                number=issue.number,
                subject=issue.subject,
                preheader=issue.preheader,
                sent_at=issue.sending_at,
                url=f"{publication.url}/archive/{issue.number}",
            )
            for issue in issues.list_issues(session, row.id, issues.PUBLIC_STATES)
            if issue.number is not None and issue.sending_at is not None
        ]


def get_archived_html(database: Database, slug: str | None, number: int) -> str:
    """The page of one public issue, as it was frozen; also of one cancelled in mid-send, which readers hold.

    Raises:
        NotFoundError: No issue of that number has gone out.

    """
    with database.read() as session:
        row = publications.find_publication(session, slug)
        for issue in issues.list_issues(session, row.id, (*issues.PUBLIC_STATES, "cancelled")):
            is_meant = issue.number == number and issue.sending_at is not None
            variant = issues.find_variant(session, issue.id) if is_meant else None
            if variant is not None:
                return variant.archive_html
    message = f"there is no issue {number} in the archive"
    raise NotFoundError(message)


def get_article_page(database: Database, settings: Settings, slug: str | None, article_id: int) -> Article:
    """One article for its page in the archive; only those that an issue carried or points at.

    Raises:
        NotFoundError: There is none of that number that the public may see.

    """
    with database.read() as session:
        row = publications.find_publication(session, slug)
        publication = publications.load_publication(session, settings.base_url, row.id)
        article = articles.load_articles(session, [article_id], publication.url)
        if article and articles.is_public_article(session, row.id, article_id):
            return article[0]
    message = f"there is no article {article_id} in the archive"
    raise NotFoundError(message)
