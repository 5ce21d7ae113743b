"""Articles, sources, issues and categories are found as the use cases need them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.content import RenderedIssue
from newsletter.errors import NotFoundError
from newsletter.store import articles, audit, categories, issues, sources
from newsletter.store.engine import Database
from newsletter.store.models import ArticleRelation, AuditEntry
from tests.support.ledger_builders import NOW, add_article, add_issue, add_publication, add_source

URL = "https://news.example.org"
DAY = timedelta(days=1)


def test_articles_are_known_by_their_keys_within_a_publication(database: Database) -> None:
    with database.write() as session:
        publication, other = add_publication(session), add_publication(session, "other")
        first, second = add_article(session, publication, "One"), add_article(session, other, "Two")
        articles.add_keys(session, first, [f"key:{n}" for n in range(1200)])
        articles.add_keys(session, second, ["key:1"])
        session.flush()
        wanted = [f"key:{n}" for n in range(1190, 1210)]

        assert articles.find_keys(session, publication.id, [*wanted, *map(str, range(1000))]) == {
            f"key:{n}": first.id for n in range(1190, 1200)
        }
        assert articles.find_keys(session, other.id, ["key:1"]) == {"key:1": second.id}


def test_relations_are_replaced_in_the_new_order(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        one, two, three, four = (add_article(session, publication, title).id for title in "abcd")
        articles.replace_relations(session, one, "similar", [two, three, two])
        articles.replace_relations(session, one, "trend", [four])
        session.flush()
        articles.replace_relations(session, one, "similar", [four, three])
        session.flush()

        (loaded,) = articles.load_articles(session, [one], URL)
        assert [article.id for article in loaded.similar] == [four, three]
        assert [article.id for article in loaded.trends] == [four]
        assert len(session.scalars(select(ArticleRelation)).all()) == 3


def test_articles_are_listed_newest_first_without_mere_mentions(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        old = add_article(session, publication, "old", published_at=NOW - 9 * DAY)
        undated = add_article(session, publication, "undated")
        new = add_article(session, publication, "new", published_at=NOW - DAY)
        add_article(session, publication, "mention", standalone=False)

        assert articles.list_article_ids(session, publication.id) == [undated.id, new.id, old.id]
        assert articles.list_article_ids(session, publication.id, limit=1) == [undated.id]
        assert articles.list_article_ids(session, publication.id, since=NOW - 2 * DAY) == [undated.id, new.id]


def list_fresh_titles(session: Session, publication_id: int) -> list[str]:
    ids = articles.list_fresh_ids(session, publication_id, NOW - 7 * DAY)
    return [article.title for article in articles.load_articles(session, ids, URL)]


def test_what_is_fresh_is_new_and_not_yet_told(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        feed = add_source(session, publication, "https://example.org/feed")
        folder = add_source(session, publication, "/pages", kind="folder")
        add_article(session, publication, "old in a feed", source_id=feed.id, published_at=NOW - 9 * DAY)
        add_article(session, publication, "new in a feed", source_id=feed.id, published_at=NOW - DAY)
        add_article(session, publication, "undated", source_id=feed.id)
        add_article(session, publication, "undated, long known", collected_at=NOW - 9 * DAY)
        add_article(session, publication, "old in a folder", source_id=folder.id, published_at=NOW - 99 * DAY)
        add_article(session, publication, "mention", standalone=False)

        assert list_fresh_titles(session, publication.id) == ["new in a feed", "undated", "old in a folder"]
        assert len(articles.list_fresh_ids(session, publication.id, None)) == 5


@pytest.mark.parametrize(
    ("state", "is_fresh"),
    [
        ("draft", True),
        ("cancelled", True),
        ("skipped", True),
        ("approved", False),
        ("scheduled", False),
        ("sending", False),
        ("paused", False),
        ("sent", False),
    ],
)
def test_an_article_is_told_by_an_issue_that_goes_out(
    database: Database, state: str, *, is_fresh: bool
) -> None:
    with database.write() as session:
        publication = add_publication(session)
        article, near = add_article(session, publication, "told"), add_article(session, publication, "near")
        articles.replace_relations(session, article.id, "similar", [near.id])
        issues.set_articles(session, add_issue(session, publication, state).id, [article.id, article.id])
        session.flush()

        assert (article.id in articles.list_fresh_ids(session, publication.id, None)) is is_fresh
        assert (article.id in articles.list_told_ids(session, publication.id)) is not is_fresh
        assert articles.is_public_article(session, publication.id, article.id) is not is_fresh
        assert articles.is_public_article(session, publication.id, near.id) is not is_fresh


def test_articles_are_loaded_in_the_order_asked_for(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        source = add_source(session, publication, "https://example.org/feed", title="Harbour Post")
        zone = timezone(timedelta(hours=-3, minutes=-30))
        first = add_article(
            session,
            publication,
            "first",
            source_id=source.id,
            published_at=NOW.astimezone(zone),
            published_offset=-210,
        )
        second = add_article(session, publication, "second", url="https://example.org/2")

        loaded = articles.load_articles(session, [second.id, 99, first.id, second.id], URL)

        assert [article.id for article in loaded] == [second.id, first.id, second.id]
        assert (loaded[1].source, loaded[1].link) == ("Harbour Post", f"{URL}/archive/articles/{first.id}")
        assert str(loaded[1].published_at) == "2026-11-23 04:30:00-03:30"
        assert (loaded[0].published_at, loaded[0].link) == (None, "https://example.org/2")


def test_sources_are_due_when_their_time_has_come(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        new = add_source(session, publication, "https://a.example")
        due = add_source(session, publication, "https://b.example", next_attempt_at=NOW)
        later = add_source(session, publication, "https://c.example", next_attempt_at=NOW + DAY)
        dead = add_source(session, publication, "https://d.example", disabled_at=NOW)

        assert sources.list_sources(session, [publication.id]) == [new, due, later, dead]
        assert sources.list_sources(session, [publication.id], due_at=NOW) == [new, due]
        assert sources.list_sources(session, [], due_at=NOW) == []


def test_a_source_is_found_by_its_place_or_number(database: Database) -> None:
    with database.write() as session:
        publication, other = add_publication(session), add_publication(session, "other")
        source = add_source(session, publication, "https://a.example")
        add_article(session, publication, "one", source_id=source.id)
        add_article(session, publication, "mention", source_id=source.id, standalone=False)

        assert sources.get_source(session, publication.id, "https://a.example") is source
        assert sources.get_source(session, publication.id, str(source.id)) is source
        assert sources.count_articles(session, [source.id]) == {source.id: 1}
        for publication_id, place in (
            (other.id, str(source.id)),
            (publication.id, "7"),
            (publication.id, "9" * 30),
        ):
            with pytest.raises(NotFoundError, match="`newsletter source list` shows them"):
                sources.get_source(session, publication_id, place)


@pytest.mark.parametrize("key", [7, 10**30, -1])
def test_what_is_not_there_is_not_found(either_database: Database, key: int) -> None:
    with either_database.read() as session:
        with pytest.raises(NotFoundError, match=r"no article .* shows them"):
            articles.get_article(session, key)
        with pytest.raises(NotFoundError, match=r"no issue .* shows them"):
            issues.get_issue(session, key)


def test_issues_are_found_by_period_and_standing(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        sent = add_issue(session, publication, "sent", number=1, period="2026-W01")
        add_issue(session, publication, "skipped", period="2026-W02")
        draft = add_issue(session, publication, "draft", number=2, cadence="weekly")

        assert issues.find_issue_of_period(session, publication.id, "2026-W01") is sent
        assert issues.find_issue_of_period(session, publication.id, "2026-W09") is None
        assert issues.find_open_draft(session, publication.id, "weekly") is draft
        assert issues.find_open_draft(session, publication.id, "daily") is None
        assert issues.find_last_told(session, publication.id) is sent
        assert issues.find_told_before(session, publication.id, sent.id) is None
        assert issues.find_told_before(session, publication.id, draft.id) is sent
        assert issues.next_number(session, publication.id) == 3
        assert issues.list_issues(session, publication.id, ["sent"]) == [sent]
        assert [issue.state for issue in issues.list_issues(session, publication.id)] == [
            "draft",
            "skipped",
            "sent",
        ]


def test_an_issue_that_is_taken_cannot_be_changed_by_another(postgres_database: Database) -> None:
    with postgres_database.write() as session:
        issue_id = add_issue(session, add_publication(session)).id
    is_taken = threading.Event()

    def begin_slowly() -> None:
        with postgres_database.write() as session:
            issue = issues.take_issue(session, issue_id)
            is_taken.set()
            time.sleep(0.3)
            issue.state = "sending"

    with ThreadPoolExecutor(1) as pool:
        beginning = pool.submit(begin_slowly)
        is_taken.wait(10)
        with postgres_database.write() as session:
            assert issues.take_issue(session, issue_id).state == "sending"
        beginning.result()


def test_the_articles_of_an_issue_keep_their_order(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        ids = [add_article(session, publication, title).id for title in "abc"]
        issue = issues.add_issue(session, publication.id, "weekly", "draft", now=NOW)
        issues.set_articles(session, issue.id, ids)
        issues.set_articles(session, issue.id, [ids[2], ids[0], ids[2]])
        session.flush()

        assert issues.list_issue_article_ids(session, issue.id) == [ids[2], ids[0]]
        assert issues.count_issue_articles(session, [issue.id, 99]) == {issue.id: 2}


def test_a_variant_is_frozen_and_thawed(either_database: Database) -> None:
    rendered = RenderedIssue("Subject", "pre", "<p>", "text", "<a>", b"\0mime\xff", "f" * 64)
    with either_database.write() as session:
        issue = add_issue(session, add_publication(session), "draft")
        issues.freeze_variants(session, issue.id, {"all": rendered}, {"name": "Harbour"})
        issues.freeze_variants(session, issue.id, {"all": rendered}, {"name": "Weekly"})
        session.flush()
        variant = issues.find_variant(session, issue.id)
        assert variant
        assert (variant.mime, variant.headers) == (rendered.mime, {"name": "Weekly"})
        issues.thaw(session, issue.id)

        assert issues.find_variant(session, issue.id) is None


def test_a_category_keeps_its_line_until_there_is_another(database: Database) -> None:
    with database.write() as session:
        publication = add_publication(session)
        categories.set_category(session, publication.id, "Harbour", "Calm.", now=NOW)
        categories.set_category(session, publication.id, "Market", None, now=NOW)
        categories.set_category(session, publication.id, "Harbour", None, now=NOW + DAY)
        categories.set_category(session, publication.id, "Harbour", "Calm.", now=NOW + DAY)
        before = [
            (row.name, row.status, row.status_changed_at)
            for row in categories.list_categories(session, publication.id)
        ]
        row = categories.set_category(session, publication.id, "Harbour", "Rough.", now=NOW + DAY)

        assert before == [("Harbour", "Calm.", NOW), ("Market", None, None)]
        assert (row.status, row.status_changed_at) == ("Rough.", NOW + DAY)


def test_an_action_is_written_down(database: Database) -> None:
    with database.write() as session:
        audit.record_action(session, "issue_approved", "issue 1", actor="ada", now=NOW, detail="why")
    with database.read() as session:
        (entry,) = session.scalars(select(AuditEntry))

        assert (entry.action, entry.subject, entry.actor, entry.at, entry.detail) == (
            "issue_approved",
            "issue 1",
            "ada",
            NOW,
            "why",
        )
