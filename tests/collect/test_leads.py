"""Which links of a page lead to articles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.collect.detect import parse_source
from newsletter.collect.leads import find_leads, is_article, is_same_site
from newsletter.content import Entry

SITE = "https://www.e.example/news/"
LIST = """<!DOCTYPE html><html><head><title>News</title></head><body>
<nav><a href="/2016/09/25/in-the-menu-of-the-site">A link in the menu of the site</a></nav>
<main><article><a href="/2016/09/26/harbour-reopens"><img src="1.jpg"></a>
<h2><a href="/2016/09/26/harbour-reopens?utm_source=front">Harbour reopens</a></h2>
<a href="/2016/09/26/harbour-reopens">Read more</a>
<time datetime="2016-09-26T10:28:00Z">Monday</time></article>
<ul><li><a href="ferry-is-cut-again">The ferry is cut</a></li>
<li><a href="https://news.e.example/a/12345.html"><h3>Storm</h3> and some words of it</a></li>
<li><a href="/tag/the-harbour-and-sea">All about the harbour and sea</a></li>
<li><a href="/about">About us</a></li>
<li><a href="https://other.example/one-two-three">One two three four five</a></li>
<li><a href="javascript:alert(1)">One two three four five six</a></li>
<li><a href="/news/#top">To the top of the page now</a></li>
<li><a href="/files/one-two-three.pdf">The whole report to be read</a></li></ul></main>
<footer><a href="/one-two-three">One two three four five</a></footer></body></html>"""


def test_the_articles_of_a_list_are_found_in_its_order() -> None:
    assert find_leads(LIST, SITE, UTC) == (
        Entry(
            "Harbour reopens",
            link="https://www.e.example/2016/09/26/harbour-reopens",
            published=datetime(2016, 9, 26, 10, 28, tzinfo=UTC),
        ),
        Entry("The ferry is cut", link="https://www.e.example/news/ferry-is-cut-again"),
        Entry("Storm", link="https://news.e.example/a/12345.html"),
    )


def test_a_list_gives_itself_and_then_what_it_names() -> None:
    found = parse_source(LIST.encode(), location=SITE)

    assert (found.kind, len(found.entries), len(found.leads)) == ("page", 1, 3)


@pytest.mark.parametrize(
    "mark",
    [
        '<meta property="og:type" content="article">',
        '<meta content="article" property="og:type">',
        '<meta property="article:published_time" content="2016-09-26">',
        '<script type="application/ld+json">{"@type": "NewsArticle"}</script>',
    ],
)
def test_a_page_that_says_it_is_an_article_leads_nowhere(mark: str) -> None:
    page = LIST.replace("<title>", mark + "<title>")

    assert is_article(page)
    assert parse_source(page.encode(), location=SITE).leads == ()


def test_a_page_with_hardly_a_link_leads_nowhere() -> None:
    page = LIST.replace("<h3>Storm</h3> and some words of it", "")

    assert parse_source(page.encode(), location=SITE).leads == ()


def test_a_page_of_links_without_end_leads_to_the_first_five_hundred() -> None:
    links = "".join(f"<h2><a href='/2016/09/26/{n}'>Storm {n}</a></h2>" for n in range(999))

    assert [lead.title for lead in find_leads(links, SITE, UTC)] == [f"Storm {n}" for n in range(500)]


@pytest.mark.parametrize(
    "source", ["", "<", "<!-- -->", "no page", "<a href='http://['>One two three four five</a>"]
)
def test_what_is_no_page_has_no_leads(source: str) -> None:
    assert find_leads(source, SITE, UTC) == ()


@pytest.mark.parametrize(
    ("link", "is_same"),
    [
        ("http://e.example/1", True),
        ("https://m.e.example/1", True),
        ("https://bad-e.example/1", False),
        ("https://example/1", False),
        ("ftp://e.example/1", False),
        ("http://[", False),
    ],
)
def test_a_site_is_a_host_and_its_parts(link: str, *, is_same: bool) -> None:
    assert is_same_site(link, SITE) is is_same
