"""UPDATEs of many rows, compiled once: for a few at a time SQLAlchemy's way costs twice as much."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, column, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import replacement_traverse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Update
    from sqlalchemy.engine import Dialect

    Row = Mapping[str, object]
    """Values by the names of a statement's parameters."""


class _Prepared:
    """The driver's text of a statement, and how to make its parameters of the rows' values."""

    def __init__(self, statement: Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        types = {name: bind.type.dialect_impl(dialect) for name, bind in binds.items()}
        self._encoders: dict[str, Callable[[Any], Any]] = {
            name: encode for name, type_ in types.items() if (encode := type_.bind_processor(dialect))
        }
        self.given = {name: bind for name, bind in binds.items() if bind.required}
        self.text = compiled.string
        self._constants = compiled.params
        self._names = tuple(compiled.positiontup or ())

    def fill(self, rows: Iterable[Row]) -> list[tuple[object, ...]]:
        """What the driver takes, one for each row."""
        filled = ({**self._constants, **row} for row in self.encode(rows))
        return [tuple([values[name] for name in self._names]) for values in filled]

    def encode(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The values as the driver wants them; one that is the same object in row after row is made once."""
        encoded: list[dict[str, Any]] = []
        known: dict[str, tuple[object, object]] = {}
        for row in rows:
            values = dict(row)
            for name, encode in self._encoders.items():
                if name in values:
                    value, last = values[name], known.get(name)
                    if last is None or last[0] is not value:
                        last = known[name] = value, encode(value)
                    values[name] = last[1]
            encoded.append(values)
        return encoded


class _Joined:
    """Several statements, each for many rows, as one, for PostgreSQL: it is asked once, not for each row."""

    def __init__(self, statements: Sequence[Update], dialect: Dialect) -> None:
        self._parts = [_prepare(statement, dialect) for statement in statements]
        *others, last = [
            _join_rows(statement, part.given, number)
            for number, (statement, part) in enumerate(zip(statements, self._parts, strict=True))
        ]
        whole = last.add_cte(*(each.cte(f"update_{number}") for number, each in enumerate(others)))
        compiled = whole.compile(dialect=dialect)
        self.text = compiled.string
        self._constants = compiled.params

    def fill(self, rows: Sequence[Sequence[Row]]) -> dict[str, object]:
        """What the driver takes, of rows for each of the statements."""
        filled = dict(self._constants)
        for number, (part, some) in enumerate(zip(self._parts, rows, strict=True)):
            filled[f"{_ROWS}_{number}"] = json.dumps(part.encode(some), default=datetime.isoformat)
            filled[f"{_COUNT}_{number}"] = len(some)
        return filled


_ROWS, _COUNT = "given_rows", "given_count"


def _join_rows(statement: Update, given: Mapping[str, BindParameter[Any]], number: int) -> Update:
    """The statement with columns of a table in place of its parameters, and that table for a parameter."""
    columns = [column(name, bind.type) for name, bind in given.items()]
    rows = func.jsonb_to_recordset(bindparam(f"{_ROWS}_{number}", type_=JSONB)).table_valued(*columns)
    listed = rows.render_derived(name=f"listed_{number}", with_types=True)
    # Without a limit PostgreSQL expects a hundred rows, and may read the whole table to find a few.
    table = select(*listed.c).limit(bindparam(f"{_COUNT}_{number}")).subquery(f"given_{number}")

    def replace(element: Any, **_: object) -> Any:  # noqa: ANN401 - SQLAlchemy's own types
        return table.c[element.key] if isinstance(element, BindParameter) and element.key in given else None

    return cast("Update", replacement_traverse(statement, {}, replace))


@lru_cache(maxsize=32)
def _prepare(statement: Update, dialect: Dialect) -> _Prepared:
    return _Prepared(statement, dialect)


@lru_cache(maxsize=32)
def _join(statements: tuple[Update, ...], dialect: Dialect) -> _Joined:
    return _Joined(statements, dialect)


def update_many(connection: Connection, *updates: tuple[Update, Sequence[Row]]) -> int:
    """Run UPDATEs, each once for each of its rows of values; how many rows of the table the last changed.

    On PostgreSQL all of them are one statement.

    Args:
        connection: In a transaction that may write.
        updates: Each a module's own statement, for it is remembered, every parameter of which has a name
            that is no column's; and at least one row. No two rows are for the same row of the table.

    """
    if connection.dialect.name == "postgresql":
        joined = _join(tuple(statement for statement, _ in updates), connection.dialect)
        return connection.exec_driver_sql(joined.text, joined.fill([rows for _, rows in updates])).rowcount
    changed = 0
    for statement, rows in updates:
        prepared = _prepare(statement, connection.dialect)
        changed = connection.exec_driver_sql(prepared.text, prepared.fill(rows)).rowcount
    return changed
