"""JSON Feed 1.0 and 1.1 (https://jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from newsletter.collect.dates import parse_date
from newsletter.collect.links import absolute_html, make_absolute
from newsletter.collect.plaintext import clean_title, html_to_text
from newsletter.content import Enclosure, Entry, ParsedSource
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_Fields = dict[str, Any]


def parse_json_feed(data: bytes, *, location: str = "", tz: tzinfo = UTC) -> ParsedSource:
    """Read a JSON Feed.

    Args:
        data: the whole document, UTF-8 or, against the standard, UTF-16.
        location: the URL that it came from, the last base of relative links; "" for none.
        tz: the zone of dates without an offset.

    Raises:
        ParseError: it is not JSON, or not a feed.
    """
    name = location or "the document"
    try:
        feed = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        message = f"{name} begins like JSON but cannot be read ({error}); it may be cut off: try again later"
        raise ParseError(message) from error
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        message = f"{name} is JSON but not a JSON Feed: it has no list of items; check the address"
        raise ParseError(message)
    link = make_absolute(_text(feed.get("home_page_url")), location)
    bases = (link, location, _text(feed.get("feed_url")))
    problems: list[str] = []
    entries = []
    for number, item in enumerate(feed["items"], 1):
        if isinstance(item, dict):
            entries.append(_entry(item, feed, bases, tz, problems))
        else:
            problems.append(f"item {number} is not an object and is left out")
    language = _text(feed.get("language"))
    title = clean_title(_text(feed.get("title")) or "") or None
    return ParsedSource("feed", title, link, language, tuple(entries),
                        tuple(dict.fromkeys(problems)))  # fmt: skip


def _entry(
    item: _Fields, feed: _Fields, bases: tuple[str | None, ...], tz: tzinfo, problems: list[str]
) -> Entry:
    title = clean_title(_text(item.get("title")) or "")
    link = make_absolute(_text(item.get("url")) or _text(item.get("external_url")), *bases)
    body = _text(item.get("content_html"))
    html = absolute_html(body, link) if body else None
    tags = tuple(dict.fromkeys(name for tag in _list(item, "tags") if (name := _text(tag))))
    dates = {name: _date(item, name, tz, problems) for name in ("date_published", "date_modified")}
    return Entry(
        title=title,
        id=_text(item.get("id")),
        link=link,
        published=dates["date_published"] or dates["date_modified"],
        updated=dates["date_modified"],
        author=_author(item) or _author(feed),
        category=next(iter(tags), None),
        categories=tags,
        summary=html_to_text(_text(item.get("summary")) or "") or None,
        image=make_absolute(_image(item), link, *bases),
        text=(html_to_text(html) if html else _text(item.get("content_text"))) or None,
        html=html,
        language=_text(item.get("language")) or _text(feed.get("language")),
        enclosures=_enclosures(item, (link, *bases)),
    )


def _enclosures(item: _Fields, bases: tuple[str | None, ...]) -> tuple[Enclosure, ...]:
    found = []
    for attached in _list(item, "attachments"):
        fields = attached if isinstance(attached, dict) else {}
        size = fields.get("size_in_bytes")
        length = size if isinstance(size, int) and 0 <= size < 2**53 else None
        if url := make_absolute(_text(fields.get("url")), *bases):
            found.append(Enclosure(url, _text(fields.get("mime_type")), length))
    return tuple(found)


def _text(value: object) -> str | None:
    """A string, or a number where one was put for a string, as ids often are."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return str(value).strip() or None
    except ValueError:
        # An integer of more digits than Python will write.
        return None


def _list(fields: _Fields, name: str) -> list[Any]:
    found = fields.get(name)
    return found if isinstance(found, list) else []


def _date(item: _Fields, name: str, tz: tzinfo, problems: list[str]) -> datetime | None:
    raw = _text(item.get(name))
    moment = parse_date(raw, tz) if raw else None
    if raw and moment is None:
        problems.append(f"an item has a date that cannot be read: {raw[:60]}")
    return moment


def _author(fields: _Fields) -> str | None:
    found = [*_list(fields, "authors"), fields.get("author")]
    names = [_text(author.get("name")) if isinstance(author, dict) else _text(author) for author in found]
    return ", ".join(dict.fromkeys(name for name in names if name)) or None


def _image(item: _Fields) -> str | None:
    named = _text(item.get("image")) or _text(item.get("banner_image"))
    if named:
        return named
    for attached in _list(item, "attachments"):
        if isinstance(attached, dict) and str(attached.get("mime_type") or "").startswith("image/"):
            return _text(attached.get("url"))
    return None
