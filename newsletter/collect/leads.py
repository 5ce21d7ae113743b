"""The articles that a page of headlines leads to, and whether a page is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from newsletter.collect.dates import parse_date
from newsletter.collect.identity import canonical_url
from newsletter.collect.links import make_absolute
from newsletter.collect.plaintext import clean_title
from newsletter.content import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

FEWEST: Final = 3
"""A page that names fewer articles is no list of them."""
_MOST: Final = 500
_ARTICLE: Final = re.compile(
    r"""(?:property|name)\s*=\s*["']og:type["'][^>]{0,80}?content\s*=\s*["']article|content\s*=\s*["']article["']"""
    r"""[^>]{0,80}?og:type|["']article:published_time["']|"@type"\s*:\s*\[?\s*"(?:News|Blog|Reportage|Analysis)?(?:Article|Posting)\"""",
    re.IGNORECASE,
)
_ASIDE: Final = frozenset({"nav", "footer", "aside", "form"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4"})
_ELSEWHERE: Final = re.compile(
    r"/(?:tags?|topics?|categor(?:y|ies)|authors?|users?|profiles?|pages?|search|login|signin|register|account|privacy"
    r"|terms|contact|about|impressum|imprint|datenschutz|subscribe|newsletters?|shop|cart|rss|feeds?|share|print)(?:/|$)"
    r"|\.(?:jpe?g|png|gif|webp|svg|pdf|zip|mp3|mp4|xml|css|js)$",
    re.IGNORECASE,
)
_DATED: Final = re.compile(r"/(?:19|20)\d\d(?:[/-]?\d\d?){1,2}/|\d{5,}")
_WORDY: Final = re.compile(r"/[^/]*?\w+(?:[-_]\w+){2,}[^/]*/?$")
_WORDS_OF_A_TITLE: Final = 3
_WORDS_OF_A_HEADLINE: Final = 5


def is_article(source: str) -> bool:
    """Whether a page says of itself that it is one article (Open Graph, schema.org)."""
    return bool(_ARTICLE.search(source[:200_000]))


def find_leads(source: str, location: str, tz: tzinfo) -> tuple[Entry, ...]:
    """Find the articles of its own site that a page names, in its order.

    Args:
        source: the page, HTML.
        location: its address, without which there are none.
        tz: the zone of dates without an offset.

    Returns:
        An entry with address, title and, where a `<time>` stands beside it, date for each; of several links
        to one article the longest words count. Menus, forms and footers are passed over, and so is what looks
        like a list, a file or a page about the site.
    """
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", huge_tree=False, recover=True)
    root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    if root is None:
        return ()
    base = next((found.get("href") for found in root.iter("base")), None)
    links: dict[str, str] = {}
    found: dict[str, Entry] = {}
    for anchor in root.iter("a"):
        link = make_absolute(anchor.get("href"), make_absolute(base, location), location)
        if not link or not is_same_site(link, location):
            continue
        key = canonical_url(link)
        first = links.setdefault(key, link)
        title, known = _title(anchor, link), found.get(key)
        if title and (known is None or len(title) > len(known.title)):
            found[key] = Entry(title, link=first, published=(known and known.published) or _date(anchor, tz))
        if len(found) >= _MOST:
            break
    found.pop(canonical_url(location), None)
    return tuple(found.values())


def is_same_site(link: str, location: str) -> bool:
    """Whether an address is http(s) and of the host of another one, or of a part of it."""
    try:
        one, other = urlsplit(link), urlsplit(location)
        hosts = [(parts.hostname or "").lower().removeprefix("www.") for parts in (one, other)]
    except ValueError:
        return False
    return one.scheme in {"http", "https"} and (hosts[0] == hosts[1] or hosts[0].endswith("." + hosts[1]))


def _title(anchor: Any, link: str) -> str | None:  # noqa: ANN401 - lxml has no types
    """The words of a link to an article; None where it leads elsewhere."""
    path = urlsplit(link).path
    if len(path) <= 1 or _ELSEWHERE.search(path):
        return None
    is_heading = False
    for element in (anchor, *anchor.iterancestors()):
        if element.tag in _ASIDE:
            return None
        is_heading = is_heading or element.tag in _HEADINGS
    inside = next((each for each in anchor.iter(*_HEADINGS)), None)
    title = clean_title(" ".join((anchor if inside is None else inside).itertext()), is_html=False)
    words = len(title.split())
    is_wordy = bool(_DATED.search(path) or _WORDY.search(path))
    if is_heading or inside is not None:
        return title or None
    fewest = _WORDS_OF_A_TITLE if is_wordy else _WORDS_OF_A_HEADLINE
    return title if words >= fewest else None


def _date(anchor: Any, tz: tzinfo) -> datetime | None:  # noqa: ANN401 - lxml has no types
    for place in _places(anchor):
        for time in place.iter("time"):
            if moment := parse_date(time.get("datetime") or "".join(time.itertext()), tz):
                return moment
    return None


def _places(anchor: Any) -> Iterator[Any]:  # noqa: ANN401 - lxml has no types
    """The card that a link stands in: the nearest article or item of a list."""
    for element in anchor.iterancestors("article", "li"):
        yield element
        return
