"""What a source says, before it is cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

SourceKind = Literal["feed", "page", "sitemap", "folder"]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with an article, such as the sound of a broadcast."""

    url: str
    media_type: str | None = None
    length: int | None = None
    """Octets, as the source says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One article as its source published it; links absolute, text and HTML not yet cleaned."""

    title: str
    id: str | None = None
    link: str | None = None
    own_link: str | None = None
    """Where `link` leads, as a feed says whose links lead over a service that counts (FeedBurner)."""
    published: datetime | None = None
    """Aware, with the offset as published."""
    updated: datetime | None = None
    author: str | None = None
    category: str | None = None
    """The first of `categories`, or the section that a page stands in."""
    categories: tuple[str, ...] = ()
    status: str | None = None
    summary: str | None = None
    """Plain text."""
    image: str | None = None
    image_alt: str | None = None
    image_credit: str | None = None
    text: str | None = None
    """Plain text, paragraphs parted by blank lines."""
    html: str | None = None
    """The body as HTML where the source has it, as published."""
    language: str | None = None
    licence: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    similar: tuple[Entry, ...] = ()
    trends: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a feed says that it is to be asked."""

    wait: timedelta = timedelta()
    """At least so long between two times."""
    skip_hours: frozenset[int] = frozenset()
    """Of the day in GMT, 0 to 23."""
    skip_days: frozenset[int] = frozenset()
    """Monday is 0."""


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """What the bytes of one source, page or file say, in document order."""

    kind: SourceKind
    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()
    pace: Pace = Pace()
    leads: tuple[Entry, ...] = ()
    """Articles that a page or a sitemap only names: their pages are still to be fetched."""
    maps: tuple[str, ...] = ()
    """Sitemaps that an index names, the most promising first."""
