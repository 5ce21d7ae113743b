"""Fixtures: the site as a real HTTP server on loopback, with a fixed cast and a clock of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast as cast_type

import pytest
from pydantic import SecretStr

from newsletter.config import Settings
from newsletter.store.engine import Database
from newsletter.web.server import serve
from tests.support.store_builders import NOW
from tests.support.web_browser import Site

KEY = "k" * 32
PASSWORDS = {"ada@example.org": "ada-likes-cranes", "bo@example.org": "bo-runs-the-ferry"}


def make_settings() -> Settings:
    # Every test has a working directory of its own, and so copies of its own.
    return Settings(
        secret_key=SecretStr(KEY),
        base_url="http://localhost:8000",
        stop_seconds=2,
        image_copies=Path("copies"),
    )


@pytest.fixture
def settings() -> Settings:
    return make_settings()


class _Switch:
    """Stands for the database of whichever test runs, so that one server serves them all."""

    site: Site | None = None

    def __getattr__(self, name: str) -> object:
        assert self.site is not None
        return getattr(self.site.database, name)

    def read_clock(self) -> datetime:
        assert self.site is not None
        return self.site.now


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[_Switch, int]]:
    """Run one server on a free port."""
    stop, ready, switch = threading.Event(), threading.Event(), _Switch()
    ports: list[int] = []

    def keep(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=serve,
        args=(make_settings(), cast_type("Database", switch)),
        kwargs={"stop": stop, "port": 0, "on_ready": keep, "clock": switch.read_clock},
    )
    thread.start()
    assert ready.wait(20)
    yield switch, ports[0]
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def site(database: Database, settings: Settings, running: tuple[_Switch, int]) -> Site:
    switch, port = running
    switch.site = Site(database, settings, now=NOW, port=port)
    return switch.site


@pytest.fixture(scope="session")
def hashed_cast() -> dict[str, str]:
    """Hash the passwords of Ada, the editor, and Bo, the operator; cheaply, as no attacker will see them."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return {email: hasher.hash(password) for email, password in PASSWORDS.items()}


@pytest.fixture
def cast(database: Database, hashed_cast: dict[str, str]) -> dict[str, str]:
    """Make Ada an editor and Bo an operator; Cy is nobody."""
    from newsletter.store.models import User

    made_at: datetime = NOW - timedelta(days=9)
    with database.write() as session:
        for email, role in (("ada@example.org", "editor"), ("bo@example.org", "operator")):
            session.add(User(email=email, role=role, password_hash=hashed_cast[email], created_at=made_at))
    return PASSWORDS
