"""What entries become in the database: recognised, cleaned, with what is printed beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.content import Article, Enclosure, Entry, ParsedSource
from newsletter.publishing.intake import Intake, take_in
from newsletter.store import articles, categories
from newsletter.store.engine import Database
from newsletter.store.models import Article as Row
from newsletter.store.models import Source
from tests.support.ledger_builders import NOW, add_publication, add_source

SHIP = Entry(
    title="A ship came in",
    link="https://post.example/1",
    published=NOW.astimezone(timezone(timedelta(hours=3))),
    text="All saw it.\n\nIt was <big>.",
)
SIMILAR = Entry(title="The first ship", published=NOW - timedelta(days=900), text="Long ago.")
TREND = Entry(title="Ships everywhere", text="Twice as many.")


def take(session: Session, source: Source, *entries: Entry) -> Intake:
    parsed = ParsedSource("feed", entries=entries)
    return take_in(session, source, parsed, "https://post.example/", now=NOW)


def make_sources(session: Session) -> tuple[Source, Source]:
    publication = add_publication(session)
    return add_source(session, publication, "one"), add_source(session, publication, "two", kind="folder")


def load(session: Session) -> list[Article]:
    ids = articles.list_article_ids(session, 1)
    return articles.load_articles(session, ids, "https://news.example.org")


def test_an_entry_becomes_an_article_with_what_is_printed_beside_it(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        taken = take(session, source, replace(SHIP, similar=(SIMILAR,), trends=(TREND,)))
        (article,) = load(session)

    assert taken == Intake(new=1)
    assert [similar.title for similar in article.similar] == ["The first ship"]
    assert [trend.title for trend in article.trends] == ["Ships everywhere"]
    assert article.published_at == SHIP.published
    assert str(article.published_at) == "2026-11-23 11:00:00+03:00"
    assert article.html == "<p>All saw it.</p><p>It was &lt;big&gt;.</p>"
    assert (article.words, article.summary) == (6, "All saw it. It was <big>.")


def test_a_date_that_has_not_come_yet_counts_once_it_has(database: Database) -> None:
    ahead = replace(SHIP, published=NOW + timedelta(days=3))
    with database.write() as session:
        source, _ = make_sources(session)
        take(
            session,
            source,
            ahead,
            replace(SHIP, title="Tonight", link=None, published=NOW + timedelta(hours=20)),
        )
        dates = {article.title: article.published_at for article in load(session)}
        parsed = ParsedSource("feed", entries=(ahead,))
        later = take_in(session, source, parsed, None, now=NOW + timedelta(days=4))

        assert dates == {"A ship came in": None, "Tonight": NOW + timedelta(hours=20)}
        assert later == Intake(updated=1)
        assert NOW + timedelta(days=3) in [article.published_at for article in load(session)]


def test_the_first_tag_that_is_a_section_here_is_the_category(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        categories.set_category(session, 1, "Sea", None, now=NOW)
        take(session, source, replace(SHIP, category="ships", categories=("ships", "sea")))

        assert [article.category for article in load(session)] == ["Sea"]


def test_enclosures_that_are_no_web_addresses_are_left_out(database: Database) -> None:
    good = Enclosure("https://post.example/1.mp3", "audio/mpeg", 12)
    bad = (Enclosure("javascript:alert(1)"), Enclosure("mailto:a@b.example"), Enclosure("file:///etc/passwd"))
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, replace(SHIP, enclosures=(*bad, good), licence="CC BY 4.0"))
        row = session.scalars(select(Row)).one()

        assert row.enclosures == [{"url": good.url, "media_type": "audio/mpeg", "length": 12}]
        assert row.licence == "CC BY 4.0"


def test_the_same_entries_again_change_nothing(database: Database) -> None:
    full = replace(SHIP, similar=(SIMILAR,), trends=(TREND,))
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, full)
        before = load(session)

        assert take(session, source, full, full) == Intake(unchanged=1)
        assert load(session) == before
        assert len(session.scalars(select(Row)).all()) == 3


def test_what_another_source_leaves_out_is_kept(database: Database) -> None:
    with database.write() as session:
        one, two = make_sources(session)
        take(session, one, replace(SHIP, similar=(SIMILAR,)))

        assert take(session, two, replace(SHIP, text="Less.")) == Intake(unchanged=1)
        (article,) = load(session)
        assert [similar.title for similar in article.similar] == ["The first ship"]
        assert article.text.startswith("All saw it.")


def test_what_its_own_source_leaves_out_goes(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, replace(SHIP, similar=(SIMILAR,)))
        take(session, source, SHIP)

        assert load(session)[0].similar == ()


def test_a_mention_is_no_article_until_a_source_gives_it(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, replace(SHIP, similar=(SIMILAR,)))
        before = [article.title for article in load(session)]
        taken = take(session, source, replace(SIMILAR, text="Long ago, in full."))

        assert (before, taken) == (["A ship came in"], Intake(new=1))
        assert [article.title for article in load(session)] == ["A ship came in", "The first ship"]
        assert take(session, source, replace(SHIP, similar=(SIMILAR,))) == Intake(unchanged=1)
        assert load(session)[1].text == "Long ago, in full."


def test_an_article_that_names_itself_as_similar_is_not_its_own(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, replace(SHIP, similar=(SHIP,)))

        assert load(session)[0].similar == ()


def test_a_text_without_a_title_is_named_by_its_beginning(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, Entry(title="", id="1", text="word " * 60), Entry(title="", id="2", link="/x"))

        titles = {article.title for article in load(session)}

    assert titles == {f"{'word ' * 16}word…", "https://post.example/x"}


def test_an_entry_without_a_word_is_no_article(database: Database) -> None:
    with database.write() as session:
        source, _ = make_sources(session)

        assert take(session, source, Entry(title="", id="1"), SHIP) == Intake(new=1)
        assert [article.title for article in load(session)] == ["A ship came in"]


def test_nothing_dangerous_is_stored(database: Database) -> None:
    evil = Entry(
        title="<b>Hello</b>",
        link="javascript:alert(1)",
        image="file:///etc/passwd",
        html="<p onclick='x()'>Hi<script>x()</script></p>",
    )
    with database.write() as session:
        source, _ = make_sources(session)
        take(session, source, evil)
        (article,) = load(session)

    assert (article.url, article.image, article.html) == (None, None, "<p>Hi</p>")
    assert article.link.startswith("https://news.example.org/archive/articles/")
