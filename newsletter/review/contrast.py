"""Contrast of every text with what is behind it, in three colour modes (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from newsletter.review.cascade import Look, cascade
from newsletter.review.colours import (
    BLACK,
    WHITE,
    Rgb,
    blend,
    contrast,
    force_dark,
    invert,
    name_colour,
    parse_colour,
)
from newsletter.review.mail import Facts, Mail
from newsletter.review.rule import Faults, rule

_LINK: Rgb = (0.0, 0.0, 0.933)
_LARGE, _LARGE_BOLD = 24.0, 18.66
_WORD = re.compile(r"\w")
_WHY = "Text that hardly differs from its background is not read: by nobody in the sun, by many nowhere."
_FIX = "Make the text darker or its background lighter until the ratio is 4.5, or 3 for large text"


@rule("contrast.light", "advises", why=_WHY, fix=f"{_FIX}.")
def light(mail: Mail, _: Facts) -> Faults:
    yield from _faint(mail, cascade(mail, dark=False), "on a light screen")


@rule("contrast.dark", "advises", why=_WHY, fix=f"{_FIX}: in the rules for prefers-color-scheme: dark.")
def dark(mail: Mail, _: Facts) -> Faults:
    if any("prefers-color-scheme" in block.media and "dark" in block.media for block in mail.styles.blocks):
        looks = cascade(mail, dark=True)
        yield from _faint(mail, looks, "in dark mode as written")


@rule(
    "contrast.forced",
    "advises",
    why="Gmail and Outlook turn colours over in dark mode whatever the mail says; some pairs do not survive.",
    fix="Choose colours further apart: dark on light or light on dark, no middle tones on middle tones.",
)
def forced(mail: Mail, _: Facts) -> Faults:
    looks = cascade(mail, dark=False)
    yield from _faint(mail, looks, "where the client forces darkness", turn=_turn_over)


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What an element gets from those around it."""

    text: Rgb = BLACK
    behind: Rgb = WHITE
    size: float = 16.0
    bold: bool = False
    unseen: bool = False
    """Hidden, or on a picture, which no rule can judge."""


def _faint(
    mail: Mail, looks: dict[Any, Look], mode: str, turn: Callable[[Rgb, Rgb], tuple[Rgb, Rgb]] | None = None
) -> Iterator[tuple[str, Any]]:
    """One finding for each pair of colours that is too close, at the first text that has it."""
    found: dict[str, tuple[float, Any, int]] = {}
    for element, own in _texts(mail, looks):
        text, behind = turn(own.text, own.behind) if turn else (own.text, own.behind)
        ratio = contrast(text, behind)
        is_large = own.size >= (_LARGE_BOLD if own.bold else _LARGE)
        if ratio < (3 if is_large else 4.5):
            pair = f"{name_colour(text)} on {name_colour(behind)}"
            _, first, count = found.get(pair, (ratio, element, 0))
            found[pair] = (ratio, first, count + 1)
    for pair, (ratio, element, count) in found.items():
        places = f"{count} texts" if count > 1 else "A text"
        yield f"{places} of {pair} {mode}: contrast {ratio:.1f}.", element


def _turn_over(text: Rgb, behind: Rgb) -> tuple[Rgb, Rgb]:
    """The worse of what clients make of a pair: some darken only what is light, some turn over everything."""
    some = force_dark(text, is_background=False), force_dark(behind, is_background=True)
    return min(some, (invert(text), invert(behind)), key=lambda pair: contrast(*pair))


def _texts(mail: Mail, looks: dict[Any, Look]) -> Iterator[tuple[Any, _Inherited]]:
    """Each element that holds words of its own that can be seen."""
    stack = [(element, _Inherited()) for element in mail.find("/html/body")]
    while stack:
        element, around = stack.pop()
        own = _step(element, around, looks.get(element))
        if own.unseen and looks.get(element) and looks[element].is_hidden:
            continue
        said = (element.text or "") + "".join(child.tail or "" for child in element)
        if not own.unseen and _WORD.search(said):
            yield element, own
        stack.extend((child, own) for child in reversed(element) if isinstance(child.tag, str))


def _step(element: Any, around: _Inherited, look: Look | None) -> _Inherited:  # noqa: ANN401 - lxml has no types
    own = around
    if element.tag == "a" and element.get("href"):
        own = replace(own, text=_LINK)
    if element.tag in {"b", "strong", "h1", "h2", "h3", "th"}:
        own = replace(own, bold=True)
    if (attribute := element.get("bgcolor")) and (given := parse_colour(attribute)):
        own = replace(own, behind=given[0], unseen=False)
    return _put_on(own, around, look) if look else own


def _put_on(own: _Inherited, around: _Inherited, look: Look) -> _Inherited:
    if look.behind and (given := parse_colour(look.behind)):
        own = replace(own, behind=blend(*given, own.behind), unseen=own.unseen and given[1] < 1)
    if look.has_picture or look.is_hidden:
        own = replace(own, unseen=True)
    if look.text == "inherit":
        own = replace(own, text=around.text)
    elif look.text and (given := parse_colour(look.text)):
        own = replace(own, text=blend(*given, own.behind))
    return replace(own, size=look.size_within(around.size), bold=own.bold if look.bold is None else look.bold)
