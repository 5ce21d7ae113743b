"""Which schema a database has, whether it is ours, and how it is brought up to date."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from newsletter.errors import SchemaError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from newsletter.store.engine import Database

APPLICATION_ID = 0x4E4C5452
"""`NLTR`, in the header of our SQLite files: an empty foreign file is told from ours by it."""

HEAD = "0007"
"""The newest revision; a test compares it with Alembic's."""

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 0x4E4C5452
_WAL_SECONDS = 10.0
_WAL_PAUSE = 0.02


def upgrade_schema(database: Database) -> tuple[str | None, str]:
    """Create the tables or bring them up to date, in one transaction; safe to run at once from many places.

    Returns:
        The revision before (None where there was nothing) and after.

    Raises:
        SchemaError: The database belongs to another program, or to a newer version of this one.

    """
    if database.dialect == "sqlite":
        with database.read() as session:
            _find_revision(session.connection(), database.name)
        _use_write_ahead_log(database)
    with database.write() as session:
        connection = session.connection()
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        before = _find_revision(connection, database.name)
        _refuse_newer(before, database.name)
        if before != HEAD:
            _run_migrations(connection)
        if database.dialect == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    return before, HEAD


def check_schema(database: Database) -> None:
    """Refuse a database that this program does not fit.

    Raises:
        SchemaError: There are no tables, they are older or newer, or they are another program's.

    """
    path = database.path
    if path is not None and path != ":memory:" and not Path(path).exists():
        message = f"database {database.name} does not exist: run `newsletter init`"
        raise SchemaError(message)
    with database.read() as session:
        found = _find_revision(session.connection(), database.name)
    if found is None:
        message = f"database {database.name} is empty: run `newsletter init`"
        raise SchemaError(message)
    _refuse_newer(found, database.name)
    if found != HEAD:
        message = (
            f"database {database.name} has schema {found}, this program needs {HEAD}: "
            "stop every newsletter process, copy the database, then run `newsletter init`"
        )
        raise SchemaError(message)


def _use_write_ahead_log(database: Database) -> None:
    """Readers then never wait for the writer; the choice stays in the file, so it is made once.

    SQLite says at once that the file is locked, whatever busy_timeout is, while another process writes to it.
    """
    until = time.monotonic() + _WAL_SECONDS
    with database.raw() as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_WAL_PAUSE)
            else:
                return


def _find_revision(connection: Connection, name: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if mark not in {0, APPLICATION_ID}:
            _refuse_foreign(name)
    if not tables:
        return None
    if "alembic_version" not in tables or "publications" not in tables:
        _refuse_foreign(name)
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _refuse_foreign(name: str) -> None:
    message = (
        f"database {name} holds another program's tables: name an empty or new database in database_url, "
        "as sqlite:///subscribers.db"
    )
    raise SchemaError(message)


def _refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found > HEAD:
        message = (
            f"database {name} has schema {found}, newer than {HEAD} which this program knows: "
            "install the newer version again, or restore the backup made before the upgrade"
        )
        raise SchemaError(message)


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
