"""Fixtures: a publication with its settings, its servers and the use cases that a test calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.store.engine import Database
from tests.support.feed_server import FeedServer
from tests.support.publishing_builders import Desk, make_desk
from tests.support.smtp_server import SmtpServer


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A publication without sources or readers, and nowhere to send to."""
    return make_desk(database, tmp_path)


@pytest.fixture
def sending_desk(desk: Desk, smtp_server: SmtpServer) -> Desk:
    """With a real SMTP server that accepts everything."""
    return desk.sent_by(smtp_server.port)


@pytest.fixture
def collecting_desk(desk: Desk, feed_server: FeedServer) -> Desk:
    """With a real HTTP server; a test says what it serves."""
    desk.feeds = feed_server
    return desk
