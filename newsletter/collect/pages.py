"""An article's page in HTML, read by trafilatura, and the form of the text pages as HTML."""

from __future__ import annotations

import html as html_names
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

from newsletter.collect.charset import choose_charset
from newsletter.collect.dates import parse_date
from newsletter.collect.extraction import Extract, Extracted, PageJob, extract
from newsletter.collect.identity import normal_title
from newsletter.collect.leads import FEWEST, find_leads, is_article
from newsletter.collect.lines import split_lines
from newsletter.collect.links import make_absolute
from newsletter.collect.plaintext import clean_title, html_to_text
from newsletter.collect.sections import has_sections, parse_sections
from newsletter.collect.textpages import decode_text
from newsletter.content import Entry, ParsedSource
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_META_CHARSET: Final = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE
)
_LANGUAGE: Final = re.compile(r"""<html\b[^>]*?\slang\s*=\s*["']?([A-Za-z0-9-]{2,20})""", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title\b[^>]*>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)
_IMAGE: Final = re.compile(r"""<img\b[^>]*?\ssrc\s*=\s*["']([^"'>]+)["']""", re.IGNORECASE)
_MOMENT: Final = re.compile(
    r"""(?:"datePublished"\s*:\s*"|(?:article:published_time|datePublished|dc\.date(?:\.issued)?|parsely-pub-date)["']"""
    r"""[^>]{0,80}?(?:content|datetime)\s*=\s*["'])([^"']{8,40})["']""",
    re.IGNORECASE,
)
_MUCH: Final = 300
"""Characters; the text of an article has more."""
_CANONICAL: Final = re.compile(r"""<link\b[^>]*?\brel\s*=\s*["']?canonical\b[^>]*>""", re.IGNORECASE)
_HREF: Final = re.compile(r"""href\s*=\s*["']([^"'>]+)["']""", re.IGNORECASE)


def parse_page(
    data: bytes,
    *,
    location: str = "",
    charset: str | None = None,
    tz: tzinfo = UTC,
    extract: Extract = extract,
) -> ParsedSource:
    """Read an HTML page as the article that it shows.

    Args:
        data: the page.
        location: the URL that it came from; "" for none.
        charset: the one that HTTP named; without it the page's own `<meta charset>` counts.
        tz: the zone of dates without an offset.
        extract: who finds the article on it; `publishing.extraction` has it done under limits.

    Raises:
        ParseError: there is no text in it.
    """
    source = decode_html(data, charset)
    whole = html_to_text(source)
    lines = split_lines(whole, tz)
    link = _link(source, location)
    found = _LANGUAGE.search(source[:5000])
    language = found[1] if found else None
    if has_sections(lines):
        page = parse_sections(lines)
        if page.entries:
            image = _IMAGE.search(source)
            first = replace(
                page.entries[0],
                title=page.entries[0].title or _head_title(source),
                link=link,
                image=make_absolute(html_names.unescape(image[1]), link) if image else None,
                language=language,
            )
            return replace(page, link=link, language=language, entries=(first, *page.entries[1:]))
    look = _Page(source, whole, link, language, tz)
    return _article(look, _find_article(look, extract))


def decode_html(data: bytes, charset: str | None) -> str:
    """Turn a page's bytes into text: byte-order mark, HTTP, `<meta charset>`, UTF-8, Windows-1252."""
    named = _META_CHARSET.search(data[:4096])
    own = named[1].decode("ascii") if named else None
    return decode_text(data, choose_charset(data, charset) or choose_charset(data, own))


@dataclass(frozen=True, slots=True)
class _Page:
    source: str
    whole: str
    """All its text, menus included."""
    link: str | None
    language: str | None
    tz: tzinfo


def _find_article(page: _Page, extract: Extract) -> Extracted:
    found = extract(PageJob(page.source, page.link))
    if len(found.text) < _MUCH < len(page.whole):
        # So little of so much: a second look that takes in more.
        again = extract(PageJob(page.source, page.link, favor_recall=True))
        return again if again.text else found
    return found


def _article(page: _Page, found: Extracted) -> ParsedSource:
    source, link, tz = page.source, page.link, page.tz
    field = {
        name: clean_title(getattr(found, name)) or None
        for name in ("title", "author", "sitename", "description", "image", "date", "license")
    }
    lines = [line.strip() for line in unicodedata.normalize("NFC", found.text).split("\n") if line.strip()]
    if len(lines) > 1 and normal_title(lines[0]) == normal_title(field["title"] or ""):
        # The heading is the title, which stands above the text already.
        del lines[0]
    text = "\n\n".join(lines) or page.whole
    if not text:
        raise ParseError(
            f"{link or 'the page'} shows no text: it may need a browser's scripts; look for its feed"
        )
    categories = tuple(dict.fromkeys(filter(None, map(clean_title, found.categories))))
    entry = Entry(
        title=field["title"] or _head_title(source),
        link=link,
        published=_published(source, field["date"], tz),
        author=field["author"],
        category=next(iter(categories), None),
        categories=categories,
        summary=field["description"],
        image=make_absolute(field["image"], link),
        text=text,
        html="".join(f"<p>{html_names.escape(part, quote=False)}</p>" for part in text.split("\n\n")),
        language=page.language or found.language or None,
        licence=field["license"],
    )
    leads = () if is_article(source) or not link else find_leads(source, link, tz)
    leads = leads if len(leads) >= FEWEST else ()
    return ParsedSource("page", field["sitename"], link, page.language, (entry,), leads=leads)


def _published(source: str, day: str | None, tz: tzinfo) -> datetime | None:
    """The day that htmldate found, with the hour where the page's own data tell one for that day."""
    found = parse_date(day or "", tz)
    for match in _MOMENT.finditer(source):
        moment = parse_date(html_names.unescape(match[1]), tz)
        if moment and (found is None or moment.date() == found.date()):
            return moment
    return found


def _head_title(source: str) -> str:
    found = _TITLE.search(source)
    return clean_title(found[1]) if found else ""


def _link(source: str, location: str) -> str | None:
    """The address that the page gives itself, for one read from a file; else where it came from."""
    if "://" in location:
        return location
    found = _CANONICAL.search(source)
    href = _HREF.search(found[0]) if found else None
    link = html_names.unescape(href[1]) if href else ""
    return link if "://" in link else None
