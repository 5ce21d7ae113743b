"""Markdown files, with or without front matter."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

from newsletter.collect.dates import parse_date
from newsletter.collect.lines import split_lines
from newsletter.collect.links import absolute_html, make_absolute
from newsletter.collect.plaintext import clean_title, html_to_text
from newsletter.collect.sections import has_sections, parse_sections
from newsletter.collect.textpages import decode_text
from newsletter.content import Entry, ParsedSource
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from datetime import tzinfo

_FRONT: Final = re.compile(
    r"\A\s*(?:---|\+\+\+)[ \t]*\n(?P<fields>.*?)\n(?:---|\+\+\+|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_FIELD: Final = re.compile(r"(?P<name>[A-Za-z][\w -]*?)\s*[:=]\s*(?P<value>.*)")
_TITLE: Final = re.compile(
    r"\A\s*(?:#[ \t]+(?P<hash>[^\n]+?)[ \t#]*|(?P<underlined>[^\n]+)\n=+[ \t]*)(?:\n|\Z)"
)


def parse_markdown(
    data: bytes, *, location: str = "", charset: str | None = None, tz: tzinfo = UTC
) -> ParsedSource:
    """Read a Markdown file as one article.

    Front matter (`title`, `date`, `updated`, `author`, `category`, `status`, `link`, `image`, `image_credit`,
    `summary`, `id`, `language`) is optional; without a title in it the first heading is the title. A file in
    the form of the text pages, with "## Similar articles", is read as one.

    Raises:
        ParseError: there is neither a title nor a text.
    """
    source = decode_text(data, charset).replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    front = _FRONT.match(source)
    fields = _fields(front["fields"]) if front else {}
    body = source[front.end() :] if front else source
    lines = split_lines(body, tz)
    if has_sections(lines):
        page = parse_sections(lines)
        if page.entries:
            first = _with_fields(page.entries[0], fields, location, tz)
            return replace(page, entries=(first, *page.entries[1:]))
    heading = _TITLE.match(body)
    title = ""
    if heading:
        title = clean_title(heading["hash"] or heading["underlined"])
        body = body if fields.get("title") else body[heading.end() :]
    html = absolute_html(_render(body), location if "://" in location else None)
    entry = _with_fields(
        Entry(title, text=html_to_text(html) or None, html=html or None), fields, location, tz
    )
    if not entry.title and not entry.text:
        message = f"{location or 'the file'} is empty: expected a heading and text; check the file"
        raise ParseError(message)
    return ParsedSource("page", language=entry.language, entries=(entry,))


def _render(body: str) -> str:
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body)).strip()


def _fields(text: str) -> dict[str, str]:
    """Read `name: value` lines; of the lists and nested values of YAML, the first word or nothing."""
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        match = _FIELD.fullmatch(line.strip())
        if not match or line.startswith((" ", "\t", "#")):
            continue
        value = match["value"].strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        elif value.startswith("["):
            value = value.strip("[]").split(",")[0].strip(" \"'")
        if value and value not in {"~", "null", "|", ">"}:
            fields.setdefault(match["name"].lower().replace("-", "_").replace(" ", "_"), value)
    return fields


_NAMES: Final = {
    "id": ("id", "guid"),
    "link": ("link", "url", "canonical", "permalink"),
    "published": ("date", "published", "publishdate", "pubdate", "published_at"),
    "updated": ("updated", "lastmod", "modified", "updated_at"),
    "author": ("author", "authors"),
    "category": ("category", "categories", "section", "tags"),
    "status": ("status", "category_status"),
    "summary": ("summary", "description", "excerpt"),
    "image": ("image", "cover", "thumbnail"),
    "image_alt": ("image_alt", "alt"),
    "image_credit": ("image_credit", "credit"),
    "language": ("language", "lang"),
    "title": ("title",),
}


def _with_fields(entry: Entry, fields: dict[str, str], location: str, tz: tzinfo) -> Entry:
    found = {
        name: next((fields[key] for key in keys if key in fields), None) for name, keys in _NAMES.items()
    }
    base = location if "://" in location else None
    return replace(
        entry,
        title=found["title"] or entry.title,
        id=found["id"] or entry.id,
        link=make_absolute(found["link"], base),
        published=parse_date(found["published"] or "", tz) or entry.published,
        updated=parse_date(found["updated"] or "", tz),
        author=found["author"],
        category=found["category"] or entry.category,
        status=found["status"] or entry.status,
        summary=found["summary"],
        image=make_absolute(found["image"], base),
        image_alt=found["image_alt"],
        image_credit=found["image_credit"] or entry.image_credit,
        language=found["language"],
    )
