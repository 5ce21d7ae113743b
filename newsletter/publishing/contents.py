"""Use cases: what an issue holds and why, and which stories may be one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from newsletter.compose.stories import WINDOW, group_stories
from newsletter.publishing.composition import load_digest
from newsletter.publishing.material import load_verdicts
from newsletter.store import articles, issues, publications

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Article, Card, Note
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class CardView:
    """One story of an issue, and why it is in."""

    article: int
    title: str
    source: str | None
    category: str | None
    link: str
    pinned: bool
    reason: str
    score: dict[str, float]
    also: tuple[dict[str, Any], ...]
    similar: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class PossibleView:
    """Two stories that may be one, for an editor to decide."""

    one: dict[str, Any]
    other: dict[str, Any]
    likeness: float


@dataclass(frozen=True, slots=True)
class RiseView:
    """A term that comes up more than it used to, and the articles behind it."""

    term: str
    sentence: str
    articles: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class IssueContents:
    """What an issue holds, in reading order, and what an editor should look at."""

    cards: tuple[CardView, ...] = ()
    statuses: tuple[dict[str, Any], ...] = ()
    """The standing lines of its sections."""
    possible: tuple[PossibleView, ...] = ()
    notes: tuple[Note, ...] = ()
    trends: tuple[dict[str, Any], ...] = ()
    rises: tuple[RiseView, ...] = ()
    variants: int = 0
    """How many selections were frozen, the whole issue among them; 0 while it is a draft."""


def show_contents(database: Database, settings: Settings, issue_id: int) -> IssueContents:
    """What an issue holds and why; nothing where it was skipped.

    Raises:
        NotFoundError: There is none of that id.

    """
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        if not issue.content:
            return IssueContents()
        publication = publications.load_publication(session, settings.base_url, issue.publication_id)
        digest = load_digest(session, issue, publication)
        pairs = issue.content.get("possible", [])
        loaded = articles.load_articles(session, [n for pair in pairs for n in pair[:2]], publication.url)
        known = {article.id: article for article in loaded}
        return IssueContents(
            cards=tuple(_view_card(card) for card in digest.cards),
            statuses=tuple(
                {"category": each.category, "status": each.status, "changed": each.status_changed}
                for each in digest.sections
            ),
            possible=tuple(
                PossibleView(_name(known[one]), _name(known[other]), likeness)
                for one, other, likeness in pairs
                if one in known and other in known
            ),
            notes=digest.notes,
            trends=tuple(map(_name, digest.trends)),
            rises=tuple(
                RiseView(
                    rise.term,
                    f"{len(rise.articles)} articles from {rise.sources} sources in {rise.days} days; "
                    f"usual are about {rise.before:g}.",
                    tuple(map(_name, rise.articles)),
                )
                for rise in digest.rises
            ),
            variants=len(issues.list_variants(session, issue_id)),
        )


def list_possible(
    database: Database, settings: Settings, slug: str | None, *, now: datetime
) -> dict[int, list[int]]:
    """Of each article of the last two weeks the others that may tell the same event."""
    with database.read() as session:
        row = publications.find_publication(session, slug)
        publication = publications.load_publication(session, settings.base_url, row.id)
        since = now - 2 * WINDOW - timedelta(days=1)
        recent = articles.load_articles(
            session, articles.list_article_ids(session, row.id, since=since), publication.url
        )
        verdicts = load_verdicts(session, row.id)
    possible: dict[int, list[int]] = {}
    for pair in group_stories(recent, verdicts).possible:
        possible.setdefault(pair.one, []).append(pair.other)
        possible.setdefault(pair.other, []).append(pair.one)
    return possible


def _view_card(card: Card) -> CardView:
    article = card.article
    return CardView(
        article=article.id,
        title=article.title,
        source=article.source,
        category=article.category,
        link=article.link,
        pinned=article.pinned,
        reason=card.reason,
        score=dict(card.score),
        also=tuple(map(_name, card.also)),
        similar=tuple(map(_name, card.similar)),
    )


def _name(article: Article) -> dict[str, Any]:
    return {"id": article.id, "title": article.title, "source": article.source, "link": article.link}
