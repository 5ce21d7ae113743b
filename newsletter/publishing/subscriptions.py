"""Use cases: take in and give out a publication's sources as a list of feeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.collect.folders import read_file
from newsletter.collect.opml import Subscription, parse_opml, write_opml
from newsletter.errors import SourceError
from newsletter.publishing.reading import is_url
from newsletter.publishing.sources import NewSource, check_new, put_source
from newsletter.store import publications, sources

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from newsletter.config import Settings
    from newsletter.content import SourceKind
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class OpmlReport:
    """Counts of one import; the keys are those of `source import-opml --json`."""

    read: int = 0
    added: int = 0
    known: int = 0
    """Sources that were there already; they stay as they are."""
    rejected: list[dict[str, str]] = field(default_factory=list)
    """`source` (its address in the list) and `error`."""


def import_opml(
    database: Database, settings: Settings, slug: str | None, path: Path, *, now: datetime
) -> OpmlReport:
    """Add every feed of a list; nothing is fetched, and what is there already stays as it is.

    Args:
        database: The handle.
        settings: How often a source is asked.
        slug: Whose sources.
        path: The list, OPML.
        now: When they were added.

    Raises:
        FetchError: The file cannot be read.
        ParseError: It is no list of feeds.

    """
    listed = parse_opml(read_file(path, max_bytes=settings.fetch_max_bytes), name=str(path))
    added, known, rejected = 0, 0, []
    with database.write() as session:
        publication = publications.find_publication(session, slug)
        for each in listed:
            try:
                new = check_new(_to_new(each))
            except SourceError as error:
                rejected.append({"source": each.location, "error": str(error)})
                continue
            if sources.find_source(session, publication.id, new.location) is not None:
                known += 1
                continue
            put_source(session, settings, publication.id, new, now=now)
            added += 1
    return OpmlReport(len(listed), added, known, rejected)


def _to_new(each: Subscription) -> NewSource:
    if not is_url(each.location):
        # A list comes from elsewhere: it may not name files of this machine.
        message = f"{each.location} is no http or https address"
        raise SourceError(message)
    kind: SourceKind = each.kind  # type: ignore[assignment] # parse_opml gives feed, page or sitemap only
    return NewSource(each.location, kind, each.category, each.title)


def export_opml(database: Database, slug: str | None) -> bytes:
    """The sources of a publication as OPML 2.0, a folder for each category; paths are left out."""
    with database.read() as session:
        publication = publications.find_publication(session, slug)
        rows = sources.list_sources(session, [publication.id])
        listed = [
            Subscription(row.location, row.title, row.category, row.kind)
            for row in rows
            if is_url(row.location)
        ]
        return write_opml(publication.name, listed)
