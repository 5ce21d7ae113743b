"""The sample server gives what the newspapers have published by a moment, and what has not changed."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from newsletter.collect.detect import parse_source
from newsletter.operating.demo.sources import SampleServer

ROOT = Path(__file__).parents[2] / "examples"
NOW = datetime(2026, 11, 22, 19, 30, tzinfo=ZoneInfo("Europe/Vilnius"))
FEEDS = ("sources/harbour-post.xml", "sources/civic-desk.xml", "sources/market-notes.json")


@pytest.fixture(scope="module")
def running() -> Iterator[SampleServer]:
    with SampleServer(ROOT, now=NOW) as server:
        yield server


@pytest.fixture
def server(running: SampleServer) -> SampleServer:
    running.edition.until, running.edition.held = NOW, ()
    return running


def ask(
    server: SampleServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.base).netloc, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/{path}", headers=named)
        response = connection.getresponse()
        return (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    finally:
        connection.close()


def list_titles(server: SampleServer, path: str) -> list[str]:
    _, headers, body = ask(server, path)
    parsed = parse_source(body, location=f"{server.base}/{path}", content_type=headers["content-type"])
    assert parsed.problems == ()
    return [entry.title for entry in parsed.entries]


def test_feeds_hold_what_is_dated_up_to_the_moment(server: SampleServer) -> None:
    counts = []
    for days in (28, 21, 14, 7, 0):
        server.edition.until = NOW - timedelta(days=days)
        counts.append([len(list_titles(server, path)) for path in FEEDS])
    assert counts == [[0, 0, 0], [2, 1, 2], [4, 3, 4], [7, 5, 5], [10, 8, 7]]


@pytest.mark.parametrize(
    ("path", "name"), [(FEEDS[0], "seals"), (FEEDS[1], "breakwater"), (FEEDS[2], "one-tug")]
)
def test_an_article_that_is_held_back_is_not_out(server: SampleServer, path: str, name: str) -> None:
    everything = list_titles(server, path)
    server.edition.held = {name}
    assert len(list_titles(server, path)) == len(everything) - 1


def test_a_held_article_has_no_page(server: SampleServer) -> None:
    assert ask(server, "civic-desk/breakwater")[0] == 200
    server.edition.held = {"breakwater"}
    assert ask(server, "civic-desk/breakwater")[0] == 404


def test_every_article_link_leads_to_a_page_with_its_title(server: SampleServer) -> None:
    links = server.edition.list_links()
    assert len(links) > 20
    for link in links:
        status, headers, body = ask(server, urlsplit(link).path.lstrip("/"))
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"<h1>" in body
        assert b"<script" not in body


def test_an_article_from_right_to_left_says_so(server: SampleServer) -> None:
    assert b'<html lang="ar" dir="rtl">' in ask(server, "civic-desk/reading-room")[2]


def test_front_pages_lead_on(server: SampleServer) -> None:
    assert f'href="{server.base}/harbour-post"'.encode() in ask(server, "")[2]
    assert f'href="{server.base}/harbour-post/seals"'.encode() in ask(server, "harbour-post")[2]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("images/ferry.png", "image/png"),
        (FEEDS[0], "application/xml; charset=utf-8"),
        (FEEDS[2], "application/feed+json; charset=utf-8"),
        ("sources/desk-notes/2-levy-argument.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files_have_their_types(server: SampleServer, path: str, media_type: str) -> None:
    status, headers, body = ask(server, path)
    assert (status, headers["content-type"], int(headers["content-length"])) == (200, media_type, len(body))
    assert b"{{" not in body


@pytest.mark.parametrize("path", ["nothing", "publication.toml", "../pyproject.toml", "harbour-post/none"])
def test_anything_else_is_not_there(server: SampleServer, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_a_copy_that_is_still_good_is_not_sent_again(server: SampleServer) -> None:
    _, headers, _ = ask(server, FEEDS[0])
    etag, modified = headers["etag"], headers["last-modified"]

    assert ask(server, FEEDS[0], If_None_Match=f'"other", W/{etag}')[0::2] == (304, b"")
    assert ask(server, FEEDS[0], If_Modified_Since=modified)[0] == 304
    assert ask(server, FEEDS[0], If_None_Match='"other"', If_Modified_Since=modified)[0] == 200
    assert ask(server, FEEDS[0], If_Modified_Since="yesterday")[0] == 200
    server.edition.until -= timedelta(days=7)
    assert ask(server, FEEDS[0], If_None_Match=etag)[0] == 200


def test_head_gives_the_headers_alone(server: SampleServer) -> None:
    status, headers, body = ask(server, FEEDS[1], method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1000


def test_a_folder_is_written_page_by_page_as_they_come_out(server: SampleServer, tmp_path: Path) -> None:
    server.edition.held = {"7-harbour-calls.txt"}
    server.edition.until = NOW - timedelta(days=14)
    assert server.edition.write_folder("sources/desk-notes", tmp_path) == 3
    server.edition.until = NOW
    assert server.edition.write_folder("sources/desk-notes/", tmp_path) == 6
    server.edition.held = ()
    assert server.edition.write_folder("sources/desk-notes", tmp_path) == 7
    assert len(list(tmp_path.iterdir())) == 7


def test_a_closed_server_listens_no_more() -> None:
    with SampleServer(ROOT, now=NOW) as server:
        place = urlsplit(server.base)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port), timeout=5)
