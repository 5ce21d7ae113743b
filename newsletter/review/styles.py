"""The CSS of a mail, parsed once: style attributes and style blocks, with the at-rules around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tinycss2

_NESTING = frozenset({"media", "supports", "layer", "container", "document", "-moz-document"})
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Declaration:
    """One property with its value."""

    name: str
    """Lower case."""
    value: tuple[Any, ...]
    """Tokens of tinycss2."""
    text: str
    """The value as written, lower case, blanks squeezed."""
    important: bool = False
    is_override: bool = False
    """Whether the same block gives this property an earlier value, for clients that do not know this one."""


@dataclass(frozen=True, slots=True)
class Block:
    """The declarations of one rule, or of one style attribute."""

    declarations: tuple[Declaration, ...]
    element: Any
    """The element with the attribute, or the style element."""
    line: int
    """In the HTML part."""
    selector: tuple[Any, ...] = ()
    """Tokens; empty for an attribute."""
    media: str = ""
    """The preludes of the at-rules around it."""
    has_nested: bool = False


@dataclass(frozen=True, slots=True)
class AtRule:
    """An at-rule such as `@media screen`."""

    name: str
    prelude: tuple[Any, ...]
    text: str
    element: Any
    line: int


@dataclass(frozen=True, slots=True)
class Styles:
    """All the CSS of a mail, in document order."""

    blocks: tuple[Block, ...] = ()
    at_rules: tuple[AtRule, ...] = ()
    comments: tuple[Any, ...] = ()
    """Style elements that hold comments."""
    errors: tuple[tuple[str, Any, int], ...] = ()


@dataclass(slots=True)
class _Collected:
    blocks: list[Block] = field(default_factory=list)
    at_rules: list[AtRule] = field(default_factory=list)
    comments: list[Any] = field(default_factory=list)
    errors: list[tuple[str, Any, int]] = field(default_factory=list)


def parse_styles(tree: Any) -> Styles:  # noqa: ANN401 - lxml has no types
    """Parse every style attribute and block of a page; equal attributes once."""
    if tree is None:
        return Styles()
    found = _Collected()
    known: dict[str, tuple[Declaration, ...]] = {}
    for element in tree.iter("style"):
        css = element.text or ""
        if "/*" in css:
            found.comments.append(element)
        nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
        _walk(nodes, element, "", found, depth=0)
    for element in tree.xpath("//*[@style]"):
        css = element.get("style")
        if css not in known:
            known[css] = tuple(_declarations(tinycss2.parse_declaration_list(css)))
        found.blocks.append(Block(known[css], element, element.sourceline or 0))
    return Styles(*(tuple(part) for part in (found.blocks, found.at_rules, found.comments, found.errors)))


def _walk(nodes: list[Any], element: Any, media: str, found: _Collected, *, depth: int) -> None:  # noqa: ANN401 - lxml has no types
    for node in nodes:
        line = (element.sourceline or 1) + node.source_line - 1
        if node.type == "error":
            found.errors.append((node.message, element, line))
        elif node.type == "qualified-rule":
            inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            nested = [each for each in inner if each.type in {"qualified-rule", "at-rule"}]
            declarations = tuple(_declarations(inner))
            selector = tuple(node.prelude)
            found.blocks.append(Block(declarations, element, line, selector, media, bool(nested)))
            if nested and depth < _DEEPEST:
                _walk(nested, element, media, found, depth=depth + 1)
        elif node.type == "at-rule":
            _walk_at_rule(node, (element, line), media, found, depth=depth)


def _walk_at_rule(
    node: Any,  # noqa: ANN401 - tinycss2 has no types
    place: tuple[Any, int],
    media: str,
    found: _Collected,
    *,
    depth: int,
) -> None:
    element, line = place
    name, text = node.lower_at_keyword, squeeze(node.prelude)
    found.at_rules.append(AtRule(name, tuple(node.prelude), text, element, line))
    if node.content is None or depth >= _DEEPEST:
        return
    if name in _NESTING:
        inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
        around = f"{media} @{name} {text}".strip()
        rules = [each for each in inner if each.type != "declaration"]
        _walk(rules, element, around, found, depth=depth + 1)
    elif name == "font-face":
        inner = tinycss2.parse_declaration_list(node.content)
        found.blocks.append(Block(tuple(_declarations(inner)), element, line, (), f"{media} @{name}".strip()))


def _declarations(nodes: list[Any]) -> Iterator[Declaration]:
    seen: set[str] = set()
    for node in nodes:
        if node.type != "declaration":
            continue
        value, name = tuple(node.value), node.lower_name
        yield Declaration(name, value, squeeze(value), node.important, name in seen)
        seen.add(name)


def squeeze(tokens: Any) -> str:  # noqa: ANN401 - tinycss2 has no types
    """Tokens as text, lower case, with single blanks."""
    return " ".join(tinycss2.serialize(list(tokens)).lower().split())
