"""Filters: dates, directions, numbers, and languages that nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from newsletter.errors import RenderError
from newsletter.render import environment
from newsletter.render.sandbox import Sandbox
from tests.support.mail_builders import NOW, make_article, make_publication


@pytest.mark.parametrize(
    ("language", "template", "expected"),
    [
        ("en", "{{ now|long_date }}", "November 23, 2026"),
        ("en-GB", "{{ now|long_date }}", "23 November 2026"),
        ("be", "{{ now|long_date }}", "23 лістапада 2026 г."),
        ("xx-unknown", "{{ now|short_date }}", "Nov 23, 2026"),
        ("de", "{{ 1234.5|number }}", "1.234,5"),
        ("en", "{{ nothing|default('x') }}{{ ''|default('y', true) }}", "xy"),
        ("en", "{{ ngettext('%(num)s day', '%(num)s days', 1) }}", "1 day"),
        ("ar", "{{ ngettext('%(num)s day', '%(num)s days', 5) }}", "5 days"),
    ],
)
def test_filters_follow_the_publications_language(language: str, template: str, expected: str) -> None:
    publication = make_publication(language=language)

    assert environment.make_environment().from_string(template).render(
        publication=publication, now=NOW
    ) == expected  # fmt: skip


@pytest.mark.parametrize(
    ("language", "way"),
    [("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl"), ("en", "ltr"), ("", "ltr"), (None, "ltr"), ("!", "ltr")],
)
def test_a_language_has_a_direction(language: str | None, way: str) -> None:
    assert environment.direction(language) == way


@pytest.mark.parametrize(
    ("title", "language", "way"),
    [("שלום world", None, "rtl"), ("hello שלום", None, "ltr"), ("123", None, "rtl"), ("שלום", "en", "ltr")],
)
def test_an_article_has_the_direction_of_its_language_or_of_its_first_letter(
    title: str, language: str | None, way: str
) -> None:
    assert environment.article_direction(make_article(title=title, language=language), "rtl") == way


def test_sides_follow_the_direction() -> None:
    assert [environment.start_of("rtl"), environment.end_of("rtl")] == ["right", "left"]
    assert [environment.start_of("ltr"), environment.end_of("ltr")] == ["left", "right"]
    assert [environment.opposite("left"), environment.opposite("right")] == ["right", "left"]


def test_a_text_of_two_directions_is_left_to_the_reader_to_order() -> None:
    assert environment.mixed("hello", "ltr") == ""
    assert environment.mixed("שלום", "ltr") == ' dir="auto"'
    assert environment.mixed("hello", "rtl") == ' dir="auto"'


def test_a_template_is_compiled_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    said = []
    for text in ("one", "one", "{{ 1 + 1 }}"):
        page.write_text(text, encoding="utf-8")
        said.append(environment.make_environment([tmp_path]).get_template("page.txt").render())

    assert said == ["one", "one", "2"]


def test_code_compiled_without_a_sandbox_never_runs_in_one(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("{{ ''.__class__ }}", encoding="utf-8")

    assert "str" in environment.make_environment([tmp_path]).get_template("page.txt").render()
    sandbox = environment.make_environment([tmp_path], Sandbox)
    with pytest.raises(SecurityError):
        sandbox.get_template("page.txt").render()


def test_a_timezone_that_nobody_knows_is_an_error_that_says_how_one_is_written() -> None:
    template = environment.make_environment().from_string("{{ now|long_date }}")

    with pytest.raises(RenderError, match=r"'Minsk time' is not known\. Use a name such"):
        template.render(publication=make_publication(timezone="Minsk time"), now=NOW)


@pytest.mark.parametrize("words", ["no value at all", "no value at all."])
def test_an_error_of_a_template_is_one_sentence_and_what_to_do(words: str) -> None:
    with pytest.raises(RenderError, match=r"no value at all\. Mend the template"), environment.explained():
        raise ValueError(words)
