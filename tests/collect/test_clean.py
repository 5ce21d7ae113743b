"""Nothing that a source sends can harm a reader of the mail or of the archive."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from newsletter.collect.clean import clean_entry, clean_html, clean_link, clean_title, html_to_text
from newsletter.collect.plaintext import as_html
from newsletter.content import Entry
from tests.collect.corpus import list_items

BASE = "https://e.example/news/1"
URL_ATTRIBUTES = {"href", "src", "cite"}
_NAMES = "href src alt title width height cite lang dir start reversed colspan rowspan scope rel"
HARMLESS = set(_NAMES.split())


class Watcher(HTMLParser):
    """Collects what a cleaned text must not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "svg",
            "math",
            "base",
            "meta",
            "link",
        }:
            self.faults.append(tag)
        for name, value in attrs:
            if name not in HARMLESS:
                self.faults.append(f"{tag}[{name}]")
            if name in URL_ATTRIBUTES and not re.match(r"(?:https?://|mailto:)", value or "", re.IGNORECASE):
                self.faults.append(f"{tag}[{name}={value}]")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}")


def find_faults(html: str) -> list[str]:
    watcher = Watcher()
    watcher.feed(html)
    watcher.close()
    return watcher.faults


@pytest.mark.parametrize("corpus", ["hostile-xss-lists", "hostile-html-sanitizer"])
def test_no_payload_of_the_lists_survives(corpus: str) -> None:
    payloads = [item["payload"] for item in list_items(corpus)]
    wrapped = [*payloads, *(f"<p>text {payload} text</p>" for payload in payloads)]

    assert len(payloads) > 100
    assert {
        payload: faults for payload in wrapped if (faults := find_faults(clean_html(payload, BASE)))
    } == {}


@pytest.mark.parametrize("corpus", ["hostile-xss-lists", "hostile-html-sanitizer"])
def test_no_payload_gets_into_a_link_or_an_image(corpus: str) -> None:
    payloads = [item["payload"] for item in list_items(corpus)]
    for payload in payloads:
        for link in (
            clean_link(payload, BASE),
            clean_link(payload),
            clean_entry(Entry("t", image=payload), BASE).image,
        ):
            assert link is None or re.fullmatch(r"(?:https?://|mailto:)[^\s\"<>`]+", link, re.IGNORECASE), (
                payload
            )


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p class='a' style='x' id='i'>One</p>", "<p>One</p>"),
        ("<a href='/2'>two</a>", '<a href="https://e.example/2" rel="noopener noreferrer">two</a>'),
        ("<a href='java\nscript:alert(1)'>x</a>", '<a rel="noopener noreferrer">x</a>'),
        ("<img src='p.png' alt='a \"b\"'>", '<img src="https://e.example/news/p.png" alt="a &quot;b&quot;">'),
        ("<img src='data:image/png;base64,AA'>", ""),
        ("<img src='data:,' data-src='/real.png'>", '<img src="https://e.example/real.png" alt="">'),
        (
            "<img src='data:,' srcset='/s.png 320w, /m.png 640w, /l.png 1200w'>",
            '<img src="https://e.example/m.png" alt="">',
        ),
        (
            "<img src='/blank.gif' data-srcset='/s.png 320w, /l.png 480w'>",
            '<img src="https://e.example/l.png" alt="">',
        ),
        ("<img src='/real.png' data-srcset='/s.png 320w'>", '<img src="https://e.example/real.png" alt="">'),
        (
            "<img src='/p.png' width='300px' height='auto'>",
            '<img src="https://e.example/p.png" alt="" width="300">',
        ),
        ("<noscript><img src='/r.png' alt='R'></noscript>", '<img src="https://e.example/r.png" alt="R">'),
        ("<noscript>n <script>alert(1)</script></noscript>", ""),
        ("<img src='/p.png' height='1'>", ""),
        ("<img src='https://x.example/pixel.gif?u=1'>", ""),
        (
            "<a href='/1?utm_source=rss&amp;a=1&amp;fbclid=2#c'>x</a>",
            '<a href="https://e.example/1?a=1#c" rel="noopener noreferrer">x</a>',
        ),
        ("<img srcset='/s.png 1x, /l.png 2x'>", '<img src="https://e.example/s.png" alt="">'),
        ("<img src='/t.gif' width='1' height='1'>", ""),
        ("<img src='/t.gif' width='0'>", ""),
        ("<img src='/t.gif' width='1px' height='1px'>", ""),
        ("<img src='https://www.google-analytics.com/collect?v=1'>", ""),
        ("<p>a</p><p> </p><div></div>", "<p>a</p>"),
        ("a<script>alert(1)</script>b<style>p{}</style>", "ab"),
        ("<!-- c -->a", "a"),
        ("a<textarea>t</textarea><noscript>n</noscript><iframe>f</iframe><svg><text>s</text></svg>b", "ab"),
        ("<unknown>a</unknown>", "a"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<p>open", "<p>open</p>"),
        ("a\0b", "ab"),
        ("", ""),
    ],
)
def test_html_is_reduced_to_what_a_mail_can_show(html: str, clean: str) -> None:
    assert clean_html(html, BASE) == clean


def test_cleaning_twice_changes_nothing() -> None:
    html = "<p>a<img src='p.png'><a href='/x?a=1&b=2'>b</a></p><ul><li>c</ul>"

    assert clean_html(clean_html(html, BASE), BASE) == clean_html(html, BASE)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://e.example/a b", "https://e.example/a%20b"),
        ("HTTPS://E.example/é", "HTTPS://E.example/é"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("//other.example/x", "https://other.example/x"),
        ("\\\\other.example\\x", "https://other.example/x"),
        ("/x?q=a\\b", "https://e.example/x?q=a\\b"),
        (" \x01javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("http://[", None),
        ("https://e.example:99999/", None),
        ("", None),
        (None, None),
    ],
)
def test_links_are_web_addresses_or_nothing(url: str | None, link: str | None) -> None:
    assert clean_link(url, BASE) == link


def test_a_pixel_is_no_picture_of_an_article() -> None:
    assert clean_entry(Entry("t", image="https://stats.wordpress.com/b.gif")).image is None


def test_an_entry_is_cleaned_as_a_whole() -> None:
    bad = Entry("T\0 t", link="javascript:1", image="data:x", html="<script>1</script>")
    clean = clean_entry(
        Entry("A", link="/1", html="<a href='2'>x</a>", similar=(bad,), trends=(bad,)), "https://e.example/"
    )

    assert (clean.link, clean.html) == (
        "https://e.example/1",
        '<a href="https://e.example/2" rel="noopener noreferrer">x</a>',
    )
    assert clean.similar == clean.trends == (Entry("T t"),)


def test_html_becomes_paragraphs() -> None:
    html = (
        "<h1>T</h1><p>One <b>b</b>old<br>line</p><ul><li>a<li>b</ul><script>x</script><div>Two&nbsp;x</div>"
    )

    assert html_to_text(html) == "T\n\nOne bold\nline\n\n- a\n\n- b\n\nTwo x"
    assert html_to_text("<p>One</p>two<p>three") == "One\n\ntwo\n\nthree"
    assert html_to_text("<head><button>menu<body>One") == "One"


def test_plain_text_of_a_feed_keeps_its_signs_and_paragraphs() -> None:
    assert as_html("a < b\n\n \nc & d\n", "text/plain") == "<p>a &lt; b</p><p>c &amp; d</p>"
    assert as_html("a <b>c</b>", "text/plain") == "a <b>c</b>"


def test_markup_that_went_astray_is_no_title() -> None:
    assert clean_title('Safe <embed src="x"> <frameset rows="*">title</frameset>') == "Safe title"


def test_a_title_is_one_line() -> None:
    assert clean_title(" A <b>b</b>\n&amp; c<script>x</script> ") == "A b & c"
