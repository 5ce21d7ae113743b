"""Use case: collect what the sources of a publication have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class CollectReport:
    """Counts of one run; the keys are those of `collect --json`."""

    sources: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    """`source` (its location) and `error`."""


def collect_sources(
    database: Database, settings: Settings, slug: str | None, *, now: datetime, due_only: bool = False
) -> CollectReport:
    """Collect from every source (or those that are due); one that fails never stops the rest."""
    raise NotImplementedError
