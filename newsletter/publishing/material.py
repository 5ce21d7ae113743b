"""What an issue is composed from, loaded from the database as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.compose.digest import CategoryStatus, Material
from newsletter.compose.rules import DAYS
from newsletter.compose.similar import Found
from newsletter.compose.stories import WINDOW, Verdicts
from newsletter.compose.trends import WEEKS_BEFORE
from newsletter.compose.words import list_search_words
from newsletter.content import Note
from newsletter.store import articles, categories, choices, issues, publications, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from newsletter.compose.digest import Plan
    from newsletter.compose.rules import Rules
    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.models import Publication

ARCHIVE_DAYS = 180
"""How far back a card may point."""
TOLD_AGO = 2 * WINDOW
"""How long a told event is remembered, so that another report of it is no news."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one issue is drawn up."""

    session: Session
    settings: Settings
    row: Publication
    rules: Rules
    cadence: str

    def load(self, ids: Sequence[int]) -> list[Article]:
        """The articles of those ids."""
        publication = publications.load_publication(self.session, self.settings.base_url, self.row.id)
        return articles.load_articles(self.session, ids, publication.url)


def load_material(
    desk: Desk, fresh: Sequence[Article], *, number: int, date: datetime, now: datetime
) -> Material:
    """Everything an issue of these articles is composed from."""
    session, publication_id = desk.session, desk.row.id
    rules = desk.rules.model_copy(update={"cadence": desk.cadence})
    began = now - timedelta(days=DAYS[rules.cadence])
    told = articles.list_told_ids(session, publication_id, desk.cadence)
    recent = articles.list_article_ids(session, publication_id, since=now - TOLD_AGO)
    last = issues.find_last_told(session, publication_id, desk.cadence)
    return Material(
        number=number,
        date=date,
        fresh=fresh,
        told=desk.load([article_id for article_id in recent if article_id in told]),
        before=articles.list_texts(session, publication_id, began - timedelta(weeks=WEEKS_BEFORE), began),
        categories=_list_categories(session, publication_id, last.drafted_at if last else None),
        notes=[
            Note(note.title, note.text, note.url)
            for note in choices.list_notes(session, publication_id, last.drafted_at if last else None)
        ],
        verdicts=load_verdicts(session, publication_id),
        rules=rules,
        most_cards=desk.settings.max_cards,
    )


def find_similar(
    desk: Desk, plan: Plan, fresh: Sequence[Article], *, now: datetime
) -> dict[int, list[Found]]:
    """What the archive holds on the matter of each chosen story, by the id of its lead."""
    session = desk.session
    new = {article.id for article in fresh}
    told = articles.list_told_ids(session, desk.row.id)
    found: dict[int, list[Found]] = {}
    for chosen in plan.chosen:
        lead = chosen.story[0]
        query = search.Query(
            publication_id=desk.row.id,
            article_id=lead.id,
            words=list_search_words(lead.title),
            since=now - timedelta(days=ARCHIVE_DAYS),
        )
        scores = dict(search.find_similar(session, query))
        found[lead.id] = [
            Found(article, scores[article.id])
            for article in desk.load([article_id for article_id in scores if article_id not in new])
            # Without a link of its own an article leads to its page here, and only told ones have one.
            if article.url or article.id in told
        ]
    return found


def _list_categories(session: Session, publication_id: int, since: datetime | None) -> list[CategoryStatus]:
    return [
        CategoryStatus(
            name=row.name,
            status=row.status,
            changed=bool(since and row.status_changed_at and row.status_changed_at > since),
        )
        for row in categories.list_categories(session, publication_id)
    ]


def load_verdicts(session: Session, publication_id: int) -> Verdicts:
    """What editors decided about the articles of a publication."""
    rows = choices.list_verdicts(session, publication_id)
    return Verdicts(
        same=frozenset((row.one_id, row.other_id) for row in rows if row.is_same),
        different=frozenset((row.one_id, row.other_id) for row in rows if not row.is_same),
    )
