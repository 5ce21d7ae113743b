"""Lists of feeds in OPML (https://opml.org/spec2.opml), read by listparser and written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from newsletter.collect.charset import narrow
from newsletter.collect.doctype import drop_doctype
from newsletter.collect.plaintext import clean_title
from newsletter.collect.textpages import decode_text
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,80}?encoding\s*=\s*["']([\w.:-]{2,30})["']""")
_KIND: Final = "newsletterKind"
"""Our own attribute of an outline, for a page or a sitemap; other readers pass over it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of a list: where a source is and what it is filed under."""

    location: str
    title: str | None = None
    category: str | None = None
    """The folder that it lies in, the innermost of several."""
    kind: str = "feed"


def parse_opml(data: bytes, *, name: str) -> list[Subscription]:
    """Read a list of feeds: OPML, or RDF and iGoogle settings, which listparser knows too.

    Args:
        data: the whole file; broken XML is read as far as it goes, entities that it declares are not.
        name: what to call the file in an error.

    Returns:
        Every feed once, in order; lists of lists are not followed.

    Raises:
        ParseError: it is no such list.
    """
    import listparser

    data = narrow(data)
    declared = _DECLARED.search(data[:200])
    text = decode_text(drop_doctype(data), declared[1].decode("ascii") if declared else None)
    # Without a declaration libxml2's reader of HTML, which listparser uses for its patience, takes
    # letters for Latin-1; what is not ASCII is written as references.
    source = re.sub(r"<\?xml[^>]*\?>", "", text, count=1).encode("ascii", "xmlcharrefreplace")
    try:
        # Always bytes: it would fetch a str that looks like an address.
        found = listparser.parse(source.strip() or b"<nothing/>")
    except Exception as error:
        message = f"{name} is too damaged to read: {type(error).__name__}: {error}"
        raise ParseError(message) from error
    if not found["version"] and not found["feeds"]:
        message = f"{name} is not a list of feeds: expected OPML; check the file"
        raise ParseError(message)
    kinds = _find_kinds(text)
    return [
        Subscription(
            location=feed["url"],
            title=_title(feed),
            category=_category(feed.get("categories") or []),
            kind=kinds.get(feed["url"], "feed"),
        )
        for feed in found["feeds"]
    ]


def _title(feed: dict[str, str]) -> str | None:
    """What it is called; its address, written where there is no name, is none."""
    title = clean_title(feed.get("title") or "", is_html=False)
    return title if title and title != feed["url"] else None


def _category(paths: list[list[str]]) -> str | None:
    for path in paths:
        if names := [name for part in path if (name := clean_title(part, is_html=False))]:
            return names[-1]
    return None


def _find_kinds(text: str) -> dict[str, str]:
    """Which of our own lines are not feeds."""
    if _KIND not in text:
        return {}
    from lxml import etree

    root = etree.fromstring(text.encode("ascii", "xmlcharrefreplace"), etree.HTMLParser())
    return {
        outline.get("xmlurl", ""): kind
        for outline in root.iter("outline")
        if (kind := outline.get(_KIND.lower())) in {"page", "sitemap"}
    }


def write_opml(title: str, subscriptions: Iterable[Subscription]) -> bytes:
    """Write a list of feeds in OPML 2.0, a folder for each category; `parse_opml` gives the same back."""
    root = Element("opml", version="2.0")
    SubElement(SubElement(root, "head"), "title").text = _legal(title)
    body = SubElement(root, "body")
    folders: dict[str, Element] = {}
    for each in subscriptions:
        place = body
        if category := _legal(each.category or ""):
            if category not in folders:
                folders[category] = SubElement(body, "outline", text=category)
            place = folders[category]
        name = _legal(each.title or "") or each.location
        outline = SubElement(place, "outline", type="rss", text=name, xmlUrl=_legal(each.location))
        if each.kind != "feed":
            outline.set(_KIND, each.kind)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _legal(text: str) -> str:
    """Without the characters that XML 1.0, 2.2, has no way to write."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
