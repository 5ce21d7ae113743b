"""Opens the database for a door, and refuses one that the program does not fit."""

from __future__ import annotations

from newsletter.config import Settings
from newsletter.store.engine import Database as Database  # noqa: PLC0414 - doors name the type from here
from newsletter.store.schema import check_schema


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name.

    Raises:
        ConfigError: `database_url` is no URL of a database that is supported.
        DatabaseError: It cannot be reached, or has another schema than this program needs.

    """
    database = Database(settings.database_url)
    try:
        check_schema(database)
    except BaseException:
        database.close()
        raise
    return database
