"""Use cases: make, change, list and find publications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import Approval, Publication
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationChanges:
    """What `publication add` and `publication set` may say; None leaves a value as it is."""

    name: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    address: str | None = None
    language: str | None = None
    timezone: str | None = None
    schedule: str | None = None
    approval: Approval | None = None


def add_publication(
    database: Database, settings: Settings, slug: str, changes: PublicationChanges, *, now: datetime
) -> Publication:
    """Make a publication that can be approved and sent as it stands."""
    raise NotImplementedError


def set_publication(
    database: Database, settings: Settings, slug: str | None, changes: PublicationChanges
) -> Publication:
    """Change a publication."""
    raise NotImplementedError


def list_publications(database: Database, settings: Settings) -> list[Publication]:
    """Every publication, by slug."""
    raise NotImplementedError


def get_publication(database: Database, settings: Settings, slug: str | None) -> Publication:
    """The publication of that slug, or the only one."""
    raise NotImplementedError
