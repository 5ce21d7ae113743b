"""One statement for many rows, compiled once: for a few at a time SQLAlchemy's way costs twice as much."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection, Update
    from sqlalchemy.engine import Dialect


class _Prepared:
    """The driver's text of a statement, and how to make its parameters of a row's values."""

    def __init__(self, statement: Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        """In order where the driver wants them so, as SQLite's does; PostgreSQL's takes them by name."""
        self._constants = compiled.params
        types = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        self._encoders: dict[str, Callable[[Any], Any]] = {
            name: encode for name, type_ in types.items() if (encode := type_.bind_processor(dialect))
        }

    def fill(self, rows: Iterable[Mapping[str, object]]) -> list[Any]:
        """What the driver takes; a value that is the same object in row after row is encoded once."""
        filled: list[Any] = []
        known: dict[str, tuple[object, object]] = {}
        for row in rows:
            values = {**self._constants, **row}
            for name, encode in self._encoders.items():
                value, last = values[name], known.get(name)
                if last is None or last[0] is not value:
                    last = known[name] = value, encode(value)
                values[name] = last[1]
            filled.append(tuple([values[name] for name in self._names]) if self._names else values)
        return filled


@lru_cache(maxsize=32)
def _prepare(statement: Update, dialect: Dialect) -> _Prepared:
    return _Prepared(statement, dialect)


def update_many(connection: Connection, statement: Update, rows: Iterable[Mapping[str, object]]) -> int:
    """Run an UPDATE once for each row of values for its named parameters; how many rows it changed.

    Args:
        connection: In a transaction that may write.
        statement: A module's own, for it is remembered; every parameter has a name that is no column's.
        rows: At least one.

    """
    prepared = _prepare(statement, connection.dialect)
    return connection.exec_driver_sql(prepared.text, prepared.fill(rows)).rowcount
