"""Fixtures: the site as a real HTTP server on loopback, with a fixed cast and a clock of its own."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from newsletter.config import Settings
from newsletter.store.engine import Database
from newsletter.web.server import serve
from tests.support.store_builders import NOW
from tests.support.web_browser import Site

KEY = "k" * 32
PASSWORDS = {"ada@example.org": "ada-likes-cranes", "bo@example.org": "bo-runs-the-ferry"}


@pytest.fixture
def settings() -> Settings:
    return Settings(secret_key=SecretStr(KEY), base_url="http://localhost:8000", stop_seconds=2)


@pytest.fixture
def site(database: Database, settings: Settings) -> Iterator[Site]:
    # Queries of other rooms still call what SQLAlchemy 2.1 deprecates; they have tests of their own.
    warnings.filterwarnings("ignore", message="The Result.tuples")
    stop, ready = threading.Event(), threading.Event()
    found = Site(database, settings, now=NOW)

    def keep(port: int) -> None:
        found.port = port
        ready.set()

    thread = threading.Thread(
        target=serve,
        args=(settings, database),
        kwargs={"stop": stop, "port": 0, "on_ready": keep, "clock": lambda: found.now},
    )
    thread.start()
    assert ready.wait(20)
    yield found
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def hashed_cast() -> dict[str, str]:
    """Hash the passwords of Ada, the editor, and Bo, the operator, once: it is slow on purpose."""
    from argon2 import PasswordHasher

    return {email: PasswordHasher().hash(password) for email, password in PASSWORDS.items()}


@pytest.fixture
def cast(database: Database, hashed_cast: dict[str, str]) -> dict[str, str]:
    """Make Ada an editor and Bo an operator; Cy is nobody."""
    from newsletter.store.models import User

    made_at: datetime = NOW - timedelta(days=9)
    with database.write() as session:
        for email, role in (("ada@example.org", "editor"), ("bo@example.org", "operator")):
            session.add(User(email=email, role=role, password_hash=hashed_cast[email], created_at=made_at))
    return PASSWORDS
