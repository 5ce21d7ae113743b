"""One person after another from a file, in whichever of the known forms it is."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import ParseError
from newsletter.subscribing.csvlayouts import (
    EMAIL_COLUMNS,
    Person,
    find_layout,
    normalise_column,
    read_person,
    read_values,
)
from newsletter.subscribing.csvrows import (
    Record,
    iterate_lines,
    iterate_records,
    sniff_delimiter,
    sniff_encoding,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a list: a person, or why it is none."""

    line: int
    email: str
    person: Person | None
    reason: str = ""


def iterate_people(path: Path) -> Iterator[Entry]:
    """Yield what a file of subscribers says, a record at a time: JSON lines, CSV, or bare addresses.

    Raises:
        ParseError: The file cannot be read, is empty, or has no column of addresses.

    """
    try:
        encoding = sniff_encoding(path)
        lines = iterate_lines(path, encoding)
        head = list(itertools.islice(lines, _SAMPLE))
    except OSError as error:
        raise ParseError(f"{path} cannot be read: {error.strerror}") from error
    first = next((line.strip() for line in head if line.strip()), "")
    if not first:
        raise ParseError(f"{path} is empty: it must hold one subscriber a line")
    everything = itertools.chain(head, lines)
    if first.startswith("{"):
        return _iterate_json(everything)
    if first.startswith("["):
        raise ParseError(f"{path} is one JSON document: write one object a line (JSON lines)")
    return _iterate_csv(path, everything, sniff_delimiter(head))


def _iterate_json(lines: Iterator[str]) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            yield Entry(number, "", None, "not a line of JSON")
            continue
        if not isinstance(said, dict):
            yield Entry(number, "", None, "not a JSON object")
            continue
        values = {normalise_column(key): _as_cell(value) for key, value in said.items()}
        email = next((values[name] for name in EMAIL_COLUMNS if values.get(name)), "")
        try:
            yield Entry(number, email, read_values(email, values))
        except ParseError as error:
            yield Entry(number, email, None, str(error))


def _as_cell(value: object) -> str:
    if isinstance(value, list):
        return ";".join(str(each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


def _iterate_csv(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[Entry]:
    records = iterate_records(lines, delimiter)
    sample = list(itertools.islice(records, _SAMPLE))
    try:
        layout = find_layout([record.cells for record in sample if record.error is None])
    except ParseError as error:
        raise ParseError(f"{path}: {error}") from error
    is_header = layout.has_header
    for record in itertools.chain(sample, records):
        if record.error is not None:
            yield Entry(record.line, _guess(record), None, record.error)
        elif is_header:
            is_header = False
        else:
            email = record.cells[layout.email].strip() if layout.email < len(record.cells) else ""
            try:
                yield Entry(record.line, email, read_person(layout, record.cells))
            except ParseError as error:
                yield Entry(record.line, email, None, str(error))


def _guess(record: Record) -> str:
    return next((cell.strip() for cell in record.cells if "@" in cell), "")
