"""Full-text search for earlier articles, on both databases; the index follows the texts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.store.search import Query, find_similar
from tests.support.store_builders import NOW, make_article_row, make_publication_row

FERRY = "Ferry accord with Sarrow Isles initialled"


def find(session: Session, row: models.Article, *words: str, days: int = 180) -> list[str]:
    """Titles of what is found, the likest first."""
    since = NOW - timedelta(days=days)
    found = find_similar(session, Query(row.publication_id, row.id, words, since))
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
    return [session.get_one(models.Article, number).title for number, _ in found]


def fill(session: Session) -> models.Article:
    """A publication with some articles, of which one is new."""
    publication = make_publication_row(session)
    lead = make_article_row(session, publication, FERRY)
    texts = {
        "Ferry accord still without a date": "The accord on the ferry waits for the Sarrow Isles.",
        "Council of the Sarrow Isles meets": "On the agenda is the ferry.",
        "Harbour levy passes": "Nothing about boats.",
        "Market day": "Fish and bread.",
        "Cranes return to the marsh": "Birds and reeds.",
    }
    for title, said in texts.items():
        make_article_row(session, publication, title, text=said, summary=said)
    session.flush()
    return lead


def test_the_likest_come_first_and_the_article_itself_never(either_database: Database) -> None:
    with either_database.write() as session:
        lead = fill(session)

        assert find(session, lead, "ferry", "accord", "sarrow", "isles") == [
            "Ferry accord still without a date",
            "Council of the Sarrow Isles meets",
        ]
        assert find(session, lead) == find(session, lead, "nowhere") == []
        assert find(session, lead, 'fer"ry', "'); --", "*", "NEAR") == []


def test_what_is_old_or_only_mentioned_or_of_others_is_left_out(either_database: Database) -> None:
    with either_database.write() as session:
        lead = fill(session)
        publication = session.get_one(models.Publication, lead.publication_id)
        other = make_publication_row(session, slug="other")
        make_article_row(session, publication, "Ferry accord old", published_at=NOW - timedelta(days=200))
        make_article_row(session, publication, "Ferry accord mentioned", standalone=False)
        make_article_row(session, other, "Ferry accord elsewhere")
        session.flush()

        assert find(session, lead, "ferry", "accord") == [
            "Ferry accord still without a date",
            "Council of the Sarrow Isles meets",
        ]


def test_the_index_follows_the_texts(either_database: Database) -> None:
    with either_database.write() as session:
        lead = fill(session)
        row = session.scalars(text("SELECT id FROM articles WHERE title = 'Market day'")).one()
        session.get_one(models.Article, row).title = "Ferry accord, ferry accord"
        session.flush()
        assert find(session, lead, "ferry", "accord")[0] == "Ferry accord, ferry accord"

        session.execute(text("DELETE FROM articles WHERE id = :id"), {"id": row})
        assert "Ferry accord, ferry accord" not in find(session, lead, "ferry", "accord")


def test_a_very_long_text_is_kept_and_found(either_database: Database) -> None:
    with either_database.write() as session:
        lead = fill(session)
        publication = session.get_one(models.Publication, lead.publication_id)
        long = " ".join(f"w{number}" for number in range(300_000))
        make_article_row(session, publication, "Ferry accord at length", text=long)
        session.flush()

        assert "Ferry accord at length" in find(session, lead, "ferry", "accord")
