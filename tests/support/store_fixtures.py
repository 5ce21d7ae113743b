"""Fixtures: a database with our schema, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "test.db"
    made = Database(f"sqlite:///{path}")
    upgrade_schema(made)
    with made.raw() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return path


@pytest.fixture
def database(database_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "test.db"
    shutil.copy(database_template, path)
    copied = Database(f"sqlite:///{path}")
    yield copied
    copied.close()
