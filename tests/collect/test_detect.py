"""What bytes are, by how they begin, and who reads them."""

from __future__ import annotations

import gzip
from typing import cast

import pytest

from newsletter.collect import detect
from newsletter.collect.detect import detect_form, parse_source
from newsletter.content import SourceKind
from newsletter.errors import ParseError

ITEM = b"<item><title>A</title><link>/1</link></item>"
RSS = b"<rss version='2.0'><channel><title>F</title>" + ITEM + b"</channel></rss>"


@pytest.mark.parametrize(
    ("data", "location", "media", "form"),
    [
        (RSS, "", "text/html", "feed"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?>" + RSS, "", "", "feed"),
        (b"<!-- made by x --><feed xmlns='http://www.w3.org/2005/Atom'/>", "", "", "feed"),
        (b"Warning: x on line 3<br>\n" + RSS, "https://e.example/feed", "text/html", "feed"),
        (RSS.decode().encode("utf-16"), "", "", "feed"),
        (b'<rdf:RDF xmlns:rdf="x"/>', "", "", "feed"),
        (b"{}", "", "", "json"),
        (b"<!DOCTYPE html><title>x</title><feed>", "", "application/rss+xml", "html"),
        (b"<!-- c --><div>x</div>", "", "", "html"),
        (b"hello", "a.html", "", "html"),
        (b"hello", "", "text/html", "html"),
        (b"# hello", "a.md", "", "markdown"),
        (b"# hello", "https://e.example/a.md?x=1", "text/plain", "markdown"),
        (b"<!-- header -->\nHello", "a.txt", "", "text"),
        (b"hello", "", "text/plain", "text"),
        (b"{curly} beginning", "a.txt", "", "text"),
        (b"<urlset xmlns='x'/>", "", "", "sitemap"),
        (b"<?xml version='1.0'?>\n<sitemapindex/>", "", "", "sitemap"),
        (b"", "", "", "text"),
    ],
)
def test_the_form_is_told_by_the_bytes_first(data: bytes, location: str, media: str, form: str) -> None:
    assert detect_form(data, location=location, media=media) == form


def test_gzipped_sources_are_unpacked() -> None:
    source = parse_source(gzip.compress(RSS), location="https://e.example/f.xml.gz")

    assert [entry.link for entry in source.entries] == ["https://e.example/1"]


def test_a_gzip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "_MOST_BYTES", 1000)
    with pytest.raises(ParseError, match="unpacks to more than"):
        parse_source(gzip.compress(bytes(100_000)), location="x.gz")


def test_broken_gzip_is_an_error_that_says_so() -> None:
    with pytest.raises(ParseError, match="cannot be unpacked"):
        parse_source(b"\x1f\x8b\x08\x00broken!!!", location="x.gz")


def test_gzip_that_is_cut_off_gives_what_is_there() -> None:
    data = gzip.compress(RSS + b" " * 5000)

    assert parse_source(data[:-20], location="x.gz").title == "F"


@pytest.mark.parametrize(
    ("data", "said", "message"),
    [
        (b"<html><p>x</p></html>", "feed", "is an HTML page, not a feed"),
        (b"hello", "feed", "is not a feed"),
        (b"", None, "no text"),
        (b"Out of order", "application/feed+json", "begins like JSON but cannot be read"),
        (b"Out of order", "text/xml; charset=utf-8", "is not a feed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), None, "binary data"),
        (b"<opml version='2.0'/>", None, "list of feeds"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_so(data: bytes, said: str | None, message: str) -> None:
    kind, media = (None, said) if said and "/" in said else (said, None)
    with pytest.raises(ParseError, match=message):
        parse_source(data, location="x", content_type=media, kind=cast("SourceKind | None", kind))


def test_the_charset_of_the_header_is_followed() -> None:
    text = "Порт открыт\n\nКраны работают.".encode("koi8-r")
    source = parse_source(text, location="x", content_type="text/plain; charset=KOI8-R")

    assert source.entries[0].title == "Порт открыт"


def test_a_header_that_makes_no_sense_does_no_harm() -> None:
    assert parse_source(RSS, location="x", content_type="\r\n;;=\0 charset=").title == "F"
