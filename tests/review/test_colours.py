"""Colours: how CSS writes them, how far two are apart, and what forced darkness makes of them."""

from __future__ import annotations

import pytest

from newsletter.review.colours import (
    BLACK,
    WHITE,
    Rgb,
    blend,
    contrast,
    force_dark,
    name_colour,
    parse_colour,
)


def parse(text: str) -> Rgb:
    found = parse_colour(text)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [("#fff", "#ffffff"), ("red", "#ff0000"), ("rgb(1, 2, 3)", "#010203"), ("hsl(240,100%,50%)", "#0000ff")],
)
def test_a_colour_is_read_as_css_writes_it(text: str, name: str) -> None:
    assert name_colour(parse(text)) == name


@pytest.mark.parametrize("text", ["", "currentcolor", "inherit", "var(--x)", "#ggg"])
def test_what_is_no_colour_is_none(text: str) -> None:
    assert parse_colour(text) is None


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert contrast(parse("#767676"), WHITE) == pytest.approx(4.54, abs=0.01)
    assert contrast(parse("#777777"), WHITE) == pytest.approx(4.48, abs=0.01)


def test_a_translucent_colour_is_seen_on_what_is_behind_it() -> None:
    assert blend(BLACK, 0.5, WHITE) == (0.5, 0.5, 0.5)
    assert parse_colour("rgba(0,0,0,.5)") == (BLACK, 0.5)


@pytest.mark.parametrize(
    ("colour", "is_background", "turned"),
    [
        # L 100 becomes 50 - 50 * 0.75 = 12.5, which is #212121; L 0 becomes 87.5, which is #dbdbdb.
        ("#ffffff", True, "#212121"),
        ("#000000", False, "#dbdbdb"),
        # The other way round they are left alone.
        ("#ffffff", False, "#ffffff"),
        ("#000000", True, "#000000"),
    ],
)
def test_darkness_is_forced_by_the_rule_in_lch(colour: str, is_background: bool, turned: str) -> None:  # noqa: FBT001 - a column
    assert name_colour(force_dark(parse(colour), is_background=is_background)) == turned


def test_a_hue_stays_and_pales() -> None:
    red, green, blue = force_dark(parse("#aa0000"), is_background=False)

    assert red > green
    assert red > blue
    assert red - green < parse("#aa0000")[0]
