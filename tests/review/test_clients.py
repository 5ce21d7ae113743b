"""Client support: every feature is found where it is used and graded by today's clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.review.clients import SHARES, grade_feature, list_features
from newsletter.review.features import NOT_IN_THE_HTML, Feature, load_support
from newsletter.review.mail import Mail, parse_mail
from newsletter.review.rules import check_issue
from newsletter.review.styles import parse_styles
from newsletter.review.tokens import Use, selector_tokens
from tests.collect.corpus import CORPORA, require
from tests.review.planted import FACTS, HEAD


def take(html: str) -> Mail:
    return parse_mail(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode())


def slugs(html: str) -> set[str]:
    return {feature.slug for feature, _ in list_features(take(html))}


def get_feature(slug: str) -> Feature:
    return next(feature for feature in load_support().features if feature.slug == slug)


def test_every_feature_but_those_outside_the_html_can_be_found() -> None:
    support = load_support()

    assert {feature.slug for feature in support.features if not feature.tokens} == NOT_IN_THE_HTML
    assert set(SHARES) <= {client.family for client in support.clients}
    assert sum(SHARES.values()) <= 100


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ('<p style="border-inline-start-width:1px">', "css-border-inline-block-longhand"),
        ('<p style="-webkit-mask-image:url(a.png)">', "css-mask-image"),
        ('<p style="background:url(data:image/svg+xml;base64,AA)">', "image-svg"),
        ('<p style="color:oklch(1% 1 1)">', "css-modern-color"),
        ('<p style="width:var(--x)">', "css-variables"),
        ("<style>:root{--x:1px}</style>", "css-variables"),
        ("<style>a{b{color:red}}</style>", "css-nesting"),
        ("<style>@media screen and (min-width:1px){@supports (gap:1px){p{grid-gap:1px}}}</style>", "css-gap"),
        ("<style>@media (-webkit-min-device-pixel-ratio:2){}</style>", "css-at-media-device-pixel-ratio"),
        ("<style>@font-face{font-family:x;src:url(x.woff)}</style>", "css-at-font-face"),
        ("<style>p::-moz-placeholder{color:red}</style>", "css-pseudo-element-placeholder"),
        ("<style>/* why */p{color:red}</style>", "css-comments"),
        ('<img srcset="a.webp 2x" src="a.png">', "image-webp"),
        ('<img src="data:image/gif;base64,R0">', "image-base64"),
        ("<button>x</button>", "html-button-submit"),
        ('<a href="#x">x</a>', "html-anchor-links"),
        ('<meta name="color-scheme" content="light">', "html-meta-color-scheme"),
        ("<!-- why -->", "html-comments"),
    ],
)
def test_a_feature_is_found_by_parsing(html: str, slug: str) -> None:
    assert slug in slugs(f"<html><head></head><body>{html}</body></html>")


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ("<!--[if mso]><p><![endif]-->", "html-comments"),
        ('<p title="display:flex">gap: 1px</p>', "css-gap"),
        ('<p style="display:block">', "css-display-flex"),
        ('<img src="https://a.example/x.jpg?y=z.webp">', "image-webp"),
    ],
)
def test_what_only_looks_like_a_feature_is_none(html: str, slug: str) -> None:
    assert slug not in slugs(f"<html><body>{html}</body></html>")


@pytest.mark.parametrize(
    ("selector", "tokens"),
    [
        ("td > table", {"sel:child", "sel:type"}),
        ("a.b", {"sel:type", "sel:class", "sel:chaining"}),
        (".a .b", {"sel:class", "sel:descendant"}),
        (".a, .b", {"sel:class", "sel:grouping"}),
        ("td + .b", {"sel:type", "sel:class", "sel:adjacent"}),
        ("td ~ #b", {"sel:type", "sel:id", "sel:sibling"}),
        ("*", {"sel:universal"}),
        ("a[href='x > y.z']", {"sel:type", "sel:attribute"}),
        ("p:nth-child(2n + 1)", {"sel:type", "pseudo:nth-child"}),
        ("p::first-line", {"sel:type", "pseudo:first-line"}),
    ],
)
def test_a_selector_says_its_kinds(selector: str, tokens: set[str]) -> None:
    assert selector_tokens(selector) == tokens


def test_the_newest_version_of_a_client_counts_and_what_is_not_known_does_not() -> None:
    gap = get_feature("css-gap")
    answers = {(client.name, client.platform): letter for client, letter, _ in gap.iterate_answers()}

    assert answers["Outlook", "Windows"] == "n"
    assert answers["Apple Mail", "iOS"] == "y"
    assert ("Outlook", "Windows Mail") not in answers
    assert all(letter in "ynau" for letter in answers.values())


@pytest.mark.parametrize(
    ("slug", "bare", "grade"),
    [
        ("css-display-flex", 1, "breaks"),
        ("css-display-flex", 0, "degrades"),
        ("css-border-radius", 1, "degrades"),
        ("html-h1-h6", 1, "fine"),
        ("html-role", 1, "fine"),
        ("css-padding", 1, "fine"),
    ],
)
def test_a_feature_is_graded_by_the_worst_that_happens(slug: str, bare: int, grade: str) -> None:
    assert grade_feature(get_feature(slug), Use(None, None, 1, bare)) == grade


def test_a_finding_tells_clients_share_note_date_and_place() -> None:
    html = '<html><body><p style="display:grid">x</p></body></html>'
    mail = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
    found = next(each for each in check_issue(mail, FACTS) if each.rule == "clients.breaks")

    assert found.message.startswith("display:grid (used once): not in ")
    assert "Outlook (Windows)" in found.message
    assert "GMX (Desktop Webmail)" in found.message
    assert "Apple Mail" not in found.message
    assert "of 100 readers" in found.message
    assert "Tested 20" in found.message
    assert found.snippet == '<p style="display:grid">x</p>'


def test_a_finding_counts_uses_names_whole_families_and_clips_notes() -> None:
    css = "<style>@media print{p{gap:1px}}</style>"
    body = '<p style="gap:1px">x</p><p style="border-radius:9px;word-wrap:normal">y</p>'
    html = f"<html><head>{css}</head><body>{body}</body></html>"
    mail = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
    found = {
        each.message.partition(" (")[0]: each
        for each in check_issue(mail, FACTS)
        if each.rule[:8] == "clients."
    }
    gap, radius = found["gap, column-gap, row-gap"], found["border-radius"]
    wrap = found["word-wrap"]

    assert "(used 2 times)" in gap.message
    assert "Yahoo! Mail, AOL, GMX; partly in " in gap.message
    assert (gap.line, gap.where) == (1, "HTML line 1, in a style block")
    assert "…" in wrap.message
    assert "](" not in radius.message


def test_css_is_parsed_with_its_place_and_never_crashes() -> None:
    styles = parse_styles(take("<html><head><style>\np{color:red}\n}</style></head></html>").tree)

    assert [(block.line, block.declarations[0].name) for block in styles.blocks] == [(2, "color")]
    assert styles.errors
    assert parse_styles(None).blocks == ()


def test_pages_that_test_a_feature_are_found_to_use_it(
    record_property: Callable[[str, object], None],
) -> None:
    pages = sorted(require(CORPORA / "caniemail" / "tests").glob("*.html"))
    known = {feature.slug for feature in load_support().features}
    about = [page for page in pages if page.stem in known]
    missed = [page.stem for page in about if page.stem not in slugs(page.read_text("utf-8", "replace"))]
    record_property(
        "figure", f"client support: {len(about) - len(missed)} of {len(about)} pages of caniemail"
    )

    assert len(about) > 50
    assert len(missed) <= len(about) // 20, missed


def list_templates(step: int) -> list[Path]:
    pages = [
        page
        for folder in sorted(require(CORPORA).glob("templates-*"))
        for page in sorted(folder.rglob("*"))
        if page.suffix in {".html", ".htm", ".mjml", ".out"} and page.is_file()
    ]
    return pages[::step]


def test_the_checks_survive_every_template_of_others(
    is_deep: bool,  # noqa: FBT001 - a fixture
    record_property: Callable[[str, object], None],
) -> None:
    pages = list_templates(1 if is_deep else 12)
    found = 0
    for page in pages:
        head = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
        found += len(check_issue(head + page.read_bytes(), FACTS))
    record_property("figure", f"checks: {found} findings in {len(pages)} templates of others")

    assert found > len(pages)
