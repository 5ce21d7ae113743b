"""Postfix's smtp-sink, which takes mail and counts it, and smtp-source, which is as fast as C can send."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

SESSIONS = 16
_COUNTED = re.compile(rb"mesg=(\d+)")
_STARTS_WITHIN = 10.0


@dataclass
class Sink:
    """A running smtp-sink."""

    port: int
    said: Path
    """What it prints: with `-c` the number of messages that it took, anew after each."""
    told: int = 0

    @property
    def smtp_url(self) -> str:
        """What the program has to be told."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    def count(self) -> int:
        """How many messages it took since the last call."""
        with self.said.open("rb") as file:
            file.seek(-min(self.said.stat().st_size, 200), os.SEEK_END)
            total = int((_COUNTED.findall(file.read()) or [b"0"])[-1])
        new, self.told = total - self.told, total
        return new


@contextmanager
def run_sink() -> Iterator[Sink]:
    """Start smtp-sink and end it."""
    port = find_port()
    command = [_find("smtp-sink"), "-c", f"127.0.0.1:{port}", "200"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with NamedTemporaryFile(prefix="sink-") as said:
        process = subprocess.Popen(command, stdout=said)
        try:
            wait_for(port)
            yield Sink(port, Path(said.name))
        finally:
            process.terminate()
            process.wait(10)


def run_source(sink: Sink, messages: int, size: int) -> float:
    """Send so many messages of that size with smtp-source, 16 sessions kept open; the seconds it took."""
    addresses = ["-f", "desk@example.org", "-t", "reader@example.net"]
    load = ["-d", "-s", str(SESSIONS), "-m", str(messages), "-l", str(size)]
    began = time.perf_counter()
    subprocess.run([_find("smtp-source"), *load, *addresses, f"127.0.0.1:{sink.port}"], check=True)
    return time.perf_counter() - began


def find_port() -> int:
    """A port that is free just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until something listens there."""
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _find(name: str) -> str:
    # Debian keeps them where only an administrator's PATH leads.
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise SystemExit(f"{name} is missing: install Postfix (its smtp-sink and smtp-source are needed)")
    return path
