"""The HTTP client against a real server that does what servers do."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import httpx2
import pytest

from newsletter.collect.fetch import Fetched, FetchOptions, FetchRequest, fetch_sources, guard
from newsletter.collect.fetch.faults import explain
from newsletter.errors import FetchError
from tests.support.feed_server import FeedServer, make_bomb, wait_until

OPTIONS = FetchOptions(
    "Newsletter/test (+https://example.org/about)", allowed_hosts=frozenset({"127.0.0.1"}), timeout_seconds=10
)
FEED = b"<rss version='2.0'><channel><title>T</title></channel></rss>"


def fetch(url: str, options: FetchOptions = OPTIONS, **request: str) -> Fetched | FetchError:
    return fetch_sources([FetchRequest(url, request.get("etag"), request.get("last_modified"))], options)[0]


def get(url: str, options: FetchOptions = OPTIONS, **request: str) -> Fetched:
    found = fetch(url, options, **request)
    assert isinstance(found, Fetched), found
    return found


def fail(url: str, options: FetchOptions = OPTIONS) -> FetchError:
    found = fetch(url, options)
    assert isinstance(found, FetchError), found
    return found


def test_a_feed_is_fetched_with_what_its_headers_say(feed_server: FeedServer) -> None:
    headers = {"Content-Type": "application/rss+xml; charset=koi8-r"}
    url = feed_server.serve(
        "/feed", FEED, headers=headers, etag='"1"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT"
    )

    assert get(url) == Fetched(
        url=url,
        status=200,
        body=FEED,
        content_type="application/rss+xml; charset=koi8-r",
        charset="koi8-r",
        etag='"1"',
        last_modified="Mon, 01 Jan 2024 00:00:00 GMT",
        final_url=url,
    )


def test_we_say_who_we_are_and_send_no_cookies_back(feed_server: FeedServer) -> None:
    url = feed_server.serve("/feed", FEED, headers={"Set-Cookie": "a=1; Path=/"})
    fetch_sources([FetchRequest(url)] * 3, replace(OPTIONS, per_host=1))

    assert {seen.headers["user-agent"] for seen in feed_server.seen} == {OPTIONS.user_agent}
    assert not any("cookie" in seen.headers for seen in feed_server.seen)


@pytest.mark.parametrize("request_", [{"etag": '"1"'}, {"last_modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_what_has_not_changed_is_not_fetched_again(feed_server: FeedServer, request_: dict[str, str]) -> None:
    url = feed_server.serve("/feed", FEED, etag='"1"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")
    found = get(url, OPTIONS, **request_)

    assert (found.not_modified, found.status, found.body) == (True, 304, b"")
    assert (found.etag, found.last_modified) == ('"1"', "Mon, 01 Jan 2024 00:00:00 GMT")


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("br", import_module("brotli").compress), (None, bytes)]
)
def test_a_compressed_body_is_unpacked(
    feed_server: FeedServer, encoding: str | None, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}

    assert get(feed_server.serve("/feed", pack(FEED), headers=headers)).body == FEED


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_is_cut_before_it_fills_the_memory(feed_server: FeedServer, encoding: str) -> None:
    bomb = make_bomb(200 * 2**20, encoding)
    url = feed_server.serve("/bomb", bomb, headers={"Content-Encoding": encoding})
    tracemalloc.start()
    error = fail(url, replace(OPTIONS, max_bytes=2 * 10**6))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "is larger than 2 MB" in str(error)
    assert peak < 40 * 10**6


def test_a_feed_beyond_the_limit_is_refused_by_its_length_alone(feed_server: FeedServer) -> None:
    url = feed_server.serve("/big", b"x" * 3_000_000)

    assert "is larger than 1 MB" in str(fail(url, replace(OPTIONS, max_bytes=10**6)))


def test_a_feed_that_never_ends_is_cut(feed_server: FeedServer) -> None:
    url = feed_server.serve("/endless", b"<item/>" * 10_000, endless=True)

    assert "is larger than 5 MB" in str(fail(url, replace(OPTIONS, max_bytes=5 * 10**6)))


@pytest.mark.parametrize("options", [{"wait_seconds": 30.0}, {"drip_seconds": 0.1}])
def test_a_slow_server_is_left_after_the_whole_time(
    feed_server: FeedServer, options: dict[str, float]
) -> None:
    url = feed_server.serve("/slow", FEED * 10, **options)
    begun = time.monotonic()
    error = fail(url, replace(OPTIONS, timeout_seconds=0.5))

    assert "did not answer in full within 0.5 seconds" in str(error)
    assert time.monotonic() - begun < 5


def test_a_server_that_takes_no_connection_is_left_sooner() -> None:
    options = replace(OPTIONS, timeout_seconds=20, connect_seconds=4)

    assert "within 4 seconds" in str(explain("https://e.example", httpx2.ConnectTimeout(""), options))
    assert "within 20 seconds" in str(explain("https://e.example", httpx2.ReadTimeout(""), options))


def test_a_body_that_breaks_off_is_an_error(feed_server: FeedServer) -> None:
    assert "broke off" in str(fail(feed_server.serve("/cut", FEED, cut_at=10)))


def test_a_body_that_is_not_packed_as_it_says_is_an_error(feed_server: FeedServer) -> None:
    url = feed_server.serve("/feed", b"plain", headers={"Content-Encoding": "gzip"})

    assert "not compressed as it says" in str(fail(url))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (404, "answered 404 Not Found: check the address or remove the source"),
        (410, "answered 410 Gone: the publisher has closed it for good; remove the source"),
        (403, "answered 403 Forbidden: it refuses us"),
        (500, "answered 500 Internal Server Error: the server is at fault; try again later"),
        (418, "answered 418 I'm a Teapot: check the address"),
        (599, "answered 599: the server is at fault"),
    ],
)
def test_a_refusal_says_what_to_do(feed_server: FeedServer, status: int, advice: str) -> None:
    error = fail(feed_server.serve("/feed", b"no", status=status))

    assert advice in str(error)
    assert feed_server.url("/feed") in str(error)
    assert (error.status, error.retry_after) == (status, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "99999999999"}, 30 * 86_400.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": f"Mon, 23 Nov {9**40} 08:00:00 GMT"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_patience_says_for_how_long(
    feed_server: FeedServer, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    assert fail(feed_server.serve("/feed", status=status, headers=headers)).retry_after == seconds


def test_a_date_to_come_back_at_counts_from_the_servers_clock(feed_server: FeedServer) -> None:
    url = feed_server.serve("/feed", status=503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"})

    assert fail(url).retry_after == 0.0


def test_redirects_are_followed_and_a_permanent_one_is_told(feed_server: FeedServer) -> None:
    feed = feed_server.serve("/feed", FEED)
    there = feed_server.redirect("/there", "/feed#top", 301)
    now = feed_server.redirect("/now", "/feed", 302)
    mixed = feed_server.redirect("/mixed", "/now", 308)

    assert (get(there).moved_to, get(there).final_url, get(there).body) == (feed, feed, FEED)
    assert (get(now).moved_to, get(now).final_url) == (None, feed)
    assert (get(mixed).moved_to, get(mixed).final_url) == (now, feed)


def test_five_redirects_are_followed_and_no_more(feed_server: FeedServer) -> None:
    feed_server.serve("/0", FEED)
    for number in range(1, 8):
        feed_server.redirect(f"/{number}", f"/{number - 1}")

    assert get(feed_server.url("/5")).body == FEED
    assert "redirects more than 5 times" in str(fail(feed_server.url("/6")))


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "mailto:a@b.example"]
)
def test_a_redirect_leads_to_the_web_or_nowhere(feed_server: FeedServer, target: str) -> None:
    url = feed_server.redirect("/feed", target)

    assert "is not an address that can be fetched: expected http:// or https:// and a host" in str(fail(url))


def test_one_bad_address_stops_none_of_the_others_and_the_order_is_kept(feed_server: FeedServer) -> None:
    good = feed_server.serve("/feed", FEED)
    urls = [
        "nonsense",
        good,
        "",
        "http://[",
        feed_server.url("/gone"),
        good,
        "file:///etc/passwd",
        "http://u:secret@/",
    ]
    found = fetch_sources([FetchRequest(url) for url in urls], OPTIONS)

    assert [isinstance(result, Fetched) for result in found] == [url == good for url in urls]
    assert all(isinstance(result, FetchError) for result, url in zip(found, urls, strict=True) if url != good)
    assert str(found[3]).startswith("http://[ is not an address that can be fetched (")


def test_no_source_at_all_is_no_fault() -> None:
    assert fetch_sources([], OPTIONS) == []


def test_a_password_in_an_address_is_not_shown(feed_server: FeedServer) -> None:
    error = fail(f"http://user:secret@127.0.0.1:{feed_server.port}/none")

    assert "secret" not in str(error)


def test_a_host_is_asked_by_few_at_a_time(feed_server: FeedServer) -> None:
    urls = [feed_server.serve(f"/{number}", FEED, wait_seconds=0.02) for number in range(12)]
    found = fetch_sources([FetchRequest(url) for url in urls], replace(OPTIONS, per_host=3))

    assert all(isinstance(result, Fetched) for result in found)
    assert feed_server.busiest <= 3


def test_a_port_where_nobody_listens_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert "cannot be reached" in str(fail(f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "0"])
def test_loopback_in_any_spelling_is_refused_unless_allowed(feed_server: FeedServer, host: str) -> None:
    feed_server.serve("/feed", FEED)
    error = fail(feed_server.url("/feed", host), replace(OPTIONS, allowed_hosts=frozenset()))

    assert "is not a public address" in str(error)
    assert feed_server.seen == []


def test_a_redirect_to_a_private_address_is_refused(feed_server: FeedServer) -> None:
    feed_server.serve("/secret", FEED)
    url = feed_server.redirect("/feed", feed_server.url("/secret", "localhost"))

    assert "is not a public address" in str(fail(url))
    assert [seen.path for seen in feed_server.seen] == ["/feed"]


def test_a_star_allows_every_host(feed_server: FeedServer) -> None:
    feed_server.serve("/feed", FEED)

    assert (
        get(feed_server.url("/feed", "localhost"), replace(OPTIONS, allowed_hosts=frozenset({"*"}))).body
        == FEED
    )


def test_every_connection_goes_through_the_guard(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    original = guard.GuardedBackend._resolve  # noqa: SLF001 - the guard is private to the pool, so it is watched

    async def watch(self: guard.GuardedBackend, host: str, port: int) -> list[str]:
        asked.append(host)
        return await original(self, host, port)

    monkeypatch.setattr(guard.GuardedBackend, "_resolve", watch)
    get(feed_server.serve("/feed", FEED))

    assert asked == ["127.0.0.1"]


def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_server.serve("/feed", FEED)
    answers = iter([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]])

    def resolve(host: str | bytes | None, port: int, *_: object, **__: object) -> list[Any]:
        assert host == "rebind.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = fail(
        f"http://rebind.example:{feed_server.port}/feed", replace(OPTIONS, allowed_hosts=frozenset())
    )

    assert "rebind.example is at 127.0.0.1" in str(error)
    assert feed_server.seen == []


def test_proxies_of_the_environment_are_not_used(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert get(feed_server.serve("/feed", FEED)).body == FEED


def test_leaving_early_closes_the_connection(feed_server: FeedServer) -> None:
    fail(feed_server.serve("/endless", b"x" * 10_000, endless=True), replace(OPTIONS, max_bytes=1000))

    assert wait_until(lambda: feed_server.busy == 0)
