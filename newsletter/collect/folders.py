"""Sources on the disk: one file, or a folder of pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from newsletter.collect.detect import parse_source
from newsletter.collect.extraction import Extract, extract
from newsletter.content import Entry, ParsedSource
from newsletter.errors import FetchError, ParseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

_PAGES: Final = frozenset({".txt", ".html", ".htm", ".md"})
_MAX_BYTES: Final = 10 * 10**6


@dataclass(frozen=True, slots=True)
class ReadFolder:
    """What a folder says, and the digests by which the next reading knows an unchanged file."""

    source: ParsedSource
    digests: dict[str, str] = field(default_factory=dict)
    """Relative name to SHA-256, of every file that could be read, changed or not."""


def list_files(path: Path) -> list[Path]:
    """List the pages in a folder and below it by name, none hidden; a plain file is given back alone.

    Raises:
        FetchError: it is not there or may not be read.
    """
    try:
        if path.is_file():
            return [path]
        # iterdir raises where rglob is silent.
        next(path.iterdir(), None)
        found = [file for file in path.rglob("*") if file.suffix.lower() in _PAGES and file.is_file()]
    except PermissionError as error:
        message = f"{path} may not be read by this user: change its permissions"
        raise FetchError(message) from error
    except FileNotFoundError as error:
        message = f"{path} is not there: check the path"
        raise FetchError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read ({error}): check the path"
        raise FetchError(message) from error
    is_hidden = {file: any(part.startswith(".") for part in file.relative_to(path).parts) for file in found}
    return sorted(file for file in found if not is_hidden[file])


def read_file(path: Path, *, max_bytes: int = _MAX_BYTES) -> bytes:
    """Read a file that is not larger than `max_bytes`.

    Raises:
        FetchError: it is, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path} cannot be read ({reason}): check the path and its permissions"
        raise FetchError(message) from error
    if len(data) > max_bytes:
        message = f"{path} is larger than {max_bytes / 1e6:g} MB and is not read"
        raise FetchError(message)
    return data


def read_folder(
    path: Path,
    *,
    max_bytes: int = _MAX_BYTES,
    known: Mapping[str, str] | None = None,
    tz: tzinfo = UTC,
    extract: Extract = extract,
) -> ReadFolder:
    """Read every page in a folder.

    Args:
        path: the folder.
        max_bytes: the largest file that is read.
        known: the digests of an earlier reading; a file that still has its digest gives no entries.
        tz: the zone of dates without an offset.
        extract: who finds the article on a page, as for `parse_page`.

    Returns:
        The entries in the order of the files' names. A file that cannot be read or parsed is a line in
        `problems` and stops nothing. An entry without an id gets its file's, so that a page with a new title
        stays the same article; one that only moved to another file is known by its title and date.

    Raises:
        FetchError: the folder itself is missing or may not be read.
    """
    pages: list[tuple[str, ParsedSource]] = []
    problems: list[str] = []
    digests: dict[str, str] = {}
    for file in list_files(path):
        name = file.relative_to(path).as_posix() if file != path else file.name
        try:
            data = read_file(file, max_bytes=max_bytes)
            digests[name] = hashlib.sha256(data).hexdigest()
            if (known or {}).get(name) != digests[name]:
                pages.append((name, parse_source(data, location=name, tz=tz, extract=extract)))
        except (FetchError, ParseError) as error:
            problems.append(f"{name}: {error}")
    return ReadFolder(_join(pages, problems), digests)


def _join(pages: Sequence[tuple[str, ParsedSource]], problems: Sequence[str]) -> ParsedSource:
    return ParsedSource(
        "folder",
        next((page.title for _, page in pages if page.title), None),
        entries=tuple(
            _with_id(entry, name, number) for name, page in pages for number, entry in enumerate(page.entries)
        ),
        problems=(*problems, *(f"{name}: {problem}" for name, page in pages for problem in page.problems)),
    )


def _with_id(entry: Entry, name: str, number: int) -> Entry:
    if entry.id or entry.link:
        return entry
    return replace(entry, id=f"file:{name}#{number}" if number else f"file:{name}")
