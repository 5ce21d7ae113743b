"""Use cases: add, list, remove and check sources of articles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import SourceKind
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source as screens and JSON show it."""

    id: int
    location: str
    kind: str
    title: str | None
    category: str | None
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


def add_source(database: Database, settings: Settings, slug: str | None, new: NewSource, *, now: datetime) -> SourceView:
    """Add a source; a path must be readable, its kind is found where none is given. Nothing is fetched."""
    raise NotImplementedError


def list_sources(database: Database, slug: str | None) -> list[SourceView]:
    """The sources of a publication, oldest first."""
    raise NotImplementedError


def remove_source(database: Database, slug: str | None, location: str) -> None:
    """Stop collecting from a source; its articles stay."""
    raise NotImplementedError


def check_sources(
    settings: Settings, locations: Sequence[str], *, kind: SourceKind | None, base: str | None
) -> Iterator[dict[str, Any]]:
    """Fetch and parse, store nothing: one JSON-ready object per location, in order."""
    raise NotImplementedError
