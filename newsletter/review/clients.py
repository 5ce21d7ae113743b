"""Client support: every feature of HTML and CSS in the mail, held against what caniemail.com tested."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from newsletter.review.features import NEWS, Feature, load_support
from newsletter.review.mail import Facts, Mail, Spot, locate
from newsletter.review.rule import Faults, rule
from newsletter.review.tokens import Use, find_uses

SHARES = {
    "apple-mail": 45,
    "gmail": 30,
    "outlook": 10,
    "yahoo": 5,
    "aol": 1,
    "samsung-email": 2,
    "thunderbird": 1,
    "gmx": 1,
    "web-de": 1,
    "mail-ru": 1,
    "protonmail": 1,
}
"""Of a hundred readers, roughly, by family: our judgement after published shares of opens. They order the
findings and hide none."""

_LONGEST_NOTE = 160
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)")

_STRUCTURE = frozenset(
    [
        "css-at-import", "css-border-inline-block", "css-column-count", "css-column-layout-properties",
        "css-display-flex", "css-display-grid", "css-float", "css-function-clamp",
        "css-function-light-dark", "css-function-max", "css-function-min", "css-gap", "css-grid-template",
        "css-inline-size", "css-block-inline-size", "css-inset", "css-left-right-top-bottom",
        "css-margin-block-start-end", "css-margin-inline-block", "css-margin-inline-start-end",
        "css-modern-color", "css-nesting", "css-padding-block-start-end", "css-padding-inline-block",
        "css-padding-inline-start-end", "css-position", "css-transform", "css-unit-calc", "css-unit-rem",
        "css-unit-vh", "css-unit-vmax", "css-unit-vmin", "css-unit-vw", "css-variables", "html-audio",
        "html-base", "html-button-submit", "html-dialog", "html-form", "html-image-maps",
        "html-input-checkbox", "html-input-radio", "html-input-submit", "html-input-text", "html-link",
        "html-meter", "html-object", "html-popover", "html-progress", "html-select", "html-svg",
        "html-textarea", "html-video", "image-apng", "image-avif", "image-base64", "image-bmp",
        "image-hdr", "image-heif", "image-ico", "image-mp4", "image-svg", "image-tiff", "image-webp",
    ]
)  # fmt: skip
"""What carries content or layout: without it something is missing or out of place."""

_COSTS_NOTHING = frozenset(
    [
        "css-color-scheme", "css-comments", "css-important", "html-aria-describedby", "html-aria-hidden",
        "html-aria-label", "html-aria-labelledby", "html-aria-live", "html-body", "html-comments",
        "html-dir", "html-doctype", "html-lang", "html-meta-color-scheme", "html-role",
    ]
)  # fmt: skip
"""What a client may ignore without loss to its readers; to leave it out would only harm the others."""

_EVERYDAY = re.compile(
    r"css-(?:background|background-color|border|clear|display|font|font-size|font-weight|height|line-height"
    r"|margin|padding|text-align|text-decoration|vertical-align|width|selector-(?!universal|attribute).+"
    r"|unit-(?:em|initial|percent|pt|px))"
    r"|html-(?:align|blockquote|cellpadding|cellspacing|div|h1-h6|height|hr|img|lists|p|span|table|width)"
)
"""What no mail does without; what is amiss with them concerns values that this does not see."""

Grade = Literal["breaks", "degrades", "fine"]


@rule(
    "clients.breaks",
    "advises",
    why="Readers with these clients would miss content or see the layout fall apart.",
    fix="Give an earlier value that they know, use another way, or allow it in the theme's theme.toml.",
)
def breaks(mail: Mail, facts: Facts) -> Faults:
    yield from _find(mail, facts, "breaks")


@rule(
    "clients.degrades",
    "advises",
    why="The mail looks plainer or different in these clients, though nothing is lost.",
    fix="Look at it without; if it reads well, allow it in the theme's theme.toml with the reason.",
)
def degrades(mail: Mail, facts: Facts) -> Faults:
    yield from _find(mail, facts, "degrades")


def _find(mail: Mail, facts: Facts, grade: Grade) -> Faults:
    found = [
        (feature, use)
        for feature, use in list_features(mail)
        if feature.slug not in facts.allowed_features and grade_feature(feature, use) == grade
    ]
    for feature, use in sorted(found, key=lambda pair: -_share(pair[0], "na")):
        yield _describe(feature, use), _spot(use, facts)


@lru_cache(maxsize=1)
def list_features(mail: Mail) -> list[tuple[Feature, Use]]:
    """Every tested feature that a mail uses, with the use that was met most."""
    uses = find_uses(mail)
    found = []
    for feature in load_support().features:
        met = [uses[token] for token in feature.tokens if token in uses]
        if met:
            found.append((feature, max(met, key=lambda use: (use.bare > 0, use.count))))
    return found


def grade_feature(feature: Feature, use: Use) -> Grade:
    """How bad the worst is that happens in a client of today."""
    letters = {letter for client, letter, _ in feature.iterate_answers() if client.family in SHARES}
    is_plain = feature.slug in _COSTS_NOTHING or _EVERYDAY.fullmatch(feature.slug)
    if is_plain or not letters & {"n", "a"}:
        return "fine"
    return "breaks" if "n" in letters and use.bare and feature.slug in _STRUCTURE else "degrades"


def _share(feature: Feature, letters: str) -> float:
    """Of a hundred readers, whom an answer concerns; a family counts by its tested platforms."""
    tested: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for client, letter, _ in feature.iterate_answers():
        if client.family in SHARES and letter != "u":
            tested[client.family] += 1
            met[client.family] += letter in letters
    return sum(SHARES[family] * met[family] / tested[family] for family in tested)


def _describe(feature: Feature, use: Use) -> str:
    parts = [
        f"{said} {', '.join(names)}"
        for said, letter in (("not in", "n"), ("partly in", "a"))
        if (names := list(_group(feature, letter)))
    ]
    times = f"used {use.count} times" if use.count > 1 else "used once"
    share = max(1, round(_share(feature, "na")))
    return (
        f"{feature.title} ({times}): {'; '.join(parts)}: about {share} of 100 readers.{_tell_notes(feature)}"
        f" Tested {feature.tested[:7]}: {NEWS}{feature.slug}/"
    )


def _tell_notes(feature: Feature) -> str:
    notes = [
        note
        for client, letter, own in feature.iterate_answers()
        if client.family in SHARES and letter in "na"
        for note in own
    ]
    shown = [_MARKUP.sub(r"\1", note) for note, _ in Counter(notes).most_common(2)]
    return "".join(
        f" {note if len(note) <= _LONGEST_NOTE else note[: _LONGEST_NOTE - 1] + '…'}" for note in shown
    )


def _group(feature: Feature, letter: str) -> Iterator[str]:
    """Families with their platforms, where not all of them share the answer; most readers first."""
    met: dict[str, list[str]] = {}
    tested: Counter[str] = Counter()
    names: dict[str, str] = {}
    for client, answer, _ in feature.iterate_answers():
        if client.family in SHARES and answer != "u":
            tested[client.family] += 1
            names[client.family] = client.name
            if answer == letter:
                met.setdefault(client.family, []).append(client.platform)
    for family, platforms in sorted(met.items(), key=lambda each: -SHARES[each[0]]):
        is_whole = len(platforms) == tested[family]
        yield names[family] if is_whole else f"{names[family]} ({', '.join(platforms)})"


def _spot(use: Use, facts: Facts) -> Spot:
    if use.line is not None:
        return Spot(f"HTML line {use.line}, in a style block", use.line)
    return locate(use.element, frozenset(facts.articles.values()))
