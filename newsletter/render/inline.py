"""CSS into style attributes by premailer, without network, without files and without silent losses."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cssselect
import cssutils
import tinycss2
from lxml import etree
from premailer import Premailer
from premailer.merge_style import csstext_to_pairs

from newsletter.errors import RenderError

_DOCTYPE = re.compile(r"(?:\s|<\?xml[^>]*>)*(<!doctype[^>]*>)", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*([:;,])\s+")
_CLASS = re.compile(r"\.([A-Za-z_][\w-]*)")
_DROPPED_AT_RULES = frozenset({"import", "charset", "namespace"})
# What premailer applies by position; any other pseudo-class it would cut off, and apply to every element.
_PLAIN = re.compile(r"[^:*(]*(?::first-child|:last-child|:nth-child\([^)]*\)[^:*(]*)?")

# cssutils would fetch http: and open file: for an @import even where premailer is told not to.
_PARSER = cssutils.CSSParser(fetcher=lambda _url: ("utf-8", b""), loglevel=logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Inlined:
    """A page with its plain rules in style attributes, and what could not be put there."""

    html: str
    problems: tuple[str, ...]


def inline(html: str) -> Inlined:
    """Inline the style blocks of a page.

    Plain rules go into style attributes; @media, @supports, @font-face, pseudo-classes and whatever
    cssutils does not understand stay in one style block, as written. Nothing is fetched or opened.

    Args:
        html: a whole page; a mark of a slot may stand in any text or attribute.

    Returns:
        The page with its DOCTYPE, and a line for each rule or element that was dropped or only kept.

    Raises:
        RenderError: it is no page, or its CSS could end the style element.
    """
    tree = _parse(html)
    problems = list(_remove_links(tree))
    kept = _split_styles(tree, problems)
    try:
        _Inliner(
            tree,
            allow_network=False,
            allow_loading_external_files=False,
            disable_validation=True,
            exclude_pseudoclasses=False,
            cssutils_logging_level=logging.CRITICAL,
            # width:100% in CSS must not overwrite the width that Outlook reads from the attribute
            disable_basic_attributes=["width", "height", "align"],
            align_floating_images=False,
        ).transform(pretty_print=False)
    except (AttributeError, ValueError, SyntaxError, KeyError) as error:
        message = f"The styles cannot be inlined: {error}. Mend the theme's CSS."
        raise RenderError(message) from error
    _drop_unused_classes(tree, kept)
    _compact(tree)
    doctype = _DOCTYPE.match(html)
    page: str = etree.tostring(tree, method="html", encoding="unicode", doctype=doctype and doctype[1])
    return Inlined(page.rstrip("\n") + "\n", tuple(dict.fromkeys(problems)))


class _Inliner(Premailer):
    """Premailer on an element tree, with a parser that fetches nothing and with CSS's own specificity."""

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:  # noqa: FBT001, FBT002, ANN401 - the signature of premailer
        return _sheet(css_body, validate)

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> Any:  # noqa: ANN401 - as above
        """Premailer counts dots and hashes, and so knows neither pseudo-classes nor attributes."""
        rules, left = super()._parse_style_rules(css_body, ruleset_index)
        ranked = [
            ((rank[0], *_specificity(selector), *rank[4:]), selector, bulk) for rank, selector, bulk in rules
        ]
        return ranked, left


@lru_cache(maxsize=32)
def _sheet(css: str, validate: bool) -> Any:  # noqa: FBT001, ANN401 - as above; cssutils has no types
    return _PARSER.parseString(css, validate=validate)


def _parse(html: str) -> Any:  # noqa: ANN401 - lxml has no types
    # As octets: libxml2 refuses a str that begins with an XML declaration.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    if tree is None or tree.find("body") is None:
        message = "The HTML part is no page: it has no body."
        raise RenderError(message)
    return tree


def _remove_links(tree: Any) -> Iterator[str]:  # noqa: ANN401 - lxml has no types
    for link in tree.xpath("//link[contains(@rel, 'stylesheet')] | //base"):
        yield f"<{link.tag} href={link.get('href')!r}> was removed: a mail loads nothing from elsewhere."
        _remove(link)


def _remove(element: Any) -> None:  # noqa: ANN401 - lxml has no types
    """Remove an element, not the text that follows it."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _split_styles(tree: Any, problems: list[str]) -> str:  # noqa: ANN401 - lxml has no types
    """Part every style block in two and return all the CSS that stays."""
    kept = []
    for style in tree.xpath("//style[not(@data-premailer = 'ignore')]"):
        css = style.text or ""
        if "</" in css:
            message = "The CSS holds `</`, which could end its style element. Write it as `<\\/`."
            raise RenderError(message)
        media = (style.get("media") or "all").strip().lower()
        flat, rest, found = split_css(css)
        problems += found
        if media not in {"all", "screen"}:
            flat, rest = "", f"@media {media} {{{css}}}"
        style.text = flat
        if rest.strip():
            other = etree.Element("style")
            other.set("data-premailer", "ignore")
            other.text = rest
            style.addnext(other)
            other.tail, style.tail = style.tail, None
            kept.append(rest)
        if not flat.strip():
            style.getparent().remove(style)
    return "\n".join(kept)


@lru_cache(maxsize=32)
def split_css(css: str) -> tuple[str, str, tuple[str, ...]]:
    """Part a style sheet into rules to inline and rules to keep as they are.

    Args:
        css: the text of a style element.

    Returns:
        The two sheets, and a line for each rule that is dropped, or kept as well since cssutils would have
        lost some of it.
    """
    flat: list[str] = []
    kept: list[str] = []
    problems: list[str] = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "error":
            problems.append(f"CSS line {rule.source_line}: {rule.message}; the rule was dropped.")
        elif rule.type == "qualified-rule":
            _split_rule(rule, flat, kept, problems)
        elif rule.lower_at_keyword in _DROPPED_AT_RULES:
            problems.append(
                f"CSS line {rule.source_line}: @{rule.at_keyword} was dropped: nothing is loaded."
            )
        else:
            kept.append(re.sub(r"\n\s*", " ", rule.serialize()).strip())
    return "\n".join(flat), "\n".join(kept), tuple(problems)


def _split_rule(rule: Any, flat: list[str], kept: list[str], problems: list[str]) -> None:  # noqa: ANN401 - tinycss2 has no types
    block = "{" + tinycss2.serialize(rule.content).strip() + "}"
    # It parts `2n` from `+1` by a comment, which cssselect does not read.
    prelude = tinycss2.serialize(rule.prelude).replace("/**/", "")
    selectors = [selector.strip() for selector in prelude.split(",")]
    if unread := [selector for selector in selectors if not _is_readable(selector)]:
        problems.append(f"CSS line {rule.source_line}: {unread[0]!r} is no selector; the rule was dropped.")
        return
    plain = [selector for selector in selectors if _is_plain(selector)]
    lost = _lost(rule) if plain else []
    if lost:
        problems.append(
            f"CSS line {rule.source_line}: {', '.join(lost)} cannot be inlined; kept in the style block."
        )
    if plain:
        flat.append(", ".join(plain) + block)
    if lost or len(plain) < len(selectors):
        kept.append(", ".join(selectors if lost else [s for s in selectors if s not in plain]) + block)


@lru_cache(maxsize=512)
def _specificity(selector: str) -> tuple[int, int, int]:
    found: tuple[int, int, int] = cssselect.parse(selector)[0].specificity()
    return found


@lru_cache(maxsize=512)
def _is_readable(selector: str) -> bool:
    """Premailer would drop the rule without a word, or fail at it."""
    try:
        cssselect.parse(selector)
    except cssselect.SelectorError:
        return False
    return True


def _is_plain(selector: str) -> bool:
    """Whether a selector holds on a mail that nobody touches; premailer skips `*`, so that is kept."""
    return _PLAIN.fullmatch(selector) is not None


def _lost(rule: Any) -> list[str]:  # noqa: ANN401 - tinycss2 has no types
    """Return the declarations that cssutils, which knows CSS 2.1, would drop without a word."""
    written = [
        declaration
        for declaration in tinycss2.parse_blocks_contents(
            rule.content, skip_comments=True, skip_whitespace=True
        )
        if declaration.type == "declaration"
    ]
    style = "; ".join(f"{d.lower_name}: {tinycss2.serialize(d.value).strip()}" for d in written)
    understood = {name for name, _ in csstext_to_pairs(style, validate=False)}
    lost = [d.name for d in written if d.lower_name not in understood]
    lost += [d.name for d in written if "var(" in tinycss2.serialize(d.value)]
    return list(dict.fromkeys(lost))


def _drop_unused_classes(tree: Any, kept: str) -> None:  # noqa: ANN401 - lxml has no types
    used = frozenset(_CLASS.findall(kept))
    for element in tree.xpath("//*[@class]"):
        classes = [name for name in element.get("class").split() if name in used]
        if classes:
            element.set("class", " ".join(classes))
        else:
            del element.attrib["class"]


def _compact(tree: Any) -> None:  # noqa: ANN401 - lxml has no types
    """Gmail clips a mail at about 102 kB, and forty cards hold some four thousand of these blanks."""
    for element in tree.xpath("//*[@style]"):
        style = element.get("style")
        if not any(sign in style for sign in "\"'("):
            element.set("style", _SEPARATOR.sub(r"\1", style))
