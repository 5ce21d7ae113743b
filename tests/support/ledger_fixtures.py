"""Fixtures: PostgreSQL databases with our schema, and tests that run on both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema
from tests.support.postgres_builders import make_database, make_url


@pytest.fixture(scope="session")
def postgres_template(postgres_home: Path) -> Iterator[str]:
    """The name of a PostgreSQL database with every table and no row, made once."""
    with make_database(postgres_home) as name:
        database = Database(make_url(postgres_home, name))
        upgrade_schema(database)
        database.close()
        yield name


@pytest.fixture
def postgres_database(postgres_home: Path, postgres_template: str) -> Iterator[Database]:
    """A copy of that database."""
    with make_database(postgres_home, postgres_template) as name:
        database = Database(make_url(postgres_home, name))
        yield database
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest) -> Database:
    """The test runs on both."""
    database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres_database")
    assert isinstance(database, Database)
    return database
