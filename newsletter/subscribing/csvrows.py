"""Lists of people as text: which encoding and delimiter, and one record after another with its line."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
LONGEST_RECORD = 200
"""Lines that one quoted cell may run over; a quote never closed costs one line, not the rest of the file."""
LONGEST_LINE = 1_000_000

_SAMPLE = 65536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record, or why it has none."""

    line: int
    """1 for the first of the file."""
    cells: tuple[str, ...]
    error: str | None = None


def sniff_encoding(path: Path) -> str:
    """Return the encoding of a file: by its mark, by its zero octets, else UTF-8 or what Windows writes."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        if head[1:2] == b"\0" or head[:1] == b"\0":
            return "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = file.read(_SAMPLE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def iterate_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a file, whatever ends them, without their ends.

    Raises:
        ParseError: A line is so long that this is no list.

    """
    # Excel's cp1252 leaves five octets undefined; a stray one costs a character, not the file.
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ParseError(
                    f"{path} has a line of over {LONGEST_LINE} characters: it is not a list of people"
                )
            yield line.rstrip("\n")


def sniff_delimiter(lines: Iterable[str]) -> str:
    """Return what parts the cells: whatever the first line holds most of outside quotes."""
    first = next((_QUOTED.sub("", line) for line in lines if line.strip()), "")
    return max(DELIMITERS, key=first.count)


def iterate_records(lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    """Yield what RFC 4180 makes of the lines; empty ones are left out.

    A record whose quotes are wrong is given with its error and without cells, and reading goes on at the
    next line.
    """
    waiting: list[str] = []
    number = 0
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        number += 1
        if not line.strip(delimiter + " \t\0"):
            continue
        taken = 0
        joined = line
        odd = line.count('"') % 2
        while odd and taken < LONGEST_RECORD:
            if taken == len(waiting):
                following = next(lines, None)
                if following is None:
                    break
                waiting.append(following)
            joined += "\n" + waiting[taken]
            odd ^= waiting[taken].count('"') % 2
            taken += 1
        if odd:
            yield Record(number, (), "a quote is opened and never closed")
            continue
        yield _split(number, joined, delimiter)
        del waiting[:taken]
        number += taken


def _split(number: int, text: str, delimiter: str) -> Record:
    if '"' not in text:
        return Record(number, tuple(text.split(delimiter)))
    cells = []
    start = 0
    while True:
        quoted = _QUOTED.match(text, start)
        if quoted:
            cells.append(quoted[1].replace('""', '"'))
            end = quoted.end()
        else:
            end = text.find(delimiter, start)
            end = len(text) if end < 0 else end
            cells.append(text[start:end])
            if '"' in cells[-1]:
                return Record(
                    number, (), f"a quote stands inside a cell that is not quoted: {cells[-1].strip()}"
                )
        if end == len(text):
            return Record(number, tuple(cells))
        if text[end] != delimiter:
            return Record(number, (), "a quoted cell goes on after its closing quote")
        start = end + 1
