"""The sample publication's files, with their placeholders filled in for one moment and one server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVED_FOLDERS = ("images", "sources")
MEDIA_TYPES = {
    ".json": "application/feed+json; charset=utf-8",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
}
TEMPLATE_SUFFIXES = frozenset({".json", ".txt", ".xml"})

# English whatever the locale is: strftime would follow the machine's.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_DATE = re.compile(
    r"date:(?P<form>[a-z0-9]+):-(?=\d)(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One file that the sample server offers, by its path below the root of the examples."""

    path: str
    media_type: str
    is_template: bool


def _page_date(at: datetime) -> str:
    return f"{_MONTHS[at.month - 1]} {at.day:02}, {at.year} {at:%H:%M}"


_FORMS: dict[str, Callable[[datetime], str]] = {
    "rfc822": format_datetime,
    "iso": lambda at: at.isoformat(timespec="seconds"),
    "page": _page_date,
    "day": lambda at: f"{at.day} {_MONTHS[at.month - 1]}",
    "weekday": lambda at: _WEEKDAYS[at.weekday()],
}


def _fill_date(code: str, now: datetime) -> str:
    match = _DATE.fullmatch(code)
    if match is None or match["form"] not in _FORMS:
        ways = f"write {{{{base}}}} or {{{{date:FORM:-2d3h}}}}, FORM one of {', '.join(_FORMS)}"
        problem = f"unknown placeholder {{{{{code}}}}}: {ways}"
        raise ValueError(problem)
    ago = {unit: int(match[unit] or 0) for unit in ("days", "hours", "minutes")}
    return _FORMS[match["form"]](now - timedelta(**ago))


def fill(text: str, *, now: datetime, base: str) -> str:
    """Replace the placeholders of a sample.

    `now` is an aware time in the publication's zone: dates come out with its offset.
    `base` is the address of the sample server, with or without a slash at its end.
    Raises `ValueError` for a naive time and for a placeholder that is not known.
    """
    if now.tzinfo is None:
        problem = "the time that samples are filled for needs a zone"
        raise ValueError(problem)

    def replace(match: re.Match[str]) -> str:
        code = match[1].strip()
        return base.rstrip("/") if code == "base" else _fill_date(code, now)

    return _PLACEHOLDER.sub(replace, text)


def list_samples(root: Path) -> tuple[Sample, ...]:
    """List the files below `root` (the folder `examples`) that the sample server offers, by path."""
    files = (file for folder in SERVED_FOLDERS for file in (root / folder).rglob("*") if file.is_file())
    return tuple(
        sorted(
            (
                Sample(
                    path=file.relative_to(root).as_posix(),
                    media_type=MEDIA_TYPES[file.suffix],
                    is_template=file.suffix in TEMPLATE_SUFFIXES,
                )
                for file in files
                if file.suffix in MEDIA_TYPES
            ),
            key=lambda sample: sample.path,
        )
    )


def read_sample(root: Path, sample: Sample, *, now: datetime, base: str) -> bytes:
    """Read one sample as the server sends it: templates filled in, everything else as it is."""
    file = root / sample.path
    if not sample.is_template:
        return file.read_bytes()
    return fill(file.read_text(encoding="utf-8"), now=now, base=base).encode()
