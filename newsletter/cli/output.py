"""How results are shown: JSON on standard output for programs, lines and tables for people."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

WIDTH = 160
"""Of tables that no terminal shows: wide enough that programs like grep find whole values."""


def to_plain(value: object) -> Any:  # noqa: ANN401 - JSON is any
    """Turn values that travel into what JSON knows; instants are ISO 8601 with their offset."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def write_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False, indent=2) + "\n")


def write_json_line(value: object) -> None:
    """Print one JSON document of many on a line of its own, at once."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """Print a line that is not the result: what happens, what to do next."""
    sys.stderr.write(line + "\n")


def make_console(*, stderr: bool = False) -> Console:
    """A console that wraps at the terminal's width, and hardly ever where there is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False, markup=False)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings, or one line that says why there are none."""
    from rich.table import Table

    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(show, row))
    if table.row_count:
        make_console().print(table)
    else:
        note(empty)


def show_fields(value: object, *, without: Sequence[str] = ()) -> None:
    """Print the fields of a value, one per line; long texts last and whole."""
    fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}  # type: ignore[arg-type] # always a dataclass
    width = max(map(len, fields))
    for name, each in fields.items():
        if name not in without and each not in (None, "", ()):
            say(f"{name.replace('_', ' '):{width}}  {show(each)}")


def show(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M %Z").strip()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(show, value)) if isinstance(value, (list, tuple)) else str(value)
