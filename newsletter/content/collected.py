"""What a source says, before it is cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

SourceKind = Literal["feed", "page", "sitemap", "folder"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One article as its source published it; links absolute, text and HTML not yet cleaned."""

    title: str
    id: str | None = None
    link: str | None = None
    published: datetime | None = None
    """Aware, with the offset as published."""
    updated: datetime | None = None
    author: str | None = None
    category: str | None = None
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
    similar: tuple[Entry, ...] = ()
    trends: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """What the bytes of one source, page or file say, in document order."""

    kind: SourceKind
    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()
