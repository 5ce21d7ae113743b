"""Use case: say whether this process can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.schema import check_schema

if TYPE_CHECKING:
    from newsletter.store.engine import Database


def check_database(database: Database) -> None:
    """Ask the database for its schema.

    Raises:
        DatabaseError: It does not answer, or has another schema than this program needs.

    """
    check_schema(database)
