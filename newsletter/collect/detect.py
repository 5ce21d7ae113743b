"""What bytes are, and the one table that says who reads them."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC
from email.message import Message
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from newsletter.collect.alternates import is_html
from newsletter.collect.charset import narrow
from newsletter.collect.extraction import Extract, extract
from newsletter.collect.feeds import parse_feed
from newsletter.collect.jsonfeed import parse_json_feed
from newsletter.collect.markdown import parse_markdown
from newsletter.collect.pages import parse_page
from newsletter.collect.sitemaps import parse_sitemap
from newsletter.collect.textpages import parse_text_page
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from newsletter.content import ParsedSource, SourceKind

Form = Literal["feed", "json", "html", "markdown", "sitemap", "text"]

_MOST_BYTES: Final = 32 * 2**20
"""What a gzipped source may unpack to: three times what may be fetched at all."""


@dataclass(frozen=True, slots=True)
class _Source:
    data: bytes
    location: str
    charset: str | None
    tz: tzinfo
    extract: Extract


_PARSERS: Final[dict[Form, Callable[[_Source], ParsedSource]]] = {
    "feed": lambda s: parse_feed(s.data, location=s.location, charset=s.charset, tz=s.tz),
    "json": lambda s: parse_json_feed(s.data, location=s.location, tz=s.tz),
    "html": lambda s: parse_page(s.data, location=s.location, charset=s.charset, tz=s.tz, extract=s.extract),
    "markdown": lambda s: parse_markdown(s.data, location=s.location, charset=s.charset, tz=s.tz),
    "sitemap": lambda s: parse_sitemap(s.data, location=s.location, tz=s.tz),
    "text": lambda s: parse_text_page(s.data, charset=s.charset, tz=s.tz),
}


def parse_source(
    data: bytes,
    *,
    location: str,
    content_type: str | None = None,
    kind: SourceKind | None = None,
    tz: tzinfo = UTC,
    extract: Extract = extract,
) -> ParsedSource:
    """Read a feed, a page, a sitemap or a text, whichever the bytes are.

    Args:
        data: as fetched or read, gzipped or not.
        location: the URL or the path; a URL is the base of relative links.
        content_type: the HTTP header, charset and all; it decides only where the bytes do not.
        kind: what the operator says it is; None to find out. A page that was to be a feed is an error.
        tz: the publication's zone, of dates without an offset.
        extract: who finds the article on a page, as for `parse_page`.

    Raises:
        ParseError: they are none of these, or damaged beyond reading.
    """
    data = _unpack(data, location)
    header = Message()
    header["content-type"] = re.sub(r"[\r\n]", " ", content_type or "")
    media = header.get_content_type() if content_type else ""
    charset = header.get_content_charset() if content_type else None
    form = detect_form(data, location=location, media=media)
    if kind == "feed" and form not in {"feed", "json"}:
        form = "feed"
    return _PARSERS[form](_Source(data, location, charset, tz, extract))


_FEED: Final = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|RDF|channel)\b", re.IGNORECASE)
_SITEMAP: Final = re.compile(r"<(?:[\w-]+:)?(?:urlset|sitemapindex)\b", re.IGNORECASE)
_OPML: Final = re.compile(r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<opml\b", re.IGNORECASE | re.DOTALL)
_HTML_TAG: Final = re.compile(
    r"(?:<!--.*?-->\s*)*+<(?:html|head|body|meta|title|div|p|article|main|section|h[1-6]|table|ul|header|span|center)\b"
    r"[^<]*>",
    re.IGNORECASE | re.DOTALL,
)
_BINARY: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_BINARY: Final = 0.02


def detect_form(data: bytes, *, location: str = "", media: str = "") -> Form:
    """Say how bytes are to be read: by how they begin, then by media type, then by the ending of the name.

    Raises:
        ParseError: they are a list of feeds, or neither text nor a feed.
    """
    name = (urlsplit(location).path if "://" in location else location).lower().removesuffix(".gz")
    start = _beginning(data)
    if _OPML.match(start):
        message = (
            f"{location or 'the document'} is a list of feeds (OPML); read it with"
            f" `newsletter source import-opml`"
        )
        raise ParseError(message)
    if start.startswith(("{", "[{")) and (not name.endswith((".txt", ".md")) or media.endswith("json")):
        return "json"
    if start.startswith(("<", "\ufeff")) or "<?xml" in start[:500]:
        if found := _markup(data, start):
            return found
    elif _FEED.search(start[:1000]) and not name.endswith((".txt", ".md", ".html", ".htm")):
        # Warnings of a server before the feed.
        return "feed"
    if len(_BINARY.findall(start)) > _MOST_BINARY * len(start):
        message = (
            f"{location or 'the document'} is neither text nor a feed: it holds binary data;"
            f" check the address"
        )
        raise ParseError(message)
    return _by_name(name, media)


def _markup(data: bytes, start: str) -> Form | None:
    if is_html(data) or re.match(r"<!doctype html|<html", start, re.IGNORECASE):
        return "html"
    sitemap, feed = _SITEMAP.search(start), _FEED.search(start)
    if sitemap and (not feed or sitemap.start() < feed.start()):
        return "sitemap"
    if feed or "<?xml" in start[:500]:
        return "feed"
    return "html" if _HTML_TAG.match(start) else None


def _by_name(name: str, media: str) -> Form:
    if media.endswith("json"):
        return "json"
    if "markdown" in media or name.endswith((".md", ".markdown")):
        return "markdown"
    if "html" in media or name.endswith((".html", ".htm", ".xhtml")):
        return "html"
    if media.endswith("xml") or name.endswith((".xml", ".rss", ".atom", ".rdf")):
        return "feed"
    return "text"


def _beginning(data: bytes) -> str:
    """The first characters, whatever the encoding, for looking at only."""
    text = narrow(data[:8192]).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return text.lstrip("\ufeff \t\r\n")


def _unpack(data: bytes, location: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        message = f"{location or 'the document'} begins like gzip but cannot be unpacked ({error})"
        raise ParseError(message) from error
    if not found and not unpacker.eof:
        message = f"{location or 'the document'} begins like gzip but cannot be unpacked: it is cut off"
        raise ParseError(message)
    if unpacker.unconsumed_tail:
        message = (
            f"{location or 'the document'} unpacks to more than {_MOST_BYTES // 2**20} MiB; it is not read"
        )
        raise ParseError(message)
    return found
