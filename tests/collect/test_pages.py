"""Pages in HTML, Markdown files and sitemaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from html import escape

import pytest

from newsletter.collect import sitemaps
from newsletter.collect.detect import parse_source
from newsletter.collect.extraction import Extracted, PageJob
from newsletter.collect.markdown import parse_markdown
from newsletter.collect.pages import decode_html, parse_page
from newsletter.collect.sitemaps import parse_sitemap
from newsletter.content import Entry
from newsletter.errors import ParseError
from tests.collect.corpus import CORPORA, SEEDS, list_cases, require
from tests.collect.test_textpages import ARTICLE, PAGE

MOMENT = datetime(2016, 9, 26, 10, 28, tzinfo=timezone(timedelta(hours=3)))
TEXT = "The cranes turned again on Monday after a week in which no ship could be unloaded. " * 6
ARTICLE_PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>Harbour reopens | The Weekly</title>
<link rel="canonical" href="https://e.example/1"><meta property="og:title" content="Harbour reopens">
<meta property="og:image" content="/1.jpg"><meta name="author" content="Ann Lee">
<meta property="article:published_time" content="2016-09-26T10:28:00+03:00"></head>
<body><nav>Home News</nav><article><h1>Harbour reopens</h1><p>{TEXT}</p><p>{TEXT}Second.</p></article>
<footer>Imprint</footer></body></html>"""


def as_html(text: str) -> str:
    lines = [f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip() and "-->" not in line]
    return f"<!DOCTYPE html><html><body><!-- header -->{''.join(lines)}</body></html>"


def test_an_article_page_gives_itself() -> None:
    source = parse_page(ARTICLE_PAGE.encode())
    entry = source.entries[0]

    assert (source.kind, len(source.entries)) == ("page", 1)
    assert (entry.title, entry.link, entry.author) == ("Harbour reopens", "https://e.example/1", "Ann Lee")
    assert (entry.published, entry.image, entry.language) == (MOMENT, "https://e.example/1.jpg", "en")
    assert entry.text is not None
    assert entry.text.split("\n\n")[-1].endswith("Second.")
    assert "Imprint" not in entry.text


def test_the_form_of_the_text_pages_is_read_as_html_too() -> None:
    source = parse_page(as_html(PAGE.replace("Recent trends", "Recent trends\n")).encode())

    assert source.title == "The Harbour Weekly"
    assert source.entries == (ARTICLE,)


def test_the_seed_as_html_is_the_seed() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(require(SEEDS).glob("*.txt")))
    page = parse_source(as_html(text).encode(), location="https://e.example/1").entries[0]
    plain = parse_source(text.encode(), location="seed.txt").entries[0]

    assert (page.title, page.text, page.similar, page.trends) == (
        plain.title,
        plain.text,
        plain.similar,
        plain.trends,
    )
    assert page.link == "https://e.example/1"


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("<meta charset=koi8-r>Порт".encode("koi8-r"), None, "<meta charset=koi8-r>Порт"),
        ("Порт".encode("koi8-r"), "koi8-r", "Порт"),
        ("<meta charset=latin-1>Порт".encode(), None, "<meta charset=latin-1>Порт"),
        ("é".encode("latin-1"), None, "é"),
    ],
)
def test_the_charset_of_a_page_is_found(data: bytes, charset: str | None, text: str) -> None:
    assert decode_html(data, charset) == text


def test_a_page_that_shows_nothing_is_an_error_that_says_so() -> None:
    with pytest.raises(ParseError, match="shows no text"):
        parse_page(b"<html><body><script>app()</script></body></html>", location="https://e.example/")


def test_a_page_too_small_for_extraction_is_read_whole() -> None:
    assert (
        parse_page(b"<html><head><title>T</title></head><body><p>Short.</p></body></html>").entries[0].title
        == "T"
    )


@pytest.mark.parametrize("words", [10, 90, 1000])
def test_a_page_that_gives_little_of_much_is_looked_at_again(words: int) -> None:
    text = "Ships come in. " * (words // 3)
    asked = []

    def extract(job: PageJob) -> Extracted:
        asked.append(job.favor_recall)
        return Extracted(text=text if job.favor_recall or words == 1000 else "Ships.")

    page = f"<html><head><title>T</title></head><body><p>{text}</p></body></html>".encode()
    found = parse_page(page, location="https://e.example/1", extract=extract).entries[0].text

    assert (asked, found) == {
        10: ([False], "Ships."),
        90: ([False, True], text.strip()),
        1000: ([False], text.strip()),
    }[words]


def test_pages_of_the_wild_are_read_and_most_dates_found() -> None:
    found = []
    for path, expect in list(list_cases("pages-htmldate"))[::60]:
        published = parse_source(path.read_bytes(), location=expect["url"], kind="page").entries[0].published
        if expect["date"]:
            found.append(published is not None and published.date() == date.fromisoformat(expect["date"]))

    assert sum(found) >= 0.7 * len(found) > 0


def test_no_news_page_of_the_wild_is_taken_for_a_text_page() -> None:
    for path, _ in list(list_cases("pages-readability"))[::20]:
        entry = parse_source(path.read_bytes(), location=path.name, kind="page").entries[0]
        assert (entry.similar, entry.trends) == ((), ())


def test_markdown_with_front_matter_gives_every_part() -> None:
    source = """---
title: "Harbour reopens"
date: 2016-09-26T10:28:00+03:00
category: Sea
status: 'calm'
tags: [a, b]
link: /1
image: 1.png
image_credit: Port office
nested:
  title: not this
# comment: no
empty: ~
---
One *word*.

| a | b |
|---|---|
| 1 | 2 |
"""
    entry = parse_markdown(source.encode(), location="https://e.example/x.md").entries[0]

    assert (entry.title, entry.published, entry.category, entry.status) == (
        "Harbour reopens",
        MOMENT,
        "Sea",
        "calm",
    )
    assert (entry.link, entry.image) == ("https://e.example/1", "https://e.example/1.png")
    assert entry.image_credit == "Port office"
    assert entry.html is not None
    assert entry.html.startswith("<p>One <em>word</em>.</p>\n<table>")
    assert entry.text is not None
    assert entry.text.startswith("One word.")


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("# Harbour *reopens* #\n\nText.", "Harbour *reopens*", "Text."),
        ("Harbour\n=======\nText.", "Harbour", "Text."),
        ("Only text.", "", "Only text."),
        ("---\ntitle: T\n---\n# H\n\nText.", "T", "H\n\nText."),
        ("---\r\ntitle: T\r\n---\r\nText.", "T", "Text."),
        ("# Only a title", "Only a title", None),
    ],
)
def test_markdown_takes_its_title_from_where_it_stands(source: str, title: str, text: str | None) -> None:
    entry = parse_markdown(source.encode()).entries[0]

    assert (entry.title, entry.text) == (title, text)


def test_of_several_categories_in_front_matter_the_first_counts() -> None:
    page = parse_markdown(b"---\ncategory: ['Sea', News]\n---\n# Harbour reopens\n\nCranes turn.")

    assert page.entries[0].category == "Sea"


def test_markdown_in_the_form_of_the_text_pages_is_read_as_one() -> None:
    text = PAGE.replace("Harbour reopens", "# Harbour reopens").replace(
        "Similar articles", "## Similar articles"
    )
    text = text.replace("Ferry timetable", "### Ferry timetable").replace(
        "Recent trends", "## Recent trends\n\n"
    )
    text = text.replace("Freight rates", "### Freight rates").replace("Subscribe", "## Subscribe")

    assert parse_markdown(text.encode()).entries == (ARTICLE,)


def test_an_empty_markdown_file_is_an_error() -> None:
    with pytest.raises(ParseError, match="is empty"):
        parse_markdown(b"---\nstatus: x\n---\n")


def test_a_news_sitemap_gives_titles_and_days() -> None:
    data = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
    xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://e.example/1</loc>
    <news:news><news:publication><news:name>W</news:name><news:language>en</news:language></news:publication>
    <news:publication_date>2016-09-26</news:publication_date><news:title>Harbour</news:title></news:news></url>
    <url><loc>/2</loc><lastmod>2016-09-27T00:00:00Z</lastmod></url><url><loc/></url></urlset>"""
    source = parse_source(data, location="https://e.example/sitemap.xml")

    assert source.kind == "sitemap"
    assert source.entries == (
        Entry(
            "Harbour", link="https://e.example/1", published=datetime(2016, 9, 26, tzinfo=UTC), language="en"
        ),
        Entry("", link="https://e.example/2", updated=datetime(2016, 9, 27, tzinfo=UTC)),
    )


def test_of_a_sitemap_without_end_so_many_addresses_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "_MOST_ADDRESSES", 3)
    found = parse_sitemap(b"<urlset>" + b"<url><loc>https://e.example/1</loc></url>" * 9 + b"</urlset>")

    assert (len(found.entries), found.problems) == (3, ("only the first 3 addresses are read",))


def test_a_sitemap_that_is_cut_off_gives_what_is_there() -> None:
    assert len(parse_sitemap(b"<urlset><url><loc>https://e.example/1</loc></url><url><lo").entries) == 1


@pytest.mark.parametrize("data", [b"", b"<urlset/>", b"garbage", b"<urlset><url/></urlset>"])
def test_a_sitemap_without_addresses_is_an_error(data: bytes) -> None:
    with pytest.raises(ParseError, match="names no address"):
        parse_sitemap(data)


def test_entities_in_a_sitemap_are_not_read() -> None:
    data = (
        b"<!DOCTYPE urlset [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><urlset><url><loc>https://e.example/&x;</loc></url>"
        b"</urlset>"
    )

    assert "root:" not in repr(parse_sitemap(data))
    assert CORPORA.name == "corpora"


def test_a_few_letters_of_another_encoding_do_not_spoil_a_page() -> None:
    page = (
        "<html><head><meta charset='utf-8'></head><body><p>Größe über Äpfel für Öl</p><p>".encode()
        + b"\xfc</p>"
    )

    assert "Größe über Äpfel" in (parse_page(page).entries[0].text or "")
    assert parse_page("<p>Größe über</p>".encode("cp1252")).entries[0].text == "Größe über"


def test_a_page_in_xhtml_is_a_page() -> None:
    page = (
        b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x" "y">\n<html><body><p>It opened.</p></body></html>'
    )

    assert parse_source(page, location="https://e.example/1").kind == "page"
