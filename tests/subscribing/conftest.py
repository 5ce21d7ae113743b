"""Every test here runs on SQLite, and in a deep run on PostgreSQL too."""

from __future__ import annotations

import pytest

from newsletter.store.engine import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.deep)])
def database(request: pytest.FixtureRequest, database: Database) -> Database:
    if request.param == "sqlite":
        return database
    found: Database = request.getfixturevalue("postgres_database")
    return found
