"""Use cases: add, list, remove and check sources of articles."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.collect.detect import parse_source
from newsletter.collect.fetch import FetchRequest
from newsletter.collect.folders import list_files, read_file, read_folder
from newsletter.errors import FetchError, SourceError
from newsletter.publishing.extraction import extract_apart
from newsletter.publishing.reading import Reading, fetch_all, is_url, parse_fetched
from newsletter.store import publications, sources
from newsletter.store.models import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Entry, ParsedSource, SourceKind
    from newsletter.store.engine import Database


HEAVIEST = 16
"""As a category in the rules."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source as screens and JSON show it."""

    id: int
    location: str
    kind: str
    title: str | None
    category: str | None
    full_text: bool
    weight: int
    articles: int
    last_fetched_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    failed_count: int
    next_attempt_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewSource:
    """What `source add` says."""

    location: str
    kind: SourceKind | None = None
    category: str | None = None
    title: str | None = None
    full_text: bool | None = None
    """Whether the pages of its articles are fetched too; None leaves it as it is."""
    weight: int | None = None
    """An article of a source of weight 2 counts as one that two sources tell; None leaves it as it is."""


def add_source(
    database: Database, settings: Settings, slug: str | None, new: NewSource, *, now: datetime
) -> SourceView:
    """Add a source; a path must be readable, its kind is found where none is given. Nothing is fetched.

    Adding what is there already changes its kind, category, title and weight, and has it asked again at once.

    Raises:
        FetchError: A path that is not there or cannot be read.
        SourceError: An address that is neither http(s) nor a path, or a wrong weight.

    """
    new = check_new(new)
    with database.write() as session:
        publication = publications.find_publication(session, slug)
        source = put_source(session, settings, publication.id, new, now=now)
        counts = sources.count_articles(session, [source.id])
        return _to_view(source, counts.get(source.id, 0))


def check_new(new: NewSource) -> NewSource:
    """Say exactly where a source is and of what kind, or refuse it.

    Raises:
        FetchError: A path that is not there or cannot be read.
        SourceError: An address that is neither http(s) nor a path, or one of another kind; a wrong weight.

    """
    location = _normalise(new.location)
    kind = new.kind or ("feed" if is_url(location) else "folder")
    if (kind == "folder") == is_url(location):
        message = f"{location} cannot be of kind {kind}: a folder is a path, the other kinds are addresses"
        raise SourceError(message)
    if new.weight is not None and not 1 <= new.weight <= HEAVIEST:
        message = f"a source cannot weigh {new.weight}: from 1 to {HEAVIEST}, 1 being like any other"
        raise SourceError(message)
    return replace(new, location=location, kind=kind)


def put_source(
    session: Session, settings: Settings, publication_id: int, new: NewSource, *, now: datetime
) -> Source:
    """Write a source that was checked, or change the one of that location, and have it asked at once."""
    source = sources.find_source(session, publication_id, new.location)
    if source is None:
        source = Source(publication_id=publication_id, location=new.location, created_at=now, state={})
        session.add(source)
    source.kind = new.kind or "feed"
    source.category = new.category or source.category
    source.title = new.title or source.title
    source.full_text = source.full_text if new.full_text is None else new.full_text
    source.weight = source.weight if new.weight is None else new.weight
    source.interval_seconds = settings.collect_minutes * 60
    source.disabled_at = source.next_attempt_at = None
    session.flush()
    return source


def _normalise(location: str) -> str:
    location = location.strip()
    if is_url(location):
        try:
            hostname = urlsplit(location).hostname
        except ValueError:
            hostname = None
        if not hostname:
            message = f"{location} is no address: it has no host"
            raise SourceError(message)
        return location
    if "://" in location:
        message = f"{location} cannot be collected from: give an http or https address, or a path"
        raise SourceError(message)
    path = Path(location).expanduser().resolve()
    list_files(path)
    return str(path)


def list_sources(database: Database, slug: str | None) -> list[SourceView]:
    """The sources of a publication, oldest first."""
    with database.read() as session:
        publication = publications.find_publication(session, slug)
        rows = sources.list_sources(session, [publication.id])
        counts = sources.count_articles(session, [row.id for row in rows])
        return [_to_view(row, counts.get(row.id, 0)) for row in rows]


def remove_source(database: Database, slug: str | None, location: str) -> None:
    """Stop collecting from a source; its articles stay.

    Raises:
        NotFoundError: There is none of that address, path or number.

    """
    with database.write() as session:
        publication = publications.find_publication(session, slug)
        known = sources.find_source(session, publication.id, location.strip())
        if known is None and not is_url(location) and not location.isdecimal():
            location = str(Path(location).expanduser().resolve())
        session.delete(known or sources.get_source(session, publication.id, location))


def check_sources(
    settings: Settings, locations: Sequence[str], *, kind: SourceKind | None, base: str | None
) -> Iterator[dict[str, Any]]:
    """Fetch and parse, store nothing: one JSON-ready object per location, in order.

    Args:
        settings: Limits of fetching; no database is needed.
        locations: Addresses, files (gzipped or not) and folders.
        kind: What they are; None to find out.
        base: The address that a file came from.

    """
    addresses = [location for location in locations if is_url(location)]
    fetched = iter(fetch_all(settings, [FetchRequest(address) for address in addresses]))
    for location in locations:
        if is_url(location):
            reading = parse_fetched(next(fetched), kind, UTC)
        else:
            reading = _read_path(settings, location, kind, base)
        yield _describe(location, reading, kind)


def _read_path(settings: Settings, location: str, kind: SourceKind | None, base: str | None) -> Reading:
    path = Path(location).expanduser()
    try:
        if "://" in location:
            message = f"{location} cannot be collected from: give an http or https address, or a path"
            raise FetchError(message)
        if path.is_dir():
            found = read_folder(path, max_bytes=settings.fetch_max_bytes, extract=extract_apart)
            return Reading(parsed=found.source)
        data = read_file(path, max_bytes=settings.fetch_max_bytes)
        return Reading(parsed=parse_source(data, location=base or location, kind=kind, extract=extract_apart))
    except SourceError as error:
        return Reading(error=error)


def _describe(location: str, reading: Reading, kind: SourceKind | None) -> dict[str, Any]:
    parsed: ParsedSource | None = reading.parsed
    problems = [str(reading.error)] if reading.error else list(parsed.problems if parsed else ())
    return {
        "source": location,
        "kind": parsed.kind if parsed else kind,
        "title": parsed.title if parsed else None,
        "articles": [_describe_entry(entry) for entry in _list_entries(parsed)] if parsed else [],
        "problems": problems,
    }


def _list_entries(parsed: ParsedSource) -> tuple[Entry, ...]:
    """A page of headlines gives itself and then what it names; a sitemap names nothing else."""
    return (*parsed.entries, *parsed.leads) if parsed.kind == "page" else parsed.entries


def _describe_entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title or None,
        "link": entry.link,
        "published": entry.published.isoformat() if entry.published else None,
        "updated": entry.updated.isoformat() if entry.updated else None,
        "author": entry.author,
        "category": entry.category,
        "categories": list(entry.categories),
        "status": entry.status,
        "summary": entry.summary,
        "image": entry.image,
        "image_alt": entry.image_alt,
        "image_credit": entry.image_credit,
        "language": entry.language,
        "licence": entry.licence,
        "enclosures": [asdict(enclosure) for enclosure in entry.enclosures],
        "text": entry.text,
        "similar": [_describe_entry(similar) for similar in entry.similar],
        "trends": [_describe_entry(trend) for trend in entry.trends],
    }


def _to_view(row: Source, articles: int) -> SourceView:
    return SourceView(
        id=row.id,
        location=row.location,
        kind=row.kind,
        title=row.title,
        category=row.category,
        full_text=row.full_text,
        weight=row.weight,
        articles=articles,
        last_fetched_at=row.last_fetched_at,
        last_success_at=row.last_success_at,
        last_error=row.last_error,
        failed_count=row.failed_count,
        next_attempt_at=row.next_attempt_at,
        disabled_at=row.disabled_at,
    )
