"""Databases of a PostgreSQL server that a test may fill and drop."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


@contextmanager
def make_database(home: Path, template: str = "template1") -> Iterator[str]:
    """The name of a new database, a copy of another; dropped at the end of the block."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(host=str(home), user="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_url(home: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={home}"
