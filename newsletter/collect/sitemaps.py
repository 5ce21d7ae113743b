"""Sitemaps and news sitemaps (https://www.sitemaps.org/protocol.html)."""

from __future__ import annotations

import io
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from newsletter.collect.dates import parse_date
from newsletter.collect.links import make_absolute
from newsletter.content import Entry, ParsedSource
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_MOST_ADDRESSES: Final = 50_000
"""As the protocol allows in one file."""


def parse_sitemap(data: bytes, *, location: str = "", tz: tzinfo = UTC) -> ParsedSource:
    """Read the pages that a sitemap names, or the sitemaps that an index names.

    A news sitemap gives titles and days of publication; another one only addresses and the days of change.

    Raises:
        ParseError: not one address could be read.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    is_index = False
    for name, element in _read_elements(data, problems):
        is_index = is_index or name == "sitemap"
        try:
            entry = _entry(element, location, tz)
        except UnicodeDecodeError as error:
            # Half a character as a reference (&#xD800;), which lxml takes in and does not give out.
            problems.append(f"an address is no text ({error})")
            continue
        if entry:
            entries.append(entry)
        if len(entries) >= _MOST_ADDRESSES:
            problems.append(f"only the first {_MOST_ADDRESSES} addresses are read")
            break
    if not entries:
        message = f"{location or 'the sitemap'} names no address; check that it is a sitemap"
        raise ParseError(message)
    found, said = tuple(entries), tuple(problems)
    if is_index:
        # News first, then what changed last; one without a day may be anything.
        newest = sorted(found, key=_promise, reverse=True)
        maps = tuple(str(each.link) for each in newest)
        return ParsedSource("sitemap", entries=found, problems=said, maps=maps)
    return ParsedSource("sitemap", entries=found, problems=said, leads=found)


def _read_elements(data: bytes, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Give each `<url>` and `<sitemap>`, and forget it afterwards."""
    from lxml import etree

    # Entities are neither read nor fetched, and a broken file is read as far as it goes.
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        for _, element in events:
            # Not QName, which refuses what a damaged file leaves for a name, such as "p:".
            name = re.split("[}:]", element.tag)[-1] if isinstance(element.tag, str) else ""
            if name in {"url", "sitemap"}:
                yield name, element
                element.clear()
    except etree.LxmlError as error:
        problems.append(f"the XML is damaged ({error}); read as far as it goes")


def _promise(map_: Entry) -> tuple[bool, float]:
    changed = map_.updated.timestamp() if map_.updated else 0.0
    return "news" in str(map_.link).lower(), changed


def _entry(element: Any, location: str, tz: tzinfo) -> Entry | None:  # noqa: ANN401 - lxml has no types
    fields: dict[str, str] = {}
    for child in element.iter():
        if isinstance(child.tag, str) and child.text and child.text.strip():
            fields.setdefault(child.tag.rsplit("}", 1)[-1], " ".join(child.text.split()))
    link = make_absolute(fields.get("loc"), location)
    if not link:
        return None
    return Entry(
        title=fields.get("title", ""),
        link=link,
        published=parse_date(fields.get("publication_date", ""), tz),
        updated=parse_date(fields.get("lastmod", ""), tz),
        language=fields.get("language"),
    )
