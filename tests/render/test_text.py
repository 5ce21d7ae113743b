"""Plain text: columns, links that stay whole, headings, footnotes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.text import WIDTH, Footnotes, brief, columns, heading, tidy, wrap


@given(st.text(max_size=400).filter(str.strip))
def test_no_wrapped_line_is_wider_than_78_columns_and_nothing_is_lost(text: str) -> None:
    wrapped = wrap(text.replace("://", ""), indent="    ", first="  - ")

    assert all(columns(line) <= WIDTH for line in wrapped.split("\n"))
    assert "".join(wrapped.replace("  - ", "", 1).split()) == "".join(text.replace("://", "").split())


def test_a_link_is_never_broken() -> None:
    link = "https://example.org/" + "x" * 100

    assert link in wrap(f"See {link} for more", indent="  ").split("\n")[1]


def test_wide_characters_count_twice_and_accents_as_characters() -> None:
    assert columns("漢字") == 4
    assert columns("e\u0301") == 2
    assert len(wrap("漢" * 100).split("\n")) == 3


def test_a_heading_is_underlined_to_its_width() -> None:
    assert heading("漢字 news", "=") == "漢字 news\n========="
    assert heading("") == ""


def test_a_brief_text_ends_with_a_sentence_or_with_a_word() -> None:
    assert brief("It rains.", 9) == "It rains."
    assert brief("It rains in Minsk. The roads are wet.", 30) == "It rains in Minsk."
    assert brief("No. The roads of Minsk are wet again today.", 30) == "No. The roads of Minsk are…"
    assert brief("x" * 40, 30) == "x" * 29 + "…"


def test_the_same_link_keeps_its_number_and_is_listed_once() -> None:
    notes = Footnotes()

    assert [notes("https://a.example"), notes("https://b.example"), notes("https://a.example")] == [
        "[1]",
        "[2]",
        "[1]",
    ]
    assert notes.notes() == "[1] https://a.example\n[2] https://b.example"
    assert notes("https://c.example") == "[3]"
    assert notes.notes() == "[3] https://c.example"
    assert notes.notes() == ""


def test_tidying_leaves_one_blank_line_and_one_end() -> None:
    assert tidy("\n\na  \n \n\n\nb\n\n") == "a\n\nb\n"
