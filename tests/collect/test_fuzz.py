"""Whatever the bytes, the answer is a value or a ParseError, and soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.clean import clean_html, clean_link, clean_title, html_to_text
from newsletter.collect.dates import parse_date, parse_date_line
from newsletter.collect.detect import parse_source
from newsletter.collect.feeds import parse_feed
from newsletter.collect.identity import canonical_url, identify
from newsletter.collect.jsonfeed import parse_json_feed
from newsletter.collect.markdown import parse_markdown
from newsletter.collect.pages import parse_page
from newsletter.collect.sitemaps import parse_sitemap
from newsletter.collect.textpages import parse_text_page
from newsletter.content import Entry, ParsedSource
from newsletter.errors import ParseError
from tests.collect.corpus import CORPORA, list_feed_corpora, require
from tests.collect.page_builder import make_page
from tests.collect.test_clean import find_faults
from tests.fuzz import mutate

PARSERS: list[Callable[[bytes], ParsedSource]] = [
    parse_feed,
    parse_json_feed,
    parse_markdown,
    parse_page,
    parse_sitemap,
    parse_text_page,
    lambda data: parse_source(data, location="https://e.example/x"),
]
_WORDS = (
    "<rss> <channel> <item> </item> <title> </title> <link> <entry> <html> <p> </p> <!-- --> <![CDATA[ ]]>"
    " &amp; &#x0; &bogus; { } [ ] : , Image: Category: Status: 2016-09-26 --- # - \0 \ufeff é <!DOCTYPE"
    " <urlset>"
)
_PHRASES = [
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<?xml version='1.0'?>",
    "Similar articles",
    "Recent trends",
    "Subscribe to our newsletter",
    "header -->",
    "September 26, 2016",
    "\n",
    "\n\n",
    " ",
]
PIECES = st.sampled_from([*_WORDS.split(" "), *_PHRASES])
SECONDS = 5.0


def try_parse(parse: Callable[[bytes], ParsedSource], data: bytes) -> None:
    begun = time.monotonic()
    try:
        source = parse(data)
    except ParseError:
        pass
    else:
        assert source.kind != "page" or source.entries
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize("number", range(len(PARSERS)))
@given(
    data=st.one_of(
        st.binary(max_size=300), st.lists(PIECES, max_size=40).map(lambda found: "".join(found).encode())
    )
)
def test_no_bytes_bring_a_parser_down(number: int, data: bytes) -> None:
    try_parse(PARSERS[number], data)


def test_no_mutated_feed_or_page_brings_us_down(request: pytest.FixtureRequest) -> None:
    rounds = 5000 if request.config.getoption("--deep", default=False) else 150
    chance = random.Random(rounds)
    files = [
        path
        for name in [*list_feed_corpora(), "hostile-xxe"]
        for path in sorted(require(CORPORA / name).rglob("*"))
        if path.is_file() and path.stat().st_size < 60_000
    ]
    for _ in range(rounds):
        data = mutate(chance, chance.choice(files).read_bytes())
        try_parse(lambda data: parse_source(data, location="https://e.example/x"), data)


def test_no_mutated_text_page_brings_us_down(request: pytest.FixtureRequest) -> None:
    rounds = 2000 if request.config.getoption("--deep", default=False) else 100
    for seed in range(rounds):
        data = mutate(random.Random(seed), make_page(seed)[1].encode())
        try_parse(parse_text_page, data)


@given(
    text=st.one_of(st.text(max_size=100), st.from_regex(r"[0-9:T.+/ -]{1,30}[A-Za-z ]{0,10}", fullmatch=True))
)
def test_no_text_brings_the_readers_of_dates_down(text: str) -> None:
    for parse in (parse_date, parse_date_line):
        moment = parse(text)
        assert moment is None or moment.utcoffset() is not None


@given(moment=st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds it
def test_a_date_in_iso_is_read_back(moment: datetime) -> None:
    assert parse_date(moment.isoformat()) == moment


@given(text=st.text(max_size=200))
def test_no_text_brings_the_cleaners_down(text: str) -> None:
    assert find_faults(clean_html(text, "https://e.example/")) == []
    assert "\n" not in clean_title(text)
    html_to_text(text)
    clean_link(text, "https://e.example/")
    canonical_url(text)


@given(
    entries=st.lists(
        st.builds(Entry, title=st.text(max_size=5), id=st.none() | st.text(max_size=5), link=st.text()),
        max_size=5,
    )
)
def test_no_entries_bring_identity_down(entries: list[Entry]) -> None:
    assert len(identify(entries, source="1")) == len(entries)


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 100_000,
        b"<!--" * 100_000,
        b"<!-- -->" * 3_000,
        b"<urlset><url><loc>http://e.example/&#xD800;</loc></url><p:/></urlset>",
        b"&" * 100_000,
        b"<rss><channel>" + b"<item>" * 3_000,
        b"<rss>" + b"<a " * 8_000,
        b"<rss version='2.0'><channel><item><title>" + b"<![CDATA[" * 8_000,
        b"<html>" + b"<div>" * 8_000,
        b"<html>" + b"<p><table>" * 3_000,
        b"{" * 100_000,
        b"# " * 100_000,
        b"*" * 50_000,
        b"[" * 10_000 + b"a.md",
        b"Category: " * 10_000,
        b"a status: " * 18,
        b"Recent trends\n" * 8_000,
        b"Title\n2016-01-01\n" * 3_000,
        b"September " * 8,
        b"<link rel=alternate " * 8_000,
    ],
)
def test_pathological_documents_are_done_with_soon(data: bytes) -> None:
    for parse in (PARSERS[-1], parse_text_page, parse_feed):
        try_parse(parse, data)


@pytest.mark.parametrize("number", range(len(PARSERS)))
def test_parsers_take_any_kind_of_emptiness(number: int) -> None:
    for data in (b"", b" ", b"\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf"):
        with pytest.raises(ParseError):
            PARSERS[number](data)


def test_a_parse_error_is_all_that_ever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    import feedparser

    def fall(*_: object, **__: object) -> None:
        raise AssertionError("a fault in the library")

    monkeypatch.setattr(feedparser, "parse", fall)
    with pytest.raises(ParseError, match="too damaged to read: AssertionError"):
        parse_feed(b"<rss/>")
