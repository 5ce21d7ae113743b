"""Pages that lists and teasers lead to, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

from newsletter.publishing.articles import list_articles
from newsletter.publishing.following import TRIES
from newsletter.publishing.sources import check_sources
from tests.support.feed_server import FeedServer
from tests.support.publishing_builders import DAY, NOW, Desk, Item, make_feed

TEXT = "The cranes turned again on Monday after a week in which no ship could be unloaded. " * 8
HTML = {"Content-Type": "text/html; charset=utf-8"}


def serve_page(server: FeedServer, name: str, title: str, text: str = TEXT) -> str:
    body = (
        f"<!DOCTYPE html><html><head><title>{title}</title><meta property='og:type' content='article'></head>"
        f"<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    )
    return server.serve(f"/{name}", body.encode(), headers=HTML)


def serve_list(server: FeedServer, *names: str) -> str:
    cards = "".join(f"<h2><a href='/{name}'>{name.replace('-', ' ')}</a></h2>" for name in names)
    page = f"<!DOCTYPE html><html><head><title>News</title></head><body><main>{cards}</main></body></html>"
    return server.serve("/news", page.encode(), headers=HTML, etag=f'"{len(names)}"')


def serve_map(server: FeedServer, path: str, root: str, *places: tuple[str, str]) -> str:
    inner = "url" if root == "urlset" else "sitemap"
    named = "".join(f"<{inner}><loc>{url}</loc><lastmod>{day}</lastmod></{inner}>" for url, day in places)
    return server.serve(path, f"<?xml version='1.0'?><{root}>{named}</{root}>".encode())


def titles(desk: Desk) -> list[str]:
    return sorted(article.title for article in list_articles(desk.database, desk.settings, None))


def asked(server: FeedServer, path: str) -> int:
    return sum(seen.path == path for seen in server.seen)


def make_desk_with(desk: Desk) -> FeedServer:
    assert desk.feeds
    return desk.feeds


NAMES = ("harbour-opens-again", "ferry-is-cut", "storm-is-near", "bridge-is-up")


def test_a_list_is_followed_to_its_articles_once_each(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    for name in NAMES:
        serve_page(server, name, name)
    url = serve_list(server, *NAMES[:3])
    collecting_desk.add_source(url, kind="page")

    assert collecting_desk.collect().new == 3
    serve_list(server, *NAMES)
    assert collecting_desk.collect(NOW + DAY).new == 1
    assert titles(collecting_desk) == sorted(NAMES)
    assert [asked(server, f"/{name}") for name in NAMES] == [1, 1, 1, 1]


def test_a_run_fetches_so_many_pages_and_the_next_the_rest(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    for name in NAMES:
        serve_page(server, name, name)
    collecting_desk.settings = collecting_desk.settings.model_copy(update={"follow_pages": 3})
    collecting_desk.add_source(serve_list(server, *NAMES), kind="page")

    # The list itself has not changed by then, so only its forgotten version lets the rest be found.
    assert [collecting_desk.collect(NOW + hours * DAY).new for hours in range(3)] == [3, 1, 0]


def test_a_page_without_an_article_is_tried_a_few_times(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    collecting_desk.add_source(serve_list(server, *NAMES), kind="page")
    for day in range(TRIES + 2):
        server.answers["/news"] = server.answers["/news"].__class__(
            server.answers["/news"].body, headers=HTML, etag=f'"{day}"'
        )
        collecting_desk.collect(NOW + day * DAY)

    assert asked(server, "/ferry-is-cut") == TRIES


def test_an_article_page_is_the_article_and_followed_nowhere(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    collecting_desk.add_source(serve_page(server, "one-two-three", "One"), kind="page")

    assert collecting_desk.collect().new == 1
    assert {seen.path for seen in server.seen} == {"/one-two-three"}


def test_a_sitemap_gives_what_is_new_in_it(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    new, old = serve_page(server, "new", "New"), serve_page(server, "old", "Old")
    day, year = (NOW - DAY).date().isoformat(), (NOW - 400 * DAY).date().isoformat()
    elsewhere = f"http://localhost:{server.port}/new"
    collecting_desk.settings = collecting_desk.settings.model_copy(
        update={"fetch_allow_hosts": ("localhost",)}
    )
    inner = serve_map(server, "/news.xml", "urlset", (old, year), (new, day), (elsewhere, day))
    collecting_desk.add_source(serve_map(server, "/map.xml", "sitemapindex", (inner, day)), kind="sitemap")

    assert collecting_desk.collect().new == 1
    assert titles(collecting_desk) == ["New"]
    # What lies on another host is not this sitemap's to name (sitemaps.org, location).
    assert asked(server, "/new") == 1


def test_a_sitemap_is_followed_from_its_newest_page_on(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    places = [
        (serve_page(server, f"p{day}", f"Page {day}"), (NOW - day * DAY).date().isoformat())
        for day in (3, 1, 2)
    ]
    collecting_desk.settings = collecting_desk.settings.model_copy(update={"follow_pages": 1})
    collecting_desk.add_source(serve_map(server, "/map.xml", "urlset", *places), kind="sitemap")
    collecting_desk.collect()

    assert titles(collecting_desk) == ["Page 1"]


def test_a_list_that_was_followed_to_its_end_is_not_read_again_until_it_changes(
    collecting_desk: Desk,
) -> None:
    server = make_desk_with(collecting_desk)
    for name in NAMES:
        serve_page(server, name, name)
    collecting_desk.add_source(serve_list(server, *NAMES), kind="page")
    collecting_desk.collect()
    collecting_desk.collect(NOW + DAY)

    assert [seen.headers.get("if-none-match") for seen in server.seen if seen.path == "/news"] == [
        None,
        '"4"',
    ]


def test_a_page_that_says_less_than_its_teaser_does_not_take_its_place(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    page = serve_page(server, "short", "Short", "Only a word of it.")
    url = server.serve("/feed.xml", make_feed(Item("Short", link=page, text=TEXT)))
    collecting_desk.add_source(url, full_text=True)
    collecting_desk.collect()
    (story,) = list_articles(collecting_desk.database, collecting_desk.settings, None)

    assert asked(server, "/short") == 1
    assert story.text.startswith("The cranes turned")


def test_robots_txt_closes_pages_to_following(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    server.serve("/robots.txt", b"User-agent: *\nDisallow: /storm")
    for name in NAMES[:3]:
        serve_page(server, name, name)
    collecting_desk.add_source(serve_list(server, *NAMES[:3]), kind="page")

    assert collecting_desk.collect().new == 2
    assert asked(server, "/storm-is-near") == 0


def test_a_list_may_not_lead_to_this_machine(collecting_desk: Desk) -> None:
    from newsletter.collect.fetch import FetchRequest
    from newsletter.publishing.reading import fetch_all

    url = make_desk_with(collecting_desk).serve("/1", b"x")
    (found,) = fetch_all(collecting_desk.settings, [FetchRequest(url)], written=frozenset({"e.example"}))

    assert isinstance(found, Exception)
    assert "not a public address" in str(found)


def test_the_whole_text_is_fetched_where_the_operator_wants_it(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    page = serve_page(server, "long-story", "Long story", TEXT)
    feed = make_feed(Item("Long story", link=page), Item("Whole", link=server.url("/whole"), text=TEXT * 4))
    url = server.serve("/feed.xml", feed, headers={"Content-Type": "application/rss+xml"})
    collecting_desk.add_source(url, full_text=True)
    collecting_desk.collect()
    (story,) = [
        a
        for a in list_articles(collecting_desk.database, collecting_desk.settings, None)
        if a.title == "Long story"
    ]

    assert story.words > 100
    assert story.text.startswith("The cranes turned")
    assert story.summary.startswith("Something happened at the quay")
    assert asked(server, "/whole") == 0
    # The feed still says no more than the teaser: what was fetched stays, and is not fetched again.
    again = collecting_desk.collect(NOW + timedelta(hours=1))
    assert (again.new, again.updated, again.unchanged) == (0, 0, 2)
    assert asked(server, "/long-story") == 1


def test_without_being_told_no_page_is_fetched(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    collecting_desk.serve(Item("Long story", link=server.url("/long-story")))
    collecting_desk.collect()

    assert asked(server, "/long-story") == 0


def test_checking_follows_no_link(collecting_desk: Desk) -> None:
    server = make_desk_with(collecting_desk)
    url = serve_list(server, *NAMES)
    (found,) = check_sources(collecting_desk.settings, [url], kind=None, base=None)

    assert [article["link"] for article in found["articles"]] == [
        url,
        *(server.url(f"/{name}") for name in NAMES),
    ]
    assert {seen.path for seen in server.seen} == {"/news"}
