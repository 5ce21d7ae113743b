"""Which features of HTML and CSS a mail uses, each as a token such as `prop:gap` or `tag:video`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tinycss2
from lxml import etree

from newsletter.review.mail import Mail
from newsletter.review.styles import Block, Declaration, Styles

_PREFIX = re.compile(r"^-(?:webkit|moz|ms|o)-")
_LONGHAND = re.compile(
    r"^(margin|padding)-(?:top|right|bottom|left)$"
    r"|^(border)(?:-(?:top|right|bottom|left))?(?:-(?:color|style|width))?$"
    r"|^(border)-(?:top|bottom)-(?:left|right)(-radius)$"
    r"|^(overflow|background-position|background-repeat)-[xy]$"
    r"|^(animation|transition|transform|scroll-snap|grid-template|border-image|columns?|outline)-[a-z-]+$"
    r"|^(text-emphasis|text-wrap|list-style|background|mask)-[a-z-]+$"
)
_IMAGE = re.compile(r"\.([a-z0-9]{2,5})(?:[?#]|$)", re.IGNORECASE)
_MEDIA_FEATURE = re.compile(r"\(\s*(?:-webkit-|-moz-)?(?:min-|max-)?([a-z-]+)")
_SELECTORS = {
    "sel:adjacent": r"\+(?![\d\s]*\))",
    "sel:attribute": r"\[",
    "sel:chaining": r"[\w\])][.#][\w-]",
    "sel:child": ">",
    "sel:class": r"\.[A-Za-z_-]",
    "sel:descendant": r"[\w\])*]\s+[\w.#*:\[]",
    "sel:grouping": ",",
    "sel:id": r"#[A-Za-z_-]",
    "sel:sibling": "~",
    "sel:type": r"(?:^|[\s>+~,(])[A-Za-z]",
    "sel:universal": r"\*",
}
_PSEUDO = re.compile(r":(?:-(?:webkit|moz|ms|o)-)?([a-z-]+)")
_TYPED = {"input": "text", "button": "submit"}


@dataclass(slots=True)
class Use:
    """How a mail uses one feature."""

    element: Any
    """The first that does."""
    line: int | None = None
    """Where in a style block, else None."""
    count: int = 0
    bare: int = 0
    """How often without an earlier value that a client could fall back to."""


class Uses(dict[str, Use]):
    """Token to its use."""

    def add(self, token: str, element: Any, line: int | None = None, *, is_override: bool = False) -> None:  # noqa: ANN401 - lxml has no types
        """Count one more use."""
        use = self.get(token)
        if use is None:
            use = self[token] = Use(element, line)
        use.count += 1
        use.bare += not is_override


def find_uses(mail: Mail) -> Uses:
    """Walk the HTML part once and its CSS once."""
    uses = Uses()
    if mail.tree is None:
        return uses
    if re.match(r"\s*<!doctype html", mail.html, re.IGNORECASE):
        uses.add("doctype", mail.tree)
    for element in mail.tree.iter(etree.Element):
        _add_element(uses, element)
    for comment in mail.tree.iter(etree.Comment):
        if not (comment.text or "").lstrip().lower().startswith("[if"):
            uses.add("comment", comment)
    _add_styles(uses, mail.styles)
    return uses


def _add_styles(uses: Uses, styles: Styles) -> None:
    for rule in styles.at_rules:
        uses.add(f"at:{_PREFIX.sub('', rule.name)}", rule.element, rule.line)
        for name in _MEDIA_FEATURE.findall(rule.text if rule.name == "media" else ""):
            uses.add(f"media:{name}", rule.element, rule.line)
    for style in styles.comments:
        uses.add("css-comment", style)
    for block in styles.blocks:
        _add_block(uses, block)


def _add_element(uses: Uses, element: Any) -> None:  # noqa: ANN401 - lxml has no types
    tag = element.tag
    uses.add(f"tag:{tag}", element)
    if tag in _TYPED:
        uses.add(f"{tag}:{(element.get('type') or _TYPED[tag]).lower()}", element)
    for name in element.attrib:
        uses.add(f"attr:{name}", element)
    if tag == "meta":
        uses.add(f"meta:{(element.get('name') or '').lower()}", element)
    href = (element.get("href") or "").strip().lower() if tag in {"a", "area"} else ""
    if href.startswith("#"):
        uses.add("link:anchor", element)
    elif href.startswith("mailto:"):
        uses.add("link:mailto", element)
    for url in (element.get("src"), element.get("srcset"), element.get("background")):
        if url and tag != "script":
            _add_image(uses, url, element, None)


def _add_image(uses: Uses, url: str, element: Any, line: int | None) -> None:  # noqa: ANN401 - lxml has no types
    url = url.strip().partition(" ")[0]
    if url.lower().startswith("data:"):
        kind = re.match(r"data:image/([a-z0-9]+)", url, re.IGNORECASE)
        if kind:
            uses.add(f"image:{kind[1].lower()}", element, line)
        if ";base64" in url[:100].lower():
            uses.add("image:base64", element, line)
    elif found := _IMAGE.search(url.rpartition("/")[2]):
        uses.add(f"image:{found[1].lower()}", element, line)


def _add_block(uses: Uses, block: Block) -> None:
    line = block.line if block.selector or block.media else None
    for declaration in block.declarations:
        _add_declaration(uses, declaration, block.element, line)
    if block.has_nested:
        uses.add("nesting", block.element, line)
    for token in selector_tokens(tinycss2.serialize(block.selector)) if block.selector else ():
        uses.add(token, block.element, line)


def _add_declaration(uses: Uses, declaration: Declaration, element: Any, line: int | None) -> None:  # noqa: ANN401 - lxml has no types
    name = _PREFIX.sub("", declaration.name)
    again = declaration.is_override
    if name.startswith("--"):
        uses.add("variable", element, line)
        return
    uses.add(f"prop:{name}", element, line, is_override=again)
    if (found := _LONGHAND.match(name)) and (short := "".join(filter(None, found.groups()))) != name:
        uses.add(f"prop:{short}", element, line, is_override=again)
    if declaration.important:
        uses.add("important", element, line)
    if name in {"display", "flex-direction", "flex-wrap"}:
        for word in declaration.text.split():
            uses.add(f"decl:{name}:{_PREFIX.sub('', word)}", element, line, is_override=again)
    for token in value_tokens(declaration.value):
        uses.add(token, element, line, is_override=again)
        if token.startswith("url:"):
            _add_image(uses, token[4:], element, line)


def value_tokens(tokens: Any) -> set[str]:  # noqa: ANN401 - tinycss2 has no types
    """The functions, units and words of a value."""
    found: set[str] = set()
    for token in tokens:
        if token.type == "dimension":
            found.add(f"unit:{token.lower_unit}")
        elif token.type == "percentage":
            found.add("unit:%")
        elif token.type == "ident":
            found.add(f"word:{_PREFIX.sub('', token.lower_value)}")
        elif token.type == "url":
            found.add(f"url:{token.value}")
        elif token.type == "function":
            name = _PREFIX.sub("", token.lower_name).removeprefix("repeating-")
            found.add(f"fn:{name}")
            if name == "url" and token.arguments and token.arguments[0].type == "string":
                found.add(f"url:{token.arguments[0].value}")
            found |= value_tokens(token.arguments)
    return found


@lru_cache(maxsize=1024)
def selector_tokens(selector: str) -> frozenset[str]:
    """The kinds of selector in a prelude."""
    bare = re.sub(r"\[[^\]]*\]", "[]", selector)
    bare = re.sub(r"\s*([>+~,])\s*", r"\1", bare.strip())
    found = {name for name, pattern in _SELECTORS.items() if re.search(pattern, bare)}
    return frozenset(found | {f"pseudo:{name}" for name in _PSEUDO.findall(bare.lower())})
