"""What sending processes do in tests; imported into the fork server of `ledger_processes`."""

from __future__ import annotations

import platform
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from newsletter.operating import worker
from newsletter.publishing.sending import SendOptions, send_issue
from newsletter.store import engine, shards, workers
from newsletter.store.engine import Database
from tests.support.publishing_builders import NOW, make_settings

SHARD_SIZE = 20
"""Of workers that hurry."""


def send(url: str, folder: Path, smtp_port: int, issue_id: int, connections: int) -> str:
    """Send an issue; the state that it is in then."""
    settings = make_settings(folder, smtp_port)
    options = SendOptions(connections=connections)
    return send_issue(Database(url), settings, issue_id, options, now=NOW).state


def send_until_killed(
    said: Connection, url: str, folder: Path, smtp_port: int, issue_id: int, connections: int
) -> None:
    """The same, for a process that will not see the end."""
    said.send("sending")
    send(url, folder, smtp_port, issue_id, connections)
    time.sleep(600)


def hurry(machine: str | None = None) -> None:
    """Make everything that waits wait less, in this process; perhaps as if it were another machine."""
    engine.IDLE_SECONDS = 1.0
    shards.SHARD_SIZE = SHARD_SIZE
    shards.BEAT_SECONDS, shards.STALLED_SECONDS = 0.3, 1.5
    workers.BEAT_SECONDS, workers.LEASE_SECONDS = 0.3, 2.0
    worker.TEND_SECONDS, worker.PAUSE_SECONDS, worker.POLL_SECONDS = 0.3, 0.1, 0.2
    if machine:
        platform.node = lambda: machine


def work(said: Connection, url: str, folder: Path, smtp_port: int, machine: str | None) -> None:
    """Be a worker until killed."""
    hurry(machine)
    said.send("working")
    worker.work(Database(url), make_settings(folder, smtp_port), threading.Event())
