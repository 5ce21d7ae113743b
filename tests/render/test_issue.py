"""Issues: what templates may use, what the archive must not hold, and that nothing feeds a mark in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import RenderError
from newsletter.render.environment import make_environment, packaged_templates
from newsletter.render.issue import render_issue
from newsletter.render.marks import Slot
from newsletter.render.message import nonce_of, personalise
from tests.support.mail_builders import (
    LEAVE,
    make_article,
    make_card,
    make_digest,
    make_publication,
    make_recipient,
    make_rich_digest,
    make_section,
)


def theme(folder: Path, name: str = "body.txt", text: str = "{{ digest.subject }}") -> Path:
    path = folder / "email" / "issue" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_the_same_issue_renders_to_the_same_octets() -> None:
    environment = make_environment()
    first = render_issue(make_rich_digest(), make_publication(), environment)

    assert render_issue(make_rich_digest(), make_publication(), make_environment()) == first
    assert re.fullmatch("[0-9a-f]{64}", first.content_hash)


def test_any_change_of_the_content_changes_the_hash() -> None:
    environment = make_environment()
    digests = [make_digest(), make_digest(subject="Other"), make_digest(make_section(status="New"))]

    assert len({render_issue(d, make_publication(), environment).content_hash for d in digests}) == 3


def test_the_archive_page_holds_no_slot_and_no_personal_link() -> None:
    archive = render_issue(make_rich_digest(), make_publication(), make_environment()).archive_html

    assert "slot-" not in archive
    assert "/unsubscribe" not in archive
    assert "/preferences" not in archive
    assert 'href="https://news.example.org"' in archive
    assert 'rel="canonical"' in archive


def test_an_article_cannot_forge_a_mark_and_so_learn_a_readers_link() -> None:
    digest = make_rich_digest()
    nonce = nonce_of(render_issue(digest, make_publication(), make_environment()).mime)
    thief = make_article(66, url=f"https://evil.example/?{Slot(nonce, 'unsubscribe_url')}")
    forged = render_issue(replace(digest, trends=(thief,)), make_publication(), make_environment())

    assert (
        LEAVE not in re.findall(r'href="(https://evil[^"]*)"', personalise(forged, make_recipient()).html)[0]
    )


def test_an_operators_template_comes_before_the_packaged_one(tmp_path: Path) -> None:
    rendered = render_issue(make_digest(), make_publication(), make_environment([theme(tmp_path)]))

    assert rendered.text == make_digest().subject + "\n"
    assert "Unsubscribe" in rendered.html


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n{% if %}", r"body\.txt, line 2"),
        ("one\n{{ digest.nothing }}", r"body\.txt, line 2.*nothing"),
        ("one\n\n{{ missing }}", r"body\.txt, line 3.*missing"),
        ("{{ subscriber.password }}", "password is no slot"),
        ("{{ 1 // 0 }}", r"body\.txt, line 1"),
        ("{% include 'nowhere.txt' %}", r"nowhere\.txt"),
        ("{{ digest.date|long_date(1, 2) }}", r"body\.txt, line 1"),
        ("{{ 'x'|nofilter }}", r"body\.txt, line 1.*nofilter"),
    ],
)
def test_an_error_in_a_template_names_file_line_and_cause(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        render_issue(make_digest(), make_publication(), make_environment([theme(tmp_path, text=text)]))


def test_an_unknown_theme_is_an_error_that_names_it() -> None:
    with pytest.raises(RenderError, match=r"no theme .nowhere."):
        render_issue(make_digest(), make_publication(theme="nowhere"), make_environment())


def test_an_unknown_zone_is_an_error_that_names_it() -> None:
    with pytest.raises(RenderError, match="Mars/Olympus"):
        render_issue(make_digest(), make_publication(timezone="Mars/Olympus"), make_environment())


def test_dates_are_in_the_publications_language_and_zone() -> None:
    publication = make_publication(language="de", timezone="Pacific/Auckland")
    late = make_digest(date=make_digest().date.replace(hour=23))
    text = render_issue(late, publication, make_environment()).text

    assert "24. November 2026" in text


def test_a_subject_of_several_lines_becomes_one(tmp_path: Path) -> None:
    folder = theme(tmp_path, "subject.txt", "{{ digest.subject }}\n\u2028 and\x85more")

    assert render_issue(
        make_digest(subject="A\x0bB"), make_publication(), make_environment([folder])
    ).subject == ("A B and more")


def test_a_theme_may_greet_by_name_with_a_default_and_the_archive_gets_the_default(tmp_path: Path) -> None:
    html = "<html><body><p>Dear {{ subscriber.name|default('reader') }}</p></body></html>"
    rendered = render_issue(
        make_digest(), make_publication(), make_environment([theme(tmp_path, "body.html", html)])
    )

    assert "Dear Ada Reader" in personalise(rendered, make_recipient()).html
    assert "Dear reader" in personalise(rendered, make_recipient(name=None)).html
    assert "Dear reader" in rendered.archive_html


@pytest.mark.parametrize(
    "title", ["a\0b", "a\x08b", "\ud800x", "<script>alert(1)</script>", "]]>", "{{ 7*7 }}"]
)
def test_hostile_titles_are_shown_as_text_or_cleaned(title: str) -> None:
    digest = make_digest(make_section(make_card(make_article(title=title, summary=title))))
    rendered = render_issue(digest, make_publication(), make_environment())

    assert "<script" not in rendered.html
    assert "\0" not in rendered.html + rendered.text
    assert "49" not in rendered.text
    rendered.html.encode("utf-8")


def test_templates_are_found_beside_the_package_and_in_a_wheel() -> None:
    assert (packaged_templates() / "email" / "issue" / "body.html").is_file()


def test_every_text_of_a_mail_can_be_translated() -> None:
    """Words between tags that no `_()` holds would stay English for ever."""
    for path in packaged_templates().glob("email/**/*.html"):
        said = re.sub(
            r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<!--.*?-->", "", path.read_text("utf-8"), flags=re.DOTALL
        )
        bare = re.sub(r"<[^>]*>|&[#\w]+;|[\w-]+=\"[^\"]*\"", " ", said)
        assert not re.search(r"[A-Za-z]{2}", bare), f"{path.name}: {bare.split()}"
