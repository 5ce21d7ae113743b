"""Fixtures of the servers that sources come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.collect.fetch import robots
from tests.support.feed_server import FeedServer


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    """Serve what a test sets, on a free port of loopback."""
    robots.KNOWN.clear()  # an earlier server may have had the same port
    with FeedServer().running() as server:
        yield server
