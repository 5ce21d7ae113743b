"""The packaged theme against the checklist of digest-and-preview.md 2.3; its rows are in the names."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tinycss2
from lxml import etree

from newsletter.content import Digest, RenderedIssue
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import personalise
from newsletter.render.text import WIDTH, columns
from tests.support.mail_builders import (
    LEAVE,
    PREFERENCES,
    make_article,
    make_card,
    make_digest,
    make_long_digest,
    make_publication,
    make_recipient,
    make_rich_digest,
    make_section,
)


@cache
def rich(language: str = "en") -> RenderedIssue:
    return render_issue(make_rich_digest(), make_publication(language=language), make_environment())


def tree_of(issue: RenderedIssue) -> Any:  # noqa: ANN401 - lxml has no types
    return etree.fromstring(personalise(issue, make_recipient()).html, etree.HTMLParser())


def issue_of(digest: Digest) -> RenderedIssue:
    return render_issue(digest, make_publication(), make_environment())


@pytest.mark.parametrize(("language", "way"), [("en", "ltr"), ("ar", "rtl"), ("he", "rtl"), ("be", "ltr")])
def test_rows_1_and_2_page_and_wrapper_say_language_and_direction(language: str, way: str) -> None:
    issue = rich(language)
    tree = tree_of(issue)

    assert issue.html.startswith("<!DOCTYPE html>")
    assert (tree.get("lang"), tree.get("dir")) == (language, way)
    [wrapper] = tree.xpath("/html/body/*")
    assert wrapper.get("role") == "article"
    assert wrapper.get("aria-label") == tree.findtext("head/title") == issue.subject
    assert (wrapper.get("lang"), wrapper.get("dir")) == (language, way)
    assert tree.xpath("//meta[@name = 'color-scheme']/@content") == ["light dark"]


def test_rows_3_and_4_tables_have_roles_and_headings_have_an_order() -> None:
    tree = tree_of(rich())
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3|//h4")]

    assert not tree.xpath("//table[not(@role = 'presentation')]")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert levels.count(3) == 12 + 2


def test_row_5_images_have_alt_and_width_and_the_height_that_fits_it() -> None:
    images = tree_of(rich()).xpath("//img")

    assert all(image.get("alt") is not None and image.get("width") for image in images)
    assert {(image.get("width"), image.get("height")) for image in images} == {
        ("536", "302"), ("120", "120"), ("120", None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        # Twice its place and more: the file is sharp on dense screens.
        ((1200, 675), ("536", "302")),
        ((1072, 603), ("536", "302")),
        # Less than its place: as wide as it is, and no wider than the screen.
        ((300, 200), ("300", "200")),
        ((3, 1), ("3", "1")),
        ((4000, 1), ("536", "1")),
        # A height that nobody knows is left out.
        ((None, None), ("536", None)),
        ((1200, None), ("536", None)),
        ((None, 675), ("536", None)),
    ],
)
def test_row_5_an_image_is_as_wide_as_its_place_and_no_wider_than_it_is(
    size: tuple[int | None, int | None], shown: tuple[str, str | None]
) -> None:
    article = make_article(image="https://news.example.org/a.jpg", image_width=size[0], image_height=size[1])
    [image] = tree_of(issue_of(make_digest(make_section(make_card(article))))).xpath("//img")

    assert (image.get("width"), image.get("height")) == shown
    style = image.get("style")
    assert ("max-width:100%" in style) is (shown[0] != "536")
    assert f"width:{'100%' if shown[0] == '536' else shown[0] + 'px'}" in style


def test_row_5_no_image_is_wider_than_600_pixels_however_wide_the_sheet(tmp_path: Path) -> None:
    folder = tmp_path / "email/themes/wide"
    folder.mkdir(parents=True)
    folder.joinpath("theme.toml").write_text("[widths]\nsheet = 1000\nthumb = 800\n", encoding="utf-8")
    cards = (make_card(make_article(n, image="https://a.example/a.jpg", image_width=3000)) for n in (1, 2))
    issue = render_issue(
        make_digest(make_section(*cards)), make_publication(theme="wide"), make_environment([tmp_path])
    )

    assert [image.get("width") for image in tree_of(issue).xpath("//img")] == ["600", "600"]


def test_row_7_ghost_tables_open_and_close_in_pairs() -> None:
    comments = "".join(re.findall(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", rich().html, flags=re.DOTALL))

    for tag in ("table", "tr", "td"):
        assert len(re.findall(rf"<{tag}\b", comments)) == comments.count(f"</{tag}>") == 1


def test_row_8_kept_css_is_small_and_important_in_media_rules_alone() -> None:
    [css] = tree_of(rich()).xpath("//style/text()")

    assert len(css) < 16_000
    assert "var(" not in css
    for rule in tinycss2.parse_stylesheet(css, skip_whitespace=True):
        if rule.type == "at-rule":
            inner = tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True)
            blocks = [tinycss2.parse_blocks_contents(r.content, skip_whitespace=True) for r in inner]
            assert all(declaration.important for block in blocks for declaration in block)
        else:
            assert "!important" not in rule.serialize()
    assert "!important" not in "".join(tree_of(rich()).xpath("//@style"))


def test_row_12_the_preview_line_is_first_everywhere() -> None:
    preheader = make_rich_digest().preheader
    tree = tree_of(rich())

    assert tree.xpath("//meta[@name = 'description']/@content") == [preheader]
    assert tree.xpath("string(//div[@role = 'article']/*[1])").startswith(preheader)
    assert rich().text.startswith(preheader)


def test_row_14_a_mail_from_right_to_left_is_mirrored_with_physical_values() -> None:
    styles = "".join(tree_of(rich("ar")).xpath("//td[contains(@class, 'pad')]/@style"))

    assert "text-align:right" in styles
    assert "text-align:left" not in styles


def test_row_14_a_card_in_another_direction_is_mirrored_alone() -> None:
    [card] = tree_of(rich()).xpath("//div[@lang = 'ar']")

    assert card.get("dir") == "rtl"
    assert card.xpath(".//img/@align") == ["left"]
    assert tree_of(rich()).xpath("//div[@dir = 'rtl'][not(@lang)]//h3//text()") == [
        "גשר חדש נפתח מעל נהר הנמן"
    ]


def test_row_15_the_text_part_has_the_same_links_in_the_same_order_and_narrow_lines() -> None:
    shown = personalise(rich(), make_recipient())
    in_html = [link for link in tree_of(rich()).xpath("//a/@href") if not link.startswith("#")]
    in_text = re.findall(r"https?://\S+", shown.text)

    assert list(dict.fromkeys(in_text)) == list(dict.fromkeys(in_html))
    assert all(columns(line) <= WIDTH or "://" in line for line in shown.text.splitlines())
    assert "&" not in shown.text.replace("Tom & Jerry", "").replace("6 & 7", "")
    assert shown.text.rstrip().endswith("Lithuania")
    assert LEAVE in shown.text
    assert PREFERENCES in shown.text


def test_row_18_contents_come_with_the_eighth_card_and_by_section_beyond_twenty() -> None:
    cards = [make_card(make_article(number)) for number in range(1, 22)]

    assert "In this issue" not in issue_of(make_digest(make_section(*cards[:7]))).html
    eight = tree_of(issue_of(make_digest(make_section(*cards[:8]))))
    assert len(eight.xpath("//li/a")) == 8
    many = tree_of(issue_of(make_digest(make_section(*cards), make_section(category=None))))
    assert [link.text for link in many.xpath("//li/a")] == ["Security", "More stories"]
    for tree in (eight, many):
        targets = set(tree.xpath("//a/@name"))
        assert targets == set(tree.xpath("//a/@id"))
        assert {link[1:] for link in tree.xpath("//a[starts-with(@href, '#')]/@href")} <= targets


@pytest.mark.parametrize(
    "missing",
    [
        {"url": None}, {"source": None}, {"published_at": None}, {"summary": ""}, {"words": 0},
        {"source": None, "published_at": None, "words": 0},
    ],
)  # fmt: skip
def test_row_19_a_card_with_a_field_missing_leaves_no_gap(missing: dict[str, Any]) -> None:
    issue = issue_of(make_digest(make_section(make_card(make_article(**missing)))))

    assert "None" not in issue.html + issue.text
    assert "· ·" not in issue.html + issue.text
    assert not re.search(r"<p[^>]*>\s*(?:·|</p>)", issue.html)
    assert make_article(**missing).link in issue.html


def test_row_19_a_card_shows_category_status_credit_similar_and_other_tellers() -> None:
    text = " ".join(rich().text.split())

    for words in (
        "New status: The authorities balance", "Image: Belarus’ MFA", "November 21, 2026", "3 min read",
        "Also covered by Reuters [2], BelaPAN [3]", "Similar articles", "Oct 2, 2017", "Recent trends",
    ):  # fmt: skip
        assert words in text
        assert words.split("[", maxsplit=1)[0].strip() in " ".join(
            "".join(tree_of(rich()).itertext()).replace("\u00a0", " ").split()
        )


def test_row_22_the_links_that_a_forward_shows_carry_no_token() -> None:
    panel = tree_of(rich()).xpath("//td[contains(@class, 'panel')]//a/@href")

    assert panel == ["https://news.example.org", "https://news.example.org/archive/12"]


def test_row_23_forty_cards_stay_under_eighty_kilobytes() -> None:
    html = personalise(issue_of(make_long_digest(40)), make_recipient()).html

    assert len(html.encode()) < 80_000


def test_row_24_nothing_runs_and_nothing_is_loaded_but_images() -> None:
    assert not tree_of(rich()).xpath("//script|//form|//iframe|//link|//*[@*[starts-with(name(), 'on')]]")


def test_a_publication_without_an_address_still_renders() -> None:
    publication = replace(make_publication(), address=None)

    assert publication.name in render_issue(make_digest(), publication, make_environment()).text
