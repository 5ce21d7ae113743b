"""Where the articles of one section of a text page begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.collect.lines import Line

_LONGEST_TITLE: Final = 250
_LONGEST_BARE_TITLE: Final = 150
_FEWEST_WORDS: Final = 3


def split_items(lines: Sequence[Line], *, tight: bool) -> list[list[Line]]:
    """Part the lines of "Similar articles" or "Recent trends" into their articles.

    The first line begins one; so does a title before a date, a category or an image, a title after the
    credit that closes the text before it, and, where nothing else tells, a title between blank lines.
    `tight` says that lines follow each other without blank ones inside an article, as trends do, so that a
    list of bare titles is unlikely.
    """
    if not lines:
        return []
    starts = sorted({0, *_starts(lines, tight=tight)})
    return [list(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _starts(lines: Sequence[Line], *, tight: bool) -> Iterator[int]:
    if _is_list_of_titles(lines, tight=tight):
        yield from range(len(lines))
        return
    date_first = lines[0].date is not None
    start = 0
    for number in range(1, len(lines)):
        if date_first:
            begins = lines[number].date is not None and any(not line.is_field for line in lines[start:number])
        else:
            begins = _begins(lines, number, start)
        if begins:
            start = number
            yield number


def _begins(lines: Sequence[Line], number: int, start: int) -> bool:
    line = lines[number]
    if line.is_field or line.is_item or len(line.text) > _LONGEST_TITLE:
        return False
    if not any(not before.is_field for before in lines[start:number]):
        # The fields stand above this title.
        return False
    fields = _fields_after(lines, number)
    if any(found.date is not None or found.standing is not None for found in fields):
        return True
    if line.is_sentence or (line.ends_text and not line.blank_before):
        return False
    if fields:
        return _is_head(lines, number, len(fields), start)
    if lines[number - 1].image is not None:
        return _closes_text(lines, number - 1, start)
    return _is_bare_title(lines, number, start)


def _fields_after(lines: Sequence[Line], number: int) -> list[Line]:
    fields = []
    for line in lines[number + 1 :]:
        if not line.is_field:
            break
        fields.append(line)
    return fields


def _is_head(lines: Sequence[Line], number: int, count: int, start: int) -> bool:
    """Whether a line before a mere credit is the title it belongs to, not the end of the text above."""
    after = number + count + 1
    if number == start + 1 and not lines[number].blank_before:
        return False
    if after == len(lines) or (lines[number].ends_text and not lines[after].ends_text):
        return False
    return lines[after].is_sentence or not _fields_after(lines, after)


def _closes_text(lines: Sequence[Line], image: int, start: int) -> bool:
    return sum(not line.is_field for line in lines[start:image]) > 1


def _is_bare_title(lines: Sequence[Line], number: int, start: int) -> bool:
    line, before = lines[number], lines[number - 1]
    after = lines[number + 1] if number + 1 < len(lines) else None
    if after is None or after.is_field or after.is_item or not line.blank_before or number - start <= 1:
        return False
    if not after.blank_before and not before.blank_before:
        # Where text runs on without blank lines, a blank one parts the articles.
        return True
    shaped = (
        len(line.text) <= _LONGEST_BARE_TITLE
        and len(line.text.split()) >= _FEWEST_WORDS
        and not line.ends_text
        and not line.text[0].islower()
    )
    ends = before.ends_text and not before.text.endswith(":")
    return shaped and ends and after.ends_text


def _is_list_of_titles(lines: Sequence[Line], *, tight: bool) -> bool:
    if len(lines) == 1 or (tight and not all(line.blank_before or line.is_item for line in lines[1:])):
        return False
    if all(line.is_item for line in lines):
        return True
    return not any(line.is_field or line.is_item for line in lines) and all(
        not line.ends_text
        and len(line.text) <= _LONGEST_BARE_TITLE
        and len(line.text.split()) >= _FEWEST_WORDS
        for line in lines
    )
