"""Fixtures of the servers that sources come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.feed_server import FeedServer


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    """Serve what a test sets, on a free port of loopback."""
    with FeedServer().running() as server:
        yield server
