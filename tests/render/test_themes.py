"""Themes: what each holds, how one of ones own is laid over the default one, and MJML."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from newsletter.content import RenderedIssue
from newsletter.errors import RenderError
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import personalise
from newsletter.render.mjml import from_mjml
from newsletter.render.text import WIDTH, columns
from newsletter.render.themes import list_themes, load_theme
from tests.support.mail_builders import (
    LEAVE,
    PREFERENCES,
    make_digest,
    make_long_digest,
    make_publication,
    make_recipient,
    make_rich_digest,
)

THEMES = ["default", "compact", "letter"]


@cache
def issue_in(theme: str, language: str = "en") -> RenderedIssue:
    publication = make_publication(theme=theme, language=language)
    return render_issue(make_rich_digest(), publication, make_environment())


def tree_of(theme: str, language: str = "en") -> Any:  # noqa: ANN401 - lxml has no types
    html = personalise(issue_in(theme, language), make_recipient()).html
    return etree.fromstring(html, etree.HTMLParser())


def own(folder: Path, name: str = "ours", **files: str) -> Path:
    """A folder of templates with a theme in it; `body_html` is `body.html`."""
    theme = folder / "email/themes" / name
    theme.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (theme / file.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def render_own(folder: Path) -> RenderedIssue:
    return render_issue(make_digest(), make_publication(theme="ours"), make_environment([folder]))


def test_three_themes_come_with_the_program() -> None:
    assert list_themes(make_environment()) == THEMES


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_what_a_mail_needs(theme: str) -> None:
    tree = tree_of(theme)
    links = tree.xpath("//a/@href")
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3|//h4")]

    assert {LEAVE, PREFERENCES, "https://news.example.org/archive/12"} <= set(links)
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert not tree.xpath("//table[not(@role = 'presentation')]")
    assert "Vilnius 01100, Lithuania" in "".join(tree.itertext())
    assert tree.xpath("/html/body/div/@role") == ["article"]
    assert "!important" not in "".join(tree.xpath("//@style"))
    assert issue_in(theme).problems == ()


@pytest.mark.parametrize("theme", THEMES)
def test_the_text_part_of_every_theme_has_its_links_in_order_and_narrow_lines(theme: str) -> None:
    shown = personalise(issue_in(theme), make_recipient())
    in_html = [link for link in tree_of(theme).xpath("//a/@href") if not link.startswith("#")]
    in_text = re.findall(r"https?://\S+", shown.text)

    assert list(dict.fromkeys(in_text)) == list(dict.fromkeys(in_html))
    assert all(columns(line) <= WIDTH or "://" in line for line in shown.text.splitlines())


@pytest.mark.parametrize("theme", THEMES)
def test_forty_cards_stay_under_eighty_kilobytes_in_every_theme(theme: str) -> None:
    issue = render_issue(make_long_digest(40), make_publication(theme=theme), make_environment())

    assert len(personalise(issue, make_recipient()).html.encode()) < 80_000


def test_a_letter_greets_by_name_or_without_one() -> None:
    letter = issue_in("letter")
    for shown in (personalise(letter, make_recipient()).html, personalise(letter, make_recipient()).text):
        assert "Dear Ada Reader," in shown
    for shown in (personalise(letter, make_recipient(name=None)).text, letter.archive_html):
        assert "Dear reader," in shown


def test_a_theme_of_ones_own_may_change_a_colour_alone(tmp_path: Path) -> None:
    own(tmp_path, theme_toml="[colours]\naccent = '#00ff00'\n[widths]\nsheet = 640\n")

    html = render_own(tmp_path).html
    assert "#00ff00" in html
    assert "#8c2f1b" not in html
    assert "max-width:640px" in html
    assert load_theme(make_environment([tmp_path]), "ours").colours["ink"] == "#24221f"


def test_a_theme_of_ones_own_may_add_styles_and_replace_blocks(tmp_path: Path) -> None:
    row = '<tr><td class="ours">Hi</td></tr>'
    page = f'{{% extends "email/_base/issue.html" %}}{{% block share %}}{row}{{% endblock %}}'
    own(tmp_path, style_css=".ours { color: #123456; }", body_html=page, subject_txt="[{{ digest.number }}]")
    issue = render_own(tmp_path)

    assert '<td style="color:#123456">Hi</td>' in issue.html
    assert "Subscribe to our newsletter" not in issue.html
    assert "Subscribe to our newsletter" in issue.text
    assert issue.subject == "[12]"


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ("[colours]\nink = 'red'", "colours.ink = 'red' is refused: a colour is written as #24221f"),
        ("[dark]\nink = '#fff;}'", "a colour is written"),
        ("[colours]\nnik = '#24221f'", "colours.nik is refused: there is only accent, ink"),
        ("[fonts]\ntext = 'A;}<'", "fonts.text"),
        ("[widths]\nsheet = 5000", "48 to 1200 pixels"),
        ("[widths]\nsheet = true", "48 to 1200 pixels"),
        ("[allow]\ncss-x = ''", "a reason in words"),
        ("colours = 1", "it must be a table"),
        ("[colors]", "colors is refused: it may hold colours, dark"),
        ("[", "Mend the file"),
    ],
)  # fmt: skip
def test_a_wrong_theme_toml_is_refused_with_its_key(tmp_path: Path, toml: str, fault: str) -> None:
    own(tmp_path, theme_toml=toml)

    with pytest.raises(RenderError, match=re.escape(fault)) as refused:
        load_theme(make_environment([tmp_path]), "ours")
    assert "email/themes/ours/theme.toml" in str(refused.value)


@pytest.mark.parametrize("name", ["../issue", "nowhere", "", "themes/letter"])
def test_a_theme_that_is_not_there_is_an_error_that_names_those_that_are(name: str) -> None:
    with pytest.raises(RenderError, match=r"Choose one of: default, compact, letter\."):
        load_theme(make_environment(), name)


def mjml(body: str) -> str:
    return (
        "<mjml lang='en' dir='ltr'><mj-head><mj-title>{{ subject }}</mj-title></mj-head><mj-body>"
        f"<mj-section><mj-column>{body}</mj-column></mj-section></mj-body></mjml>"
    )


def test_a_theme_may_be_written_in_mjml(tmp_path: Path) -> None:
    block = "{% personal %}{% if subscriber.name %}Dear {{ subscriber.name }}{% endif %}{% endpersonal %}"
    own(tmp_path, body_mjml=mjml(f"<mj-text color='#123456'>{block}</mj-text>"))
    issue = render_own(tmp_path)
    html = personalise(issue, make_recipient()).html

    assert issue.html.startswith("<!DOCTYPE html>")
    assert "Dear Ada Reader" in html
    assert "color:#123456" in html
    assert '<div aria-label="Minsk looks west again' in html
    assert "Dear" not in personalise(issue, make_recipient(name=None)).html
    assert "fonts.googleapis" not in html


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("<mjml><mj-body><mj-sec></mj-body></mjml>", "is no MJML"),
        (mjml('<mj-include path="/etc/passwd" />'), "is no MJML"),
        ("<html></html>", "is no MJML"),
    ],
)
def test_mjml_that_is_wrong_or_asks_for_files_is_refused(source: str, fault: str) -> None:
    with pytest.raises(RenderError, match=fault):
        from_mjml(source)


def test_a_slot_where_no_text_can_stand_is_refused_and_never_lost(tmp_path: Path) -> None:
    own(
        tmp_path,
        body_mjml=mjml("<mj-text unknown='{{ subscriber.name }}'>x</mj-text>"),
    )

    with pytest.raises(RenderError, match="'name' of the subscriber stands where no text can be"):
        render_own(tmp_path)
