"""JSON Feed, with the liberties that publishers take."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsletter.collect.jsonfeed import parse_json_feed
from newsletter.content import Enclosure, Entry
from newsletter.errors import ParseError


def feed(*items: object, **fields: object) -> bytes:
    return json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": "F", "items": items, **fields}
    ).encode()


def test_an_item_gives_every_part() -> None:
    item = {
        "id": "1",
        "url": "/1",
        "title": "Harbour &amp; sea",
        "content_html": "<p>One.</p><p><a href='2'>Two</a>.</p>",
        "summary": "Short",
        "image": "/1.png",
        "date_published": "2016-09-26T10:28:00+03:00",
        "date_modified": "2016-09-27T10:28:00Z",
        "authors": [{"name": "Ann"}, {"name": "Bo"}],
        "tags": ["Sea", "News"],
        "attachments": [{"url": "/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 12}, {"url": []}],
    }
    source = parse_json_feed(feed(item, home_page_url="https://e.example/", language="en"))

    assert (source.kind, source.title, source.link, source.problems) == (
        "feed",
        "F",
        "https://e.example/",
        (),
    )
    assert source.entries == (
        Entry(
            title="Harbour & sea",
            id="1",
            link="https://e.example/1",
            published=datetime(2016, 9, 26, 10, 28, tzinfo=timezone(timedelta(hours=3))),
            updated=datetime(2016, 9, 27, 10, 28, tzinfo=UTC),
            author="Ann, Bo",
            category="Sea",
            categories=("Sea", "News"),
            summary="Short",
            image="https://e.example/1.png",
            text="One.\n\nTwo.",
            html='<p>One.</p><p><a href="https://e.example/2">Two</a>.</p>',
            language="en",
            enclosures=(Enclosure("https://e.example/1.mp3", "audio/mpeg", 12),),
        ),
    )


def test_what_is_missing_or_of_another_kind_is_none() -> None:
    source = parse_json_feed(
        feed({"id": 17, "title": None, "tags": "x", "authors": {}, "url": ["x"], "image": {}}, 5)
    )

    assert source.entries == (Entry("", id="17"),)
    assert source.problems == ("item 2 is not an object and is left out",)


def test_the_older_forms_are_read() -> None:
    item = {
        "id": "1",
        "external_url": "https://o.example/",
        "content_text": "a < b",
        "author": {"name": "Ann"},
    }
    entry = parse_json_feed(b"\xef\xbb\xbf" + feed(item)).entries[0]

    assert (entry.link, entry.text, entry.html, entry.author) == ("https://o.example/", "a < b", None, "Ann")


def test_an_attached_picture_is_the_image() -> None:
    attached = [
        {"url": "https://e.example/a.mp3", "mime_type": "audio/mpeg"},
        {"url": "/a.png", "mime_type": "image/png"},
    ]

    assert parse_json_feed(feed({"attachments": attached}), location="https://e.example/f").entries[
        0
    ].image == ("https://e.example/a.png")


def test_a_date_that_cannot_be_read_is_told() -> None:
    assert parse_json_feed(feed({"date_published": "soon"})).problems == (
        "an item has a date that cannot be read: soon",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "cannot be read"),
        (b"[1]", "not a JSON Feed"),
        (b'{"items": 1}', "not a JSON Feed"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"items": [\xff]}', "cannot be read"),
    ],
)
def test_what_is_no_feed_is_an_error_that_says_so(data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_json_feed(data)


def test_a_number_of_endless_digits_is_an_error_and_no_burden() -> None:
    with pytest.raises(ParseError, match="cannot be read"):
        parse_json_feed(b'{"items": [{"id": ' + b"9" * 10_000 + b"}]}")
