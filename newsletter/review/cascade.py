"""Which of a mail's declarations win for an element: as much of the cascade as colours need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cssselect
import tinycss2
import tinycss2.color3
from lxml import etree

from newsletter.review.mail import Mail
from newsletter.review.styles import Block, Declaration, squeeze

_WANTED = frozenset(
    [
        "background", "background-color", "background-image", "color", "display", "font", "font-size",
        "font-weight", "max-height", "mso-hide", "opacity", "visibility",
    ]
)  # fmt: skip
_SIZE = re.compile(r"(?<![\w.#])(\d*\.?\d+)(px|pt|em|rem|%)")
_BOLD = 600
_COLOUR_TOKENS = frozenset({"ident", "hash", "function"})


@dataclass(frozen=True, slots=True)
class Look:
    """What decides whether the text of an element can be read, as its own declarations say it."""

    text: str | None = None
    behind: str | None = None
    has_picture: bool = False
    is_hidden: bool = False
    size: str | None = None
    bold: bool | None = None

    def size_within(self, around: float) -> float:
        """The font's size in pixels, inside text of another size."""
        found = _SIZE.search(self.size or "")
        if not found:
            return around
        number = float(found[1])
        return number * {"px": 1.0, "pt": 4 / 3, "rem": 16.0, "em": around, "%": around / 100}[found[2]]


def cascade(mail: Mail, *, dark: bool) -> dict[Any, Look]:
    """The look of every element that has any declaration of its own.

    Style blocks count in order, below attributes unless important; of media rules only those for dark screens
    count, and only where `dark` asks for them.
    """
    if mail.tree is None:
        return {}
    winners: dict[Any, dict[str, tuple[int, str]]] = {}
    for block in mail.styles.blocks:
        declarations = [each for each in block.declarations if each.name in _WANTED]
        if not declarations or not _applies(block, dark=dark):
            continue
        for element in [block.element] if not block.selector else _match(mail.tree, block):
            own = winners.setdefault(element, {})
            for declaration in declarations:
                _enter(own, declaration, rank=(2 if declaration.important else 0) + (not block.selector))
    return {
        element: _make_look({name: value for name, (_, value) in own.items()})
        for element, own in winners.items()
    }


def _applies(block: Block, *, dark: bool) -> bool:
    if not block.media:
        return True
    return dark and bool(re.search(r"prefers-color-scheme\s*:\s*dark", block.media))


def _enter(own: dict[str, tuple[int, str]], declaration: Declaration, *, rank: int) -> None:
    for name, value in _longhands(declaration):
        if name not in own or own[name][0] <= rank:
            own[name] = (rank, value)


def _longhands(declaration: Declaration) -> Iterator[tuple[str, str]]:
    if declaration.name == "background":
        words = [squeeze([token]) for token in declaration.value if token.type in _COLOUR_TOKENS]
        has_picture = "url(" in declaration.text or "gradient(" in declaration.text
        yield "background-image", "url" if has_picture else "none"
        yield "background-color", next(filter(_is_colour, words), "transparent")
    elif declaration.name == "font":
        yield "font-size", declaration.text
        yield "font-weight", "bold" if re.search(r"\b(?:bold|[6-9]00)\b", declaration.text) else "normal"
    else:
        yield declaration.name, declaration.text


@lru_cache(maxsize=512)
def _is_colour(text: str) -> bool:
    return tinycss2.color3.parse_color(text) is not None


@lru_cache(maxsize=512)
def _to_xpath(selector: str) -> etree.XPath | None:
    try:
        return etree.XPath(cssselect.HTMLTranslator().css_to_xpath(selector))
    except (cssselect.SelectorError, etree.XPathError):
        # What this cannot read, the clients that matter here do not apply either: `[data-ogsc]` can be read.
        return None


def _match(tree: Any, block: Block) -> list[Any]:  # noqa: ANN401 - lxml has no types
    path = _to_xpath(tinycss2.serialize(list(block.selector)).strip())
    return list(path(tree)) if path is not None else []


def _make_look(own: dict[str, str]) -> Look:
    weight = own.get("font-weight")
    return Look(
        text=own.get("color"),
        behind=own.get("background-color"),
        has_picture=own.get("background-image", "none") != "none",
        is_hidden=_is_hidden(own),
        size=own.get("font-size"),
        bold=None if weight is None else weight == "bold" or (weight.isdecimal() and int(weight) >= _BOLD),
    )


def _is_hidden(own: dict[str, str]) -> bool:
    return (
        own.get("display") == "none"
        or own.get("visibility") == "hidden"
        or own.get("opacity") in {"0", "0.0"}
        or own.get("mso-hide") == "all"
        or bool(re.fullmatch(r"[01]?(?:\.0)?(?:px)?", own.get("max-height", "-")))
        or bool(re.match(r"[01](?:px|pt)?$", own.get("font-size", "-")))
    )
