"""The database handle: who may write when, and what its errors mean."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from newsletter.config import hide_password
from newsletter.errors import ConfigError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from psycopg.abc import Params

BUSY_SECONDS = 30
"""How long a writer waits for another; shorter ones give up while eight processes take turns."""

IDLE_SECONDS: float = 30
"""How long PostgreSQL lets a writer stand still in a transaction before it takes its locks away: a machine
that freezes there would hold up all the others. Well below the lease of a claim."""

LOCK_SECONDS = 0.5
"""How long many short transactions wait on PostgreSQL for rows of another. Of two that wait for each other it
ends one after a second: that is this one then, which tries again, and no editor's or reader's."""


class Database:
    """One database and its pool of connections; does not know what is in it."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Take an SQLAlchemy URL; nothing is opened before the first transaction."""
        self.url = url
        self.engine = _make_engine(url, busy_seconds)
        self.dialect = self.engine.dialect.name
        self._writer = self.engine.execution_options(write=True)
        self._held: set[RowWriter] = set()
        self._reader = self.engine
        if self.dialect == "postgresql":
            # Its default shows each statement another state of the database.
            self._reader = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def name(self) -> str:
        """The URL without its password, for messages."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def path(self) -> str | None:
        """The file, where the database is one."""
        return self.engine.url.database if self.dialect == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and never waits for a writer."""
        with self._session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write, committed at the end of the block; one at a time on SQLite."""
        with self._session(self._writer) as session:
            yield session
            session.commit()

    def open_writer(self) -> RowWriter:
        """The same for many short transactions without an ORM, which costs more than a few rows do."""
        return RowWriter(self._writer, self._explained, self._held)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with self._explained(), Session(engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(error, self.name) from error
        except sqlite3.Error as error:
            raise explain_words(str(error), self.name) from error

    @contextmanager
    def raw(self) -> Iterator[Any]:
        """The driver's own connection, for what cannot be done inside a transaction."""
        with self._explained():
            connection = self.engine.raw_connection()
            try:
                yield connection.driver_connection
            finally:
                connection.close()

    def close(self) -> None:
        """Give every connection back."""
        for writer in tuple(self._held):
            writer.close()
        self.engine.dispose()


class RowWriter:
    """One connection for many short transactions of one thread, opened anew after a failure."""

    def __init__(
        self,
        engine: Engine,
        explained: Callable[[], AbstractContextManager[None]],
        held: set[RowWriter],
    ) -> None:
        """Open nothing yet; while a connection is open, this is among those that are held."""
        self._engine, self._explained, self._held = engine, explained, held
        self._connection: Connection | None = None

    @contextmanager
    def write(self, *, once: bool = False) -> Iterator[Connection]:
        """A transaction that may write, committed at the end of the block.

        Args:
            once: One statement in it writes, which PostgreSQL then commits without being told to.

        """
        try:
            with self._explained():
                connection = self._connection = self._connection or self._open()
                with connection.begin():
                    if once and self._engine.dialect.name == "postgresql":
                        with _commit_each(connection):
                            yield connection
                    else:
                        yield connection
        except BaseException:
            self.close()
            raise

    def _open(self) -> Connection:
        connection = self._engine.connect()
        self._held.add(self)
        if self._engine.dialect.name == "postgresql":
            # The pool's others go on waiting as they did.
            connection.detach()
            connection.exec_driver_sql(f"SET lock_timeout = {int(LOCK_SECONDS * 1000)}")
            connection.commit()
        return connection

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._held.discard(self)


@contextmanager
def _commit_each(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL commit each statement: one answer to wait for instead of three."""
    driver: Any = connection.connection.dbapi_connection
    driver.autocommit = True
    yield
    driver.autocommit = False


def _make_engine(url: str, busy_seconds: float) -> Engine:
    shown = hide_password(url)
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            message = f"database_url {shown!r}: only sqlite:/// and postgresql+psycopg:// are supported"
            raise ConfigError(message)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        message = f"database_url {shown!r} is not an SQLAlchemy URL, as sqlite:///subscribers.db is"
        raise ConfigError(message) from error
    if engine.dialect.name == "sqlite":
        _own_transactions(engine, busy_seconds)
    else:
        _limit_idleness(engine)
    return engine


def _own_transactions(engine: Engine, busy_seconds: float) -> None:
    """Take BEGIN from the driver, which starts too late for a read before a write to be safe."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own types
        connection.isolation_level = None
        for pragma in (f"busy_timeout={int(busy_seconds * 1000)}", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:  # noqa: ANN401 - as above
        begin = "BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN"
        # Past SQLAlchemy's own way to run a statement, which takes longer than the statement.
        connection.connection.driver_connection.execute(begin)


def _limit_idleness(engine: Engine) -> None:
    """Writers alone: a reader holds nobody up, and may wait for whoever reads what it prints."""
    from psycopg import Cursor

    class LockstepCursor(Cursor[Any]):
        """Sends row after row, since the driver's pipeline ends with a flush that stops the server's clock.

        The transaction of a machine that froze after one would never be found idle (psycopg 3.3).
        """

        def executemany(
            self,
            query: Any,  # noqa: ANN401 - a type of the driver's that its own `execute` does not take
            params_seq: Iterable[Params],
            *,
            returning: bool = False,
        ) -> None:
            del returning  # SQLAlchemy asks for no rows by this way
            count = 0
            for params in params_seq:
                self.execute(query, params)
                count += self.rowcount
            self._rowcount = count

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own types
        connection.cursor_factory = LockstepCursor
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {int(IDLE_SECONDS * 1000)}")
        connection.commit()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:  # noqa: ANN401 - as above
        if not connection.get_execution_options().get("write"):
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


_REASONS = {
    "database is locked": "another process keeps it locked too long: look for a stuck `newsletter` process",
    "database or disk is full": "the disk is full: make room, nothing recorded so far is lost",
    "disk I/O error": "the disk failed or is full: check it, nothing recorded so far is lost",
    "unable to open database file": "it cannot be opened: check that its folder exists and may be written",
    "readonly database": "it may only be read: check the owner and mode of the file and its folder",
    "is not a database": "the file is not an SQLite database: check database_url, or restore a backup",
    "malformed": "the file is damaged: restore a backup",
    "no such table": "its tables are missing: run `newsletter init`",
    "password authentication failed": "the server refused the password: check database_url",
    "lock timeout": "another process keeps rows locked that are needed here: it is tried again",
    "does not exist": "it lacks what the program needs: check database_url, then run `newsletter init`",
    "connection to server": "the server does not answer: check that it runs and that database_url is right",
    "idle-in-transaction timeout": "this process stood still for too long and was cut off: start it again",
    "server closed the connection": "the server ended the connection: it may be restarting, try again",
}


def explain(error: DBAPIError, name: str) -> DatabaseError:
    """The sentence for what a driver said; unknown words are passed on."""
    return explain_words(str(error.orig), name)


def explain_words(said: str, name: str) -> DatabaseError:
    """As `explain`, for the words alone."""
    said = " ".join(said.split())
    for words, reason in _REASONS.items():
        if words in said:
            return DatabaseError(f"database {name}: {reason}")
    return DatabaseError(f"database {name}: {said}")


def take_turn(session: Session, work: str, owner: int) -> None:
    """Wait for other transactions that do the same work for the same owner; on SQLite all writers do.

    Args:
        session: A transaction that may write.
        work: A word for what is done.
        owner: The id of the row for which it is done.

    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:work), :owner)"), {"work": work, "owner": owner}
        )


def clock(session: Session) -> float:
    """The database's own time in seconds since 1970, the only one that leases go by."""
    seconds = (
        "(julianday('now') - 2440587.5) * 86400.0"
        if session.get_bind().dialect.name == "sqlite"
        else "extract(epoch from clock_timestamp())"
    )
    return float(session.execute(text(f"SELECT {seconds}")).scalar_one())
