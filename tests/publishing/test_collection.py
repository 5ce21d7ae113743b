"""Collecting over real HTTP and from folders: one article once, and a bad source stops nothing."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from newsletter.errors import DatabaseError, FetchError, NotFoundError, SourceError
from newsletter.publishing.articles import get_article, list_articles
from newsletter.publishing.collection import LONGEST_WAIT, PATIENCE, collect_sources
from newsletter.publishing.sources import NewSource, add_source, check_sources, list_sources, remove_source
from newsletter.store import categories
from newsletter.store.engine import Database
from newsletter.store.models import Article, Source
from tests.support.feed_server import FeedServer
from tests.support.ledger_builders import add_publication
from tests.support.publishing_builders import DAY, NOW, Desk, Item, make_desk, make_feed

HOUR = timedelta(hours=1)
PAGE = """{title}

Category: Harbour
Category status: {status}

November 20, 2026 09:00

{body}
"""


def list_titles(desk: Desk) -> list[str]:
    return sorted(article.title for article in list_articles(desk.database, desk.settings, None))


def count(desk: Desk, **when: object) -> tuple[int, int, int]:
    report = desk.collect(**when)  # type: ignore[arg-type] # as Desk.collect says
    assert report.failed == []
    return report.new, report.updated, report.unchanged


def test_a_feed_is_collected_once(collecting_desk: Desk) -> None:
    url = collecting_desk.serve(Item("A ship came in"), Item("A ship went out"))

    assert count(collecting_desk) == (2, 0, 0)
    assert count(collecting_desk, now=NOW + HOUR) == (0, 0, 2)
    assert list_titles(collecting_desk) == ["A ship came in", "A ship went out"]
    source = collecting_desk.get_source(url)
    assert (source.title, source.articles, source.last_error, source.failed_count) == (
        "Harbour Post",
        2,
        None,
        0,
    )
    assert (source.last_success_at, source.next_attempt_at) == (NOW + HOUR, NOW + 2 * HOUR)


def test_what_has_not_changed_is_not_sent_again(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.serve("/feed.xml", make_feed(Item("A ship came in")), etag='"1"')
    collecting_desk.add_source(url)

    assert (count(collecting_desk), count(collecting_desk), count(collecting_desk)) == (
        (1, 0, 0),
        (0, 0, 1),
        (0, 0, 1),
    )
    assert [seen.headers.get("if-none-match") for seen in collecting_desk.feeds.seen] == [None, '"1"', '"1"']


def test_an_edited_article_is_updated(collecting_desk: Desk) -> None:
    collecting_desk.serve(Item("A ship came in", id="1"))
    collecting_desk.collect()
    collecting_desk.serve(Item("A ship came in late", id="1"))

    assert count(collecting_desk) == (0, 1, 0)
    assert list_titles(collecting_desk) == ["A ship came in late"]


def test_two_sources_with_one_article_keep_the_first_wording(collecting_desk: Desk) -> None:
    collecting_desk.serve(Item("A ship came in", link="https://post.example/1"), path="/a.xml")
    collecting_desk.serve(
        Item("A ship came in", link="https://post.example/1?utm_source=rss", text="Other."), path="/b.xml"
    )

    assert count(collecting_desk) == (1, 0, 1)
    assert count(collecting_desk) == (0, 0, 2)
    (article,) = list_articles(collecting_desk.database, collecting_desk.settings, None)
    assert article.summary.startswith("Something happened")


def test_the_article_of_a_removed_source_goes_to_the_next(collecting_desk: Desk) -> None:
    url = collecting_desk.serve(Item("A ship came in", link="https://post.example/1"))
    collecting_desk.collect()
    remove_source(collecting_desk.database, None, url)

    assert list_titles(collecting_desk) == ["A ship came in"]

    collecting_desk.serve(Item("A ship came in late", link="https://post.example/1"), path="/new.xml")

    assert count(collecting_desk) == (0, 1, 0)
    assert list_titles(collecting_desk) == ["A ship came in late"]
    assert [source.articles for source in list_sources(collecting_desk.database, None)] == [1]


def test_failing_sources_are_recorded_and_the_rest_goes_on(collecting_desk: Desk) -> None:
    desk, feeds = collecting_desk, collecting_desk.feeds
    assert feeds
    good = desk.serve(Item("A ship came in"))
    bad = {
        feeds.serve(
            "/html", b"<html><body><p>No feed here</p></body></html>", headers={"Content-Type": "text/html"}
        ): "",
        feeds.url("/none"): "404",
        feeds.serve("/endless", b"<rss>" * 999, endless=True): "",
        feeds.serve("/big", b"<rss>" + b" " * 200_000): "",
        feeds.serve("/down", status=500): "500",
        feeds.serve("/silent", b"", wait_seconds=20): "",
        "http://127.0.0.1:9/feed": "",
    }
    for url in bad:
        desk.add_source(url)
    folder = desk.write_page("one.txt", "A page\n\nOf text.\n")
    (desk.folder / "pages").rename(desk.folder / "gone")

    report = desk.collect()

    assert (report.sources, report.new) == (9, 1)
    assert {failure["source"] for failure in report.failed} == {*bad, folder}
    assert desk.get_source(good).failed_count == 0
    for failure in report.failed:
        source = desk.get_source(failure["source"])
        assert (source.last_error, source.failed_count) == (failure["error"], 1)
        assert (source.last_fetched_at, source.last_success_at, source.next_attempt_at) == (
            NOW,
            None,
            NOW + HOUR,
        )
        assert bad.get(source.location, "") in failure["error"]
        assert "\n" not in failure["error"]
        assert "Traceback" not in failure["error"]


def test_a_failing_source_is_asked_ever_less_often(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.url("/none")
    collecting_desk.add_source(url)
    waits = []
    now = NOW
    for _ in range(8):
        collecting_desk.collect(now)
        due = collecting_desk.get_source(url).next_attempt_at
        assert due
        waits.append(due - now)
        assert collecting_desk.collect(due - timedelta(seconds=1), due_only=True).sources == 0
        now = due

    assert waits == [HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    collecting_desk.serve(Item("A ship came in"), path="/none")
    collecting_desk.collect(now)
    source = collecting_desk.get_source(url)
    assert (source.failed_count, source.last_error, source.next_attempt_at) == (0, None, now + HOUR)


def test_a_server_that_asks_for_patience_gets_it(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.serve("/busy", status=429, headers={"Retry-After": "18000"})
    collecting_desk.add_source(url)

    collecting_desk.collect()

    assert collecting_desk.get_source(url).next_attempt_at == NOW + 5 * HOUR


def test_a_source_that_its_publisher_closed_is_not_asked_again(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.serve("/gone", status=410)
    collecting_desk.add_source(url)
    collecting_desk.collect(NOW)
    source = collecting_desk.get_source(url)

    assert source.disabled_at == NOW
    assert str(source.last_error).startswith("no longer asked, as its publisher closed it for good")


def test_a_feed_is_asked_as_rarely_as_it_wants(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    feed = b"<rss version='2.0'><channel><title>T</title><ttl>180</ttl></channel></rss>"
    url = collecting_desk.feeds.serve("/slow", feed, etag='"1"')
    collecting_desk.add_source(url)
    collecting_desk.collect(NOW)
    first = collecting_desk.get_source(url).next_attempt_at
    collecting_desk.collect(NOW + 3 * HOUR)

    # What a feed said of itself is kept while it says no more than "not modified".
    assert first == NOW + 3 * HOUR
    assert collecting_desk.get_source(url).next_attempt_at == NOW + 6 * HOUR


def test_a_source_that_fails_for_a_month_is_no_longer_asked(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.url("/none")
    collecting_desk.add_source(url)
    collecting_desk.collect(NOW + PATIENCE + DAY)
    source = collecting_desk.get_source(url)

    assert source.disabled_at == NOW + PATIENCE + DAY
    assert str(source.last_error).startswith("no longer asked after 30 days of failures; the last: ")
    assert collecting_desk.collect(NOW + 99 * DAY, due_only=True).sources == 0

    collecting_desk.add_source(url)

    assert collecting_desk.collect(NOW + 99 * DAY, due_only=True).sources == 1


def test_a_permanent_move_is_followed_and_remembered(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    target = collecting_desk.feeds.serve("/new.xml", make_feed(Item("A ship came in")))
    collecting_desk.add_source(collecting_desk.feeds.redirect("/old.xml", target, status=301))

    assert count(collecting_desk) == (1, 0, 0)
    assert [source.location for source in list_sources(collecting_desk.database, None)] == [target]


def test_a_move_to_a_known_source_leaves_both(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    target = collecting_desk.serve(Item("A ship came in"), path="/new.xml")
    old = collecting_desk.feeds.redirect("/old.xml", target, status=301)
    collecting_desk.add_source(old)

    assert count(collecting_desk) == (1, 0, 1)
    assert [source.location for source in list_sources(collecting_desk.database, None)] == [target, old]


def test_a_folder_is_collected_with_its_category_line(desk: Desk) -> None:
    desk.write_page("one.txt", PAGE.format(title="A ship came in", status="Calm.", body="All saw it."))
    desk.write_page("two.txt", "No date here\n\nStill an article.\n")

    assert count(desk) == (2, 0, 0)
    assert count(desk) == (0, 0, 2)
    desk.write_page("one.txt", PAGE.format(title="A ship came in", status="Rough.", body="All saw it."))
    assert count(desk) == (0, 1, 1)
    with desk.database.read() as session:
        assert [(row.name, row.status) for row in categories.list_categories(session, 1)] == [
            ("Harbour", "Rough.")
        ]


def test_a_mention_becomes_an_article_once_a_source_gives_it(desk: Desk) -> None:
    seeds = Path(__file__).parents[3] / "shared" / "seeds"
    if not seeds.is_dir():
        pytest.skip(f"{seeds} is not there: the seed pages are not part of the repository")
    page = next(path for path in sorted(seeds.iterdir()) if "Similar articles" in path.read_text())
    desk.write_page("seed.txt", page.read_text(encoding="utf-8"))
    desk.collect()
    (article,) = list_articles(desk.database, desk.settings, None)
    mention = article.similar[0]
    assert mention.published_at
    date = f"{mention.published_at:%B %d, %Y %H:%M}"
    desk.write_page("mention.txt", f"{mention.title}\n\n{date}\n\nNow told in full, and at length.\n")

    report = desk.collect(NOW + HOUR)

    assert (report.new, report.failed) == (1, [])
    assert list_titles(desk) == sorted([article.title, mention.title])
    full = get_article(desk.database, desk.settings, mention.id)
    assert full.text.startswith("Now told in full")
    assert full.collected_at == NOW + HOUR


def test_the_category_of_a_source_goes_before_a_feeds_tags(collecting_desk: Desk) -> None:
    feed = make_feed(Item("A ship came in")).replace(b"<guid", b"<category>tagged</category><guid")
    assert collecting_desk.feeds
    collecting_desk.add_source(collecting_desk.feeds.serve("/a.xml", feed), category="Harbour")
    collecting_desk.collect()
    (article,) = list_articles(collecting_desk.database, collecting_desk.settings, None)

    assert article.category == "Harbour"


def test_the_category_of_a_page_goes_before_that_of_its_folder(desk: Desk) -> None:
    place = desk.write_page("one.md", "---\ntitle: A ship\ncategory: Ships\n---\n\nIt came in.\n")
    desk.write_page("two.md", "---\ntitle: Another\n---\n\nIt went.\n")
    desk.add_source(place, category="Harbour")
    desk.collect()
    found = list_articles(desk.database, desk.settings, None)

    assert {article.title: article.category for article in found} == {"A ship": "Ships", "Another": "Harbour"}


def test_a_tag_that_is_a_section_here_is_kept(collecting_desk: Desk) -> None:
    feed = make_feed(Item("A ship came in")).replace(b"<guid", b"<category>SHIPS</category><guid")
    assert collecting_desk.feeds
    with collecting_desk.database.write() as session:
        categories.set_category(session, 1, "Ships", None, now=NOW)
    collecting_desk.add_source(collecting_desk.feeds.serve("/a.xml", feed), category="Harbour")
    collecting_desk.collect()
    (article,) = list_articles(collecting_desk.database, collecting_desk.settings, None)

    assert article.category == "Ships"


def test_a_source_that_changed_meanwhile_keeps_the_change(collecting_desk: Desk) -> None:
    """The operator changes one source and removes another while both are being fetched."""
    assert collecting_desk.feeds
    kept, gone = (
        collecting_desk.feeds.serve(f"/{title}.xml", make_feed(Item(title)), wait_seconds=0.6)
        for title in ("one", "two")
    )
    collecting_desk.add_source(kept)
    collecting_desk.add_source(gone)

    def change() -> None:
        collecting_desk.add_source(kept, category="Harbour")
        remove_source(collecting_desk.database, None, gone)

    operator = threading.Timer(0.2, change)
    operator.start()
    report = collecting_desk.collect()
    operator.join()

    (source,) = list_sources(collecting_desk.database, None)
    assert report.failed == []
    assert (source.location, source.category) == (kept, "Harbour")
    assert list_titles(collecting_desk) == ["one"]


def test_a_full_disk_stops_the_collecting_and_loses_nothing(collecting_desk: Desk) -> None:
    collecting_desk.serve(Item("one"))
    collecting_desk.collect()
    collecting_desk.serve(Item("one"), Item("two", text="long " * 12_000))
    with collecting_desk.database.raw() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(DatabaseError, match="the disk is full"):
        collecting_desk.collect(NOW + HOUR)

    assert list_titles(collecting_desk) == ["one"]


def test_one_publications_sources_are_collected_alone(collecting_desk: Desk) -> None:
    collecting_desk.serve(Item("one"))
    with collecting_desk.database.write() as session:
        add_publication(session, "other")

    def collect(slug: str | None) -> int:
        report = collect_sources(collecting_desk.database, collecting_desk.settings, slug, now=NOW)
        return report.sources

    assert (collect("harbour"), collect("other"), collect(None)) == (1, 0, 1)
    with pytest.raises(NotFoundError, match="there is no publication 'none'"):
        collect("none")


def test_what_the_database_cannot_store_fails_its_source_alone(
    postgres_database: Database, tmp_path: Path, feed_server: FeedServer
) -> None:
    desk = make_desk(postgres_database, tmp_path)
    desk.feeds = feed_server
    with postgres_database.write() as session:
        session.execute(text("ALTER TABLE articles ALTER COLUMN author TYPE varchar(3)"))
    items = [{"id": "1", "title": "a", "content_text": "b", "author": {"name": "Somebody"}}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items}
    bad = desk.feeds.serve("/bad.json", json.dumps(feed).encode())
    desk.add_source(bad)
    desk.serve(Item("Good news"))

    report = desk.collect()

    assert [failure["source"] for failure in report.failed] == [bad]
    assert desk.get_source(bad).failed_count == 1
    assert str(desk.get_source(bad).last_error).startswith("could not be stored")
    assert list_titles(desk) == ["Good news"]


def test_octets_that_a_database_refuses_are_left_out(
    either_database: Database, tmp_path: Path, feed_server: FeedServer
) -> None:
    desk = make_desk(either_database, tmp_path)
    desk.feeds = feed_server
    item = {"id": "1\0", "title": "a\0 ship" + "!" * 5000, "content_text": "x\0y\ud800", "language": "e\0n"}
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "t\0",
        "language": "e\0n",
        "items": [item],
    }
    desk.add_source(desk.feeds.serve("/nul.json", json.dumps(feed).encode()))

    assert (desk.collect().failed, desk.collect().new) == ([], 0)

    with either_database.read() as session:
        assert session.scalars(select(Article.text)).all() == ["xy"]


def test_a_source_is_added_once(desk: Desk) -> None:
    desk.add_source("https://post.example/feed", category="Harbour")
    again = desk.add_source(" https://post.example/feed ")

    assert (again.category, again.kind, len(list_sources(desk.database, None))) == ("Harbour", "feed", 1)


@pytest.mark.parametrize(
    ("location", "kind", "error"),
    [
        ("ftp://post.example/feed", None, SourceError),
        ("https:///feed", None, SourceError),
        ("http://[::1/feed", None, SourceError),
        ("/nowhere/at/all", None, FetchError),
        ("https://post.example/feed", "folder", SourceError),
        (".", "feed", SourceError),
    ],
)
def test_what_cannot_be_a_source_is_refused(
    desk: Desk, location: str, kind: None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        add_source(desk.database, desk.settings, None, NewSource(location, kind=kind), now=NOW)

    assert list_sources(desk.database, None) == []


def test_a_source_that_failed_thousands_of_times_is_asked_once_a_day(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.url("/gone.xml")
    collecting_desk.add_source(url)
    with collecting_desk.database.write() as session:
        session.execute(update(Source).values(failed_count=5000))
    collecting_desk.collect()

    assert collecting_desk.get_source(url).next_attempt_at == NOW + LONGEST_WAIT


def test_what_is_said_of_a_source_fits_a_screen(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    item = "<item><title>Ship {0}</title><link>http://a.example/{0}</link><pubDate>never {0}</pubDate></item>"
    items = "".join(item.format(number) for number in range(99))
    odd = collecting_desk.feeds.serve("/odd", f"<rss version='2.0'><channel>{items}</channel></rss>".encode())
    binary = collecting_desk.feeds.serve(f"/{'x' * 3000}", bytes(range(256)) * 9)
    collecting_desk.add_source(odd)
    collecting_desk.add_source(binary)
    collecting_desk.collect()

    said = str(collecting_desk.get_source(odd).last_error)
    assert said.startswith("“Ship 0” has a date that cannot be read: never 0; “Ship 1”")
    assert (len(said), len(str(collecting_desk.get_source(binary).last_error))) == (1000, 1000)


def test_an_address_of_another_scheme_is_no_path(desk: Desk) -> None:
    said = "ftp://post.example/feed cannot be collected from: give an http or https address, or a path"

    with pytest.raises(SourceError, match=said):
        desk.add_source("ftp://post.example/feed")
    (found,) = check_sources(desk.settings, ["ftp://post.example/feed"], kind=None, base=None)
    assert found["problems"] == [said]


@pytest.mark.parametrize("weight", [0, -1, 17])
def test_a_weight_that_is_none_is_refused(desk: Desk, weight: int) -> None:
    with pytest.raises(SourceError, match=f"cannot weigh {weight}: from 1 to 16"):
        desk.add_source("https://post.example/feed", weight=weight)

    assert list_sources(desk.database, None) == []


def test_a_source_keeps_its_weight_until_another_is_said(desk: Desk) -> None:
    said = (None, 16, None, 2)

    assert [desk.add_source("https://post.example/feed", weight=each).weight for each in said] == [
        1,
        16,
        16,
        2,
    ]


def test_a_source_is_removed_by_place_or_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write_page("one.txt", "A page\n\nOf text.\n")
    monkeypatch.chdir(desk.folder)
    number = desk.add_source("https://post.example/feed").id
    remove_source(desk.database, None, "pages")
    remove_source(desk.database, None, str(number))

    assert list_sources(desk.database, None) == []
    with pytest.raises(NotFoundError, match="no source '9'"):
        remove_source(desk.database, None, "9")
