"""The features that caniemail.com has tested, which tokens mean each, and what clients do with them.

`caniemail.json` lies beside this file; deploy/refresh_caniemail.py makes it of the npm package, MIT licence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

NEWS = "https://www.caniemail.com/features/"
_RETIRED = frozenset({"Windows Mail"})
"""Clients that nobody can start any more."""

_LOGICAL = ("inline-start", "inline-end", "block-start", "block-end")
_BY_HAND: dict[str, tuple[str, ...]] = {
    "css-at-media-device-pixel-ratio": ("media:device-pixel-ratio", "media:resolution"),
    "css-at-media-hover": ("media:hover", "media:any-hover"),
    "css-at-media-orientation": ("media:orientation",),
    "css-at-media-prefers-color-scheme": ("media:prefers-color-scheme",),
    "css-at-media-prefers-reduced-motion": ("media:prefers-reduced-motion",),
    "css-block-inline-size": ("prop:block-size", "prop:inline-size"),
    "css-border-inline-block": ("prop:border-inline", "prop:border-block"),
    "css-border-inline-block-individual": tuple(f"prop:border-{side}" for side in _LOGICAL),
    "css-border-inline-block-longhand": tuple(
        f"prop:border-{side}-{part}"
        for side in (*_LOGICAL, "inline", "block")
        for part in ("color", "style", "width")
    ),
    "css-border-radius-logical": tuple(
        f"prop:border-{block}-{inline}-radius" for block in ("start", "end") for inline in ("start", "end")
    ),
    "css-color-scheme": ("prop:color-scheme",),
    "css-column-layout-properties": ("prop:columns", "prop:column", "prop:column-width", "prop:column-rule"),
    "css-comments": ("css-comment",),
    "css-display-flex": ("decl:display:flex", "decl:display:inline-flex"),
    "css-display-grid": ("decl:display:grid", "decl:display:inline-grid"),
    "css-flex-wrap": ("decl:flex-wrap:wrap", "decl:flex-wrap:wrap-reverse", "prop:flex-flow"),
    "css-font": ("prop:font",),
    "css-gap": ("prop:gap", "prop:column-gap", "prop:row-gap", "prop:grid-gap"),
    "css-grid-template": ("prop:grid-template",),
    "css-important": ("important",),
    "css-inert-attribute": ("attr:inert",),
    "css-intrinsic-size": ("word:fit-content", "word:min-content", "word:max-content", "fn:fit-content"),
    "css-left-right-top-bottom": ("prop:left", "prop:right", "prop:top", "prop:bottom"),
    "css-margin-block-start-end": ("prop:margin-block-start", "prop:margin-block-end"),
    "css-margin-inline-block": ("prop:margin-inline", "prop:margin-block"),
    "css-margin-inline-start-end": ("prop:margin-inline-start", "prop:margin-inline-end"),
    "css-modern-color": ("fn:lch", "fn:oklch", "fn:lab", "fn:oklab"),
    "css-nesting": ("nesting",),
    "css-padding-block-start-end": ("prop:padding-block-start", "prop:padding-block-end"),
    "css-padding-inline-block": ("prop:padding-inline", "prop:padding-block"),
    "css-padding-inline-start-end": ("prop:padding-inline-start", "prop:padding-inline-end"),
    "css-selector-adjacent-sibling": ("sel:adjacent",),
    "css-selector-general-sibling": ("sel:sibling",),
    "css-sytem-ui": tuple(
        f"word:{name}" for name in ("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace")
    ),
    "css-unit-calc": ("fn:calc",),
    "css-unit-initial": ("word:initial",),
    "css-unit-percent": ("unit:%",),
    "css-variables": ("variable", "fn:var"),
    "html-anchor-links": ("link:anchor",),
    "html-comments": ("comment",),
    "html-doctype": ("doctype",),
    "html-h1-h6": tuple(f"tag:h{level}" for level in range(1, 7)),
    "html-image-maps": ("attr:usemap", "tag:map"),
    "html-lists": ("tag:ul", "tag:ol", "tag:dl"),
    "html-mailto-links": ("link:mailto",),
    "html-meta-color-scheme": ("meta:color-scheme", "meta:supported-color-schemes"),
    "html-semantics": tuple(
        f"tag:{name}"
        for name in ("article", "aside", "details", "figcaption", "figure", "footer", "header", "main",
                     "mark", "nav", "section", "summary", "time")
    ),
    "html-srcset": ("attr:srcset", "attr:sizes"),
    "html-svg": ("tag:svg",),
    "image-heif": ("image:heif", "image:heic"),
    "image-hdr": ("image:hdr", "image:jxr"),
    "image-jpg": ("image:jpg", "image:jpeg"),
    "image-mp4": ("image:mp4", "image:mov", "image:webm"),
    "image-svg": ("image:svg",),
    "image-tiff": ("image:tiff", "image:tif"),
}  # fmt: skip
NOT_IN_THE_HTML = frozenset({"amp", "bimi"})

_BY_SLUG = (
    (r"css-pseudo-(?:class|element)-(.+)", "pseudo:{}"),
    (r"css-selector-(.+)", "sel:{}"),
    (r"css-unit-(.+)", "unit:{}"),
    (r"css-function-(.+)", "fn:{}"),
    (r"css-at-(.+)", "at:{}"),
    (r"css-(rgba?|.+-gradient)", "fn:{}"),
    (r"css-(.+)", "prop:{}"),
    (r"html-(input|button)-(.+)", "{}:{}"),
    (r"image-(.+)", "image:{}"),
)


def tokens_of(slug: str, title: str) -> tuple[str, ...]:
    """The tokens that mean a feature: by hand where its name does not say them."""
    if slug in _BY_HAND:
        return _BY_HAND[slug]
    if slug in NOT_IN_THE_HTML:
        return ()
    for pattern, token in _BY_SLUG:
        if found := re.fullmatch(pattern, slug):
            # `flex-direction:column` is tested with that value alone.
            value = re.fullmatch(r"([a-z-]+):\s*([a-z]+)", title)
            return (f"decl:{value[1]}:{value[2]}",) if value else (token.format(*found.groups()),)
    name = slug.removeprefix("html-").removesuffix("-attribute")
    return (f"attr:{name}",) if title.endswith("attribute") else (f"tag:{name}",)


@dataclass(frozen=True, slots=True)
class Client:
    """One mail client on one platform."""

    family: str
    name: str
    platform: str


@dataclass(frozen=True, slots=True)
class Feature:
    """One tested feature."""

    slug: str
    title: str
    tested: str
    answers: tuple[str, ...]
    """For each client what its newest version does: y, n, a (partly) or u (unknown), then note numbers."""
    notes: dict[str, str]
    tokens: tuple[str, ...]

    def iterate_answers(self) -> Iterator[tuple[Client, str, tuple[str, ...]]]:
        """Each client of today with its answer and the notes that go with it."""
        for client, answer in zip(load_support().clients, self.answers, strict=True):
            if client.platform not in _RETIRED:
                letter, *notes = answer.split("#")
                yield client, letter, tuple(self.notes[each] for each in notes if each in self.notes)


@dataclass(frozen=True, slots=True)
class Support:
    """The whole of the data."""

    source: str
    date: date
    clients: tuple[Client, ...]
    features: tuple[Feature, ...]


@cache
def load_support() -> Support:
    """Read the data once; it belongs to the program as its modules do."""
    text = resources.files("newsletter.review").joinpath("caniemail.json").read_text(encoding="utf-8")
    data = json.loads(text)
    features = (
        Feature(slug, each["title"], each["tested"], tuple(each["answers"].split()), each["notes"],
                tokens_of(slug, each["title"]))
        for slug, each in data["features"].items()
    )  # fmt: skip
    return Support(
        source=data["source"],
        date=date.fromisoformat(data["date"]),
        clients=tuple(Client(*each) for each in data["clients"]),
        features=tuple(features),
    )
