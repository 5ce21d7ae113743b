"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom, read by feedparser and corrected here."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from newsletter.collect.alternates import find_feed_link, is_html
from newsletter.collect.charset import choose_charset, narrow
from newsletter.collect.dates import parse_date
from newsletter.collect.doctype import drop_doctype
from newsletter.collect.links import absolute_html, clean_web_link, make_absolute
from newsletter.collect.pace import read_pace
from newsletter.collect.pictures import find_picture
from newsletter.collect.plaintext import as_html, clean_title, html_to_text
from newsletter.content import Enclosure, Entry, ParsedSource
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

_Fields = dict[str, Any]
_LONGEST_NUMBER: Final = 16
_ROOT: Final = re.compile(rb"<(?:[\w-]+:)?(?:rss|feed|RDF)[\s>]")


def parse_feed(
    data: bytes, *, location: str = "", charset: str | None = None, tz: tzinfo = UTC
) -> ParsedSource:
    """Read a feed in XML.

    Args:
        data: the whole feed, not compressed.
        location: the URL that it came from, the last base of relative links; "" for none.
        charset: the one that HTTP named, which wins over the XML declaration (RFC 7303, 3) unless plainly
            wrong.
        tz: the zone of dates without an offset.

    Returns:
        Every entry in document order; damage that could be read round is told in `problems`.

    Raises:
        ParseError: it is not a feed; the message says what it is instead.
    """
    if not data.strip():
        message = f"{location or 'the feed'} is empty: expected RSS, Atom or JSON Feed; check the address"
        raise ParseError(message)
    narrowed = narrow(data)
    parsed = _parse(narrowed, choose_charset(data, charset) if narrowed is data else "utf-8")
    is_named = bool(_ROOT.search(narrowed[:4000])) and not is_html(narrowed)
    if not parsed.get("version") and not parsed["entries"] and not is_named:
        raise ParseError(_not_a_feed(data, location))
    feed = parsed["feed"]
    base = location if "://" in location else None
    link = make_absolute(feed.get("link"), base)
    is_atom = str(parsed.get("version") or "").startswith("atom")
    # An Atom reference is relative to the document (RFC 4287, 2), one in RSS by custom to the site.
    bases = (base, link) if is_atom else (link, base)
    problems = list(_problems(parsed))
    reading = _Reading(feed, bases, tz, is_atom, problems)
    entries = tuple(_entry(fields, reading) for fields in parsed["entries"])
    title = clean_title(feed.get("title") or "", is_html=_is_html(feed.get("title_detail"))) or None
    language, said = feed.get("language") or None, tuple(dict.fromkeys(problems))
    return ParsedSource("feed", title, link, language, entries, said, read_pace(feed, narrowed))


def _parse(data: bytes, charset: str | None) -> _Fields:
    import feedparser

    # "application/xml" lets the XML declaration count where HTTP names no charset; text/xml would mean
    # US-ASCII.
    headers = {"content-type": "application/xml" + (f"; charset={charset}" if charset else "")}
    try:
        # Always bytes in a stream: a str would be opened as a URL or a file. What is read is cleaned in
        # clean.py.
        found: _Fields = feedparser.parse(
            io.BytesIO(_part_captions(drop_doctype(data))),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        message = f"the feed is too damaged to read: {type(error).__name__}: {error}"
        raise ParseError(message) from error
    return found


_MEDIA: Final = re.compile(
    rb"""xmlns:([\w.-]{1,30})\s*=\s*["']https?://(?:search\.yahoo|www\.rssboard)[^"'>]*["']"""
)


def _part_captions(data: bytes) -> bytes:
    """Rename `media:description`: feedparser would put a picture's caption in the place of the summary."""
    found = set(_MEDIA.findall(data[:20_000]))
    if not found:
        return data
    prefix = b"(?:" + b"|".join(map(re.escape, sorted(found))) + b")"
    # Of an element that it does not know and that has attributes, feedparser keeps those and not the text.
    return re.sub(rb"(</?" + prefix + rb":)description(?:\s[^>]*?)?(/?>)", rb"\1caption\2", data)


def _not_a_feed(data: bytes, location: str) -> str:
    name = location or "the document"
    if is_html(data):
        link = find_feed_link(data, location)
        hint = (
            f"the page names the feed {link}: add that" if link else "add it as a page, or look for its feed"
        )
        return f"{name} is an HTML page, not a feed; {hint}"
    if re.search(rb"<\?xml|<[a-zA-Z][\w:-]*[\s>]", data[:2000]):
        return f"{name} is XML but not RSS, RDF or Atom; check the address"
    return f"{name} is not a feed: expected RSS, Atom or JSON Feed; check the address"


def _problems(parsed: _Fields) -> Iterator[str]:
    error = parsed.get("bozo_exception")
    if not parsed.get("bozo") or error is None:
        return
    if type(error).__name__ in {"CharacterEncodingOverride", "NonXMLContentType"}:
        # Not the publisher's fault: it says that our choice of charset differs from the declared one.
        return
    line = getattr(error, "getLineNumber", lambda: None)()
    where = f" at line {line}" if line else ""
    text = getattr(error, "getMessage", lambda: str(error))()
    yield f"the XML is damaged{where} ({text}); read as far as it goes"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the entries of one feed have in common."""

    feed: _Fields
    bases: tuple[str | None, ...]
    tz: tzinfo
    is_atom: bool
    problems: list[str]


def _entry(fields: _Fields, reading: _Reading) -> Entry:
    bases = reading.bases
    title = clean_title(fields.get("title") or "", is_html=_is_html(fields.get("title_detail")))
    link = _link(fields, bases, is_atom=reading.is_atom)
    body, summary = _body(fields)
    html = absolute_html(body, make_absolute(_base(fields), link, *bases) or link) if body else None
    published = _date(fields, ("published", "created"), reading, title)
    updated = _date(fields, ("updated",), reading, title)
    picture = find_picture(fields, html)
    text = html_to_text(html) if html else ""
    categories = _categories(fields)
    return Entry(
        title=title,
        id=(fields.get("id") or "").strip() or None,
        link=link,
        own_link=clean_web_link(fields.get("feedburner_origlink")),
        # A feed that gives one date, as RDF and much of Atom do, means the day of the article by it.
        published=published or updated,
        updated=updated,
        author=_author(fields),
        category=next(iter(categories), None),
        categories=categories,
        summary=(text if summary == html else html_to_text(summary)) or None,
        image=make_absolute(picture.url, link, *bases),
        image_alt=picture.alt,
        image_credit=picture.credit,
        text=text or None,
        html=html,
        language=_language(fields, reading.feed),
        enclosures=_enclosures(fields, (link, *bases)),
    )


def _is_html(detail: _Fields | None) -> bool:
    found = detail or {}
    # RSS has no types: a double escape is a sign of HTML that feedparser takes for plain text.
    return found.get("type") != "text/plain" or bool(re.search(r"&(?:amp|#\d+);", found.get("value") or ""))


_NOT_THE_ARTICLE: Final = frozenset(
    {"self", "edit", "enclosure", "replies", "hub", "next", "prev", "via", "license"}
)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:|[./]", re.IGNORECASE)


def _link(fields: _Fields, bases: tuple[str | None, ...], *, is_atom: bool) -> str | None:
    found, id_ = fields.get("link"), fields.get("id")
    links = [link for link in fields.get("links") or [] if link.get("href")]
    alternates = [link["href"] for link in links if link.get("rel") == "alternate"]
    if alternates and not is_atom:
        # feedparser takes the last, but RSS's own <link> is written before an <atom:link>.
        found = alternates[0]
    elif alternates and found == id_:
        # feedparser passes over a link of another type than HTML.
        found = alternates[0]
    if found and found == id_ and not alternates and (links or not _URL.match(found)):
        # An id that stands in for a link; one to the article, or to the entry, is better.
        found = found if _URL.match(found) and "://" in found else None
    if not found:
        others = [link["href"] for link in links if link.get("rel") not in _NOT_THE_ARTICLE]
        entry = [link["href"] for link in links if link.get("rel") == "self"]
        found = next(iter([*others, *entry]), None) or (
            id_ if id_ and _URL.match(id_) and fields.get("link") else None
        )
    return make_absolute(found, *bases)


def _base(fields: _Fields) -> str | None:
    for content in [*(fields.get("content") or []), fields.get("summary_detail") or {}]:
        if content.get("base"):
            return str(content["base"])
    return None


def _body(fields: _Fields) -> tuple[str | None, str]:
    """The body and the summary, both HTML; a description alone is both."""
    contents = [
        (content.get("value") or "", content.get("type") or "")
        for content in fields.get("content") or []
        if content.get("value")
    ]
    summary, kind = fields.get("summary") or "", (fields.get("summary_detail") or {}).get("type") or ""
    # A video's entry has no text but what describes the video (Media RSS 1.5, media:description).
    summary = summary or str(fields.get("media_caption") or "")
    written = [(as_html(value, type_), type_) for value, type_ in contents if not _is_other(type_)]
    body = max(written, key=lambda pair: ("html" in pair[1], len(pair[0])))[0] if written else None
    summary = as_html(summary, kind)
    return (body or summary or None), summary


def _is_other(kind: str) -> bool:
    return kind.startswith(("image/", "audio/", "video/")) or kind in {
        "application/octet-stream",
        "application/pdf",
    }


def _date(fields: _Fields, names: tuple[str, ...], reading: _Reading, title: str) -> datetime | None:
    for name in names:
        # FeedParserDict answers "updated" with "published" where there is none; get on dict does not.
        raw = dict.get(fields, name)
        if not raw or not str(raw).strip():
            continue
        if moment := parse_date(str(raw), reading.tz):
            return moment
        reading.problems.append(f"“{title[:60]}” has a date that cannot be read: {str(raw).strip()[:60]}")
    return None


# feedparser takes addresses under long top-level domains apart in the middle, so RSS's own form is read here.
_MAILBOX: Final = re.compile(
    r"(?:mailto:)?\S+@\S+\s*\((?P<name>[^()]+)\)|\"?(?P<first>[^<>\"]+?)\"?\s*<\S*@\S*>"
)


def _author(fields: _Fields) -> str | None:
    raw = str(fields.get("author") or "").strip()
    if mailbox := _MAILBOX.fullmatch(raw):
        return clean_title(mailbox["name"] or mailbox["first"])
    names = [
        clean_title(str(author.get("name") or author.get("email") or ""))
        for author in fields.get("authors") or []
    ]
    joined = ", ".join(dict.fromkeys(name for name in names if name))
    return joined or clean_title(raw) or None


def _categories(fields: _Fields) -> tuple[str, ...]:
    tags = fields.get("tags") or []
    names = (clean_title(str(tag.get("label") or tag.get("term") or "")) for tag in tags)
    return tuple(dict.fromkeys(name for name in names if name))


def _enclosures(fields: _Fields, bases: tuple[str | None, ...]) -> tuple[Enclosure, ...]:
    found = []
    for enclosed in fields.get("enclosures") or []:
        length = str(enclosed.get("length") or "")
        size = int(length) if length.isdecimal() and len(length) < _LONGEST_NUMBER else None
        if url := make_absolute(enclosed.get("href") or enclosed.get("url"), *bases):
            found.append(Enclosure(url, enclosed.get("type") or None, size))
    return tuple(dict.fromkeys(found))


def _language(fields: _Fields, feed: _Fields) -> str | None:
    details = [fields.get("title_detail"), *(fields.get("content") or []), fields.get("summary_detail")]
    own = next((detail["language"] for detail in details if detail and detail.get("language")), None)
    return own or fields.get("language") or feed.get("language") or None
