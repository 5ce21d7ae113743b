"""The grammar of a text page: an article, articles similar to it, recent trends, the publication's name.

    page      = { [ "header -->" ] article | similar | trends | subscribe }
    similar   = "Similar articles" { item }
    trends    = "Recent trends" { item }
    subscribe = "Subscribe to our newsletter" [ name ]
    article   = item = head { text } [ image ]
    head      = title and, in any order, category or status, date, image

What the form leaves open is decided so:
- a line that is only a date is a field while its article has none, and text after that;
- a line before a date is the title of the next item;
- a short line without a full stop between blank lines, after a sentence and before one, is the title of an
  item
  without fields;
- `Recent trends: a survey` is a title;
- sections come in any order; one that comes twice is one, and an item that comes twice in it is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from newsletter.collect.items import split_items
from newsletter.content import Entry, ParsedSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.collect.lines import Heading, Line

_LONGEST_TITLE: Final = 250
_LONGEST_SENTENCE_TITLE: Final = 120
_LONGEST_NAME: Final = 120
_MOST_CATEGORY_WORDS: Final = 6


@dataclass(slots=True)
class _Page:
    mains: list[list[Line]] = field(default_factory=lambda: [[]])
    similar: list[Entry] = field(default_factory=list)
    trends: list[Entry] = field(default_factory=list)
    name: str | None = None


def parse_sections(lines: Sequence[Line]) -> ParsedSource:
    """Read the lines of a page as its sections.

    A page without an article of its own, such as one cut out of the middle, gives the articles of its
    sections instead. Entries without a title have "".
    """
    page = _Page()
    for heading, part in _parts(lines):
        _take(page, heading, part)
    entries = _unique([read_item(main) for main in page.mains if _has_text(main)])
    if not entries:
        return ParsedSource("page", page.name, entries=_unique([*page.similar, *page.trends]))
    first = replace(entries[0], similar=_unique(page.similar), trends=_unique(page.trends))
    return ParsedSource("page", page.name, entries=(first, *entries[1:]))


def _parts(lines: Sequence[Line]) -> list[tuple[Heading, list[Line]]]:
    parts: list[tuple[Heading, list[Line]]] = [("page", [])]
    for line in lines:
        if line.heading:
            parts.append((line.heading, []))
        else:
            parts[-1][1].append(line)
    parts = [piece for heading, part in parts for piece in _name_apart(heading, part)]
    if not any(heading == "page" and _has_text(part) for heading, part in parts):
        parts = [piece for heading, part in parts for piece in _main_apart(heading, part)]
    return parts


def _name_apart(heading: Heading, part: list[Line]) -> list[tuple[Heading, list[Line]]]:
    """Below the call to subscribe stands a name; what follows it is another article, or the page's foot."""
    if heading != "subscribe" or not part:
        return [(heading, part)]
    is_title = len(part) > 1 and part[1].is_field and not part[0].is_field
    if is_title or part[0].is_field or len(part[0].text) > _LONGEST_NAME:
        return [("subscribe", []), ("page", part)]
    rest = part[1:]
    name: tuple[Heading, list[Line]] = ("subscribe", part[:1])
    return [name, ("page", rest)] if len(rest) > 1 else [name]


def _main_apart(heading: Heading, part: list[Line]) -> list[tuple[Heading, list[Line]]]:
    """Find the page's own article below a section: it alone has a category, and trends no date."""
    if heading not in {"similar", "trends"}:
        return [(heading, part)]
    items = split_items(part, tight=heading == "trends")
    marked = [n for n, item in enumerate(items) if _is_main(item)]
    if not marked and heading == "trends":
        marked = [n for n, item in enumerate(items) if any(line.date for line in item[:4])]
    if len(marked) != 1:
        return [(heading, part)]
    start = sum(len(item) for item in items[: marked[0]])
    end = start + len(items[marked[0]])
    if heading == "trends":
        end = len(part)
    return [(heading, part[:start]), ("page", part[start:end]), (heading, part[end:])]


def _is_main(item: Sequence[Line]) -> bool:
    return any(line.standing is not None and not line.named for line in item[:5])


def _has_text(part: Sequence[Line]) -> bool:
    return any(not line.is_field for line in part)


def _take(page: _Page, heading: Heading, part: list[Line]) -> None:
    if heading == "page":
        has_head = any(line.is_field for line in part[:4])
        if page.mains == [[]] or not _has_text(page.mains[-1]):
            page.mains[-1].extend(part)
        elif has_head:
            page.mains.append(part)
        # What follows the publication's name without a head of its own is the foot of the page.
    elif heading == "subscribe":
        page.name = page.name or (part[0].text if part else None)
    else:
        items = [read_item(item) for item in split_items(part, tight=heading == "trends")]
        (page.similar if heading == "similar" else page.trends).extend(items)


def _unique(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(entries))


@dataclass(slots=True)
class _Item:
    title: str | None = None
    published: datetime | None = None
    image: str | None = None
    standing: tuple[str | None, str | None] | None = None
    text: list[Line] = field(default_factory=list)


def read_item(lines: Sequence[Line]) -> Entry:
    """Read one article: its title, the fields of its head in any order, and its text."""
    item = _Item()
    for number, line in enumerate(lines):
        if line.named and item.title is None and not _is_standing_before_title(lines, number):
            item.title = line.text
        elif _take_field(item, line):
            continue
        elif item.title is not None and item.standing and _is_status_below(lines, number):
            item.standing = (item.standing[0], line.text)
        elif item.title is None and not item.text and _can_be_title(lines, number):
            item.title = line.text
        else:
            item.text.append(line)
    category, status = item.standing or (None, None)
    return Entry(
        title=_plain_title(item.title or ""),
        published=item.published,
        category=category,
        status=status,
        image_credit=item.image or None,
        text=_paragraphs(item.text),
    )


def _take_field(item: _Item, line: Line) -> bool:
    """Whether the line is a field that the article lacks, or says again what its head has said."""
    in_head = not item.text
    if line.date is not None and (item.published is None or (in_head and line.date == item.published)):
        item.published = line.date
        return True
    if line.image is not None and (not item.image or (in_head and line.image == item.image)):
        item.image = line.image
        return True
    if line.standing is None or (line.named and not (in_head and _is_short_category(line))):
        return False
    if item.standing is None and (in_head or not line.is_sentence or line.text.rstrip().endswith(":")):
        item.standing = line.standing
        return True
    if item.standing is not None and in_head:
        had, new = item.standing, line.standing
        item.standing = (had[0] or new[0], had[1] or new[1])
        return True
    return False


def _is_status_below(lines: Sequence[Line], number: int) -> bool:
    """Whether the line is the value of an empty `Category status:` right above, and a field follows."""
    line, after = lines[number], lines[number + 1 : number + 2]
    closed_in = not line.blank_before and bool(after) and after[0].is_field and not after[0].blank_before
    return lines[number - 1].standing == (None, None) and closed_in and len(line.text) <= _LONGEST_NAME


def _is_short_category(line: Line) -> bool:
    category, status = line.standing or (None, None)
    return len((category or "").split()) <= _MOST_CATEGORY_WORDS and not (status or "").endswith(".")


def _is_standing_before_title(lines: Sequence[Line], number: int) -> bool:
    """`Foreign policy status: tense` above a title, told from such a title by the head that follows."""
    after = lines[number + 1 : number + 5]
    if not after or after[0].is_field:
        return False
    return _is_short_category(lines[number]) and any(line.is_field for line in after[1:])


def _can_be_title(lines: Sequence[Line], number: int) -> bool:
    line = lines[number]
    before_field = number + 1 < len(lines) and lines[number + 1].is_field
    after_field = number > 0
    if len(line.text) > _LONGEST_TITLE:
        return False
    return before_field or after_field or not (line.is_sentence and len(line.text) > _LONGEST_SENTENCE_TITLE)


def _plain_title(text: str) -> str:
    return re.sub(r"^(?:#{1,6}\s+|title\s*:\s*|[-–—•*]\s+)|\*\*|__", "", text, flags=re.IGNORECASE).strip()


_SHORTEST_WRAPPED: Final = 60
_LONGEST_WRAPPED: Final = 100


def _paragraphs(lines: Sequence[Line]) -> str | None:
    """Every line is a paragraph, but for lines that an editor broke at its margin."""
    paragraphs: list[str] = []
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else None
        if before and not line.blank_before and _is_wrapped(before, line):
            paragraphs[-1] += f" {line.text}"
        else:
            paragraphs.append(line.text)
    return "\n\n".join(paragraphs) or None


def _is_wrapped(before: Line, line: Line) -> bool:
    full = _SHORTEST_WRAPPED <= len(before.text) <= _LONGEST_WRAPPED
    return full and before.text[-1] not in ".!?:;" and line.text[0].islower() and not line.is_item


_FEW_LINES: Final = 400


def has_sections(lines: Sequence[Line]) -> bool:
    """Whether lines of HTML or Markdown are of this form, to be read by this grammar."""
    headings = {line.heading for line in lines}
    labelled = any(line.standing is not None and not line.named for line in lines)
    return len(lines) <= _FEW_LINES and (
        {"similar", "trends"} <= headings or (labelled and len(headings) > 1)
    )
