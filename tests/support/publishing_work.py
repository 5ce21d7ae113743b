"""What sending processes do in tests; imported into the fork server of `ledger_processes`."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

from newsletter.publishing.sending import SendOptions, send_issue
from newsletter.store.engine import Database
from tests.support.publishing_builders import NOW, make_settings


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
