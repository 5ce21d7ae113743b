"""What the client leaves alone: pages that robots.txt closes, hosts that say it is too much."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from newsletter.collect.fetch import Fetched, FetchOptions, FetchRequest, fetch_sources, robots
from newsletter.errors import FetchError
from tests.support.feed_server import FeedServer

OPTIONS = FetchOptions(
    "newsletter/1.0 (+https://example.org/about)",
    allowed_hosts=frozenset({"127.0.0.1", "localhost"}),
    timeout_seconds=10,
    page_delay_seconds=0.0,
)


def ask(*urls: str, options: FetchOptions = OPTIONS, is_page: bool = True) -> list[Fetched | FetchError]:
    return fetch_sources([FetchRequest(url, is_page=is_page) for url in urls], options)


def paths(server: FeedServer) -> list[str]:
    return [seen.path for seen in server.seen]


@pytest.mark.parametrize(
    "rules", ["User-agent: newsletter\nDisallow: /no", "User-agent: *\nDisallow: /no\nAllow: /"]
)
def test_a_page_that_robots_txt_closes_is_not_read(feed_server: FeedServer, rules: str) -> None:
    feed_server.serve("/robots.txt", rules.encode())
    no, yes = ask(feed_server.serve("/no/1", b"x"), feed_server.serve("/yes", b"y"))

    assert isinstance(no, FetchError)
    assert "says robots.txt" in str(no)
    assert isinstance(yes, Fetched)
    assert sorted(paths(feed_server)) == ["/robots.txt", "/yes"]


def test_rules_for_another_program_are_not_ours(feed_server: FeedServer) -> None:
    feed_server.serve("/robots.txt", b"User-agent: otherbot\nDisallow: /")

    assert isinstance(ask(feed_server.serve("/1", b"x"))[0], Fetched)


def test_a_redirect_into_what_is_closed_is_not_followed(feed_server: FeedServer) -> None:
    feed_server.serve("/robots.txt", b"User-agent: *\nDisallow: /no")
    feed_server.serve("/no/1", b"x")

    assert isinstance(ask(feed_server.redirect("/go", "/no/1"))[0], FetchError)
    assert "/no/1" not in paths(feed_server)


def test_a_feed_is_asked_for_whatever_robots_txt_says(feed_server: FeedServer) -> None:
    feed_server.serve("/robots.txt", b"User-agent: *\nDisallow: /")

    assert isinstance(ask(feed_server.serve("/feed", b"x"), is_page=False)[0], Fetched)
    assert paths(feed_server) == ["/feed"]


@pytest.mark.parametrize(("status", "is_read"), [(404, True), (403, True), (500, False), (429, False)])
def test_a_robots_txt_that_is_not_there_allows_all_and_one_that_fails_nothing(
    feed_server: FeedServer, status: int, *, is_read: bool
) -> None:
    feed_server.serve("/robots.txt", b"", status=status)

    assert isinstance(ask(feed_server.serve("/1", b"x"))[0], Fetched) is is_read


def test_robots_txt_is_kept_for_the_next_run(feed_server: FeedServer) -> None:
    feed_server.serve("/robots.txt", b"User-agent: *\nDisallow: /no")
    ask(feed_server.serve("/1", b"x"), feed_server.serve("/2", b"x"))
    ask(feed_server.url("/1"))

    assert paths(feed_server).count("/robots.txt") == 1


def test_the_hosts_that_are_kept_are_so_many_at_most(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "_MOST_HOSTS", 2)
    feed_server.serve("/robots.txt", b"")
    feed_server.serve("/1", b"x")
    for number in range(1, 5):
        ask(feed_server.url("/1", host=f"127.0.0.{number}"))
        assert len(robots.KNOWN) <= 2


@pytest.mark.parametrize(
    ("rules", "delay"),
    [(b"", 0.2), (b"User-agent: *\nCrawl-delay: 0.2", 0.0), (b"User-agent: *\nCrawl-delay: x", 0.2)],
)
def test_pages_of_one_host_are_kept_apart(feed_server: FeedServer, rules: bytes, delay: float) -> None:
    feed_server.serve("/robots.txt", rules)
    urls = [feed_server.serve(f"/{number}", b"x") for number in range(3)]
    start = time.monotonic()
    found = ask(*urls, options=replace(OPTIONS, page_delay_seconds=delay))

    assert all(isinstance(each, Fetched) for each in found)
    assert time.monotonic() - start >= 0.4


@pytest.mark.parametrize(
    ("status", "headers", "asked"), [(429, {}, 1), (503, {"Retry-After": "60"}, 1), (503, {}, 3)]
)
def test_a_host_that_says_it_is_too_much_is_asked_no_more_in_this_run(
    feed_server: FeedServer, status: int, headers: dict[str, str], asked: int
) -> None:
    urls = [feed_server.serve(f"/{number}", b"", status=status, headers=headers) for number in range(3)]
    found = ask(*urls, options=replace(OPTIONS, per_host=1), is_page=False)

    assert len(feed_server.seen) == asked
    assert [(type(each), each.status) for each in found] == [(FetchError, status)] * 3
    if headers:
        assert [each.retry_after for each in found] == [60.0] * 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=600"}, 600.0),
        ({"Cache-Control": "max-age=600", "Age": "100"}, 500.0),
        ({"Cache-Control": "max-age=600, no-cache"}, None),
        ({"Cache-Control": "s-maxage=600"}, None),
        ({}, None),
    ],
)
def test_an_answer_says_how_long_it_is_good_for(
    feed_server: FeedServer, headers: dict[str, str], seconds: float | None
) -> None:
    (found,) = ask(feed_server.serve("/feed", b"x", headers=headers), is_page=False)

    assert isinstance(found, Fetched)
    assert found.max_age == seconds
