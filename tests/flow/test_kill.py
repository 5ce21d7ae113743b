"""kill -9 in mid-send, at random moments: nobody is left out, repeats stay within what SMTP cannot avoid."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from newsletter.content import OnUncertain
from tests.support.cli_fixtures import ROOT, Call, make_environment, run_program

CONNECTIONS = 4
KILLS = int(os.environ.get("KILLS", "0"))
EARLY = 0.2
"""Part of the kills that do not wait for a message."""
STATES = ("queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped")
SEND = ("-m", "newsletter", "issue", "send", "1")


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """An SMTP server in a process of its own, which flushes its log before each 250."""
    log = tmp_path / "sink.log"
    command = [sys.executable, "-m", "tests.support.smtp_server", "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), log
        finally:
            process.kill()


def read_log(log: Path) -> Counter[str]:
    """How often each Message-ID was accepted."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split()[0] for line in lines)


def approve_issue(call: Call, folder: Path, recipients: int) -> None:
    """An approved issue with one article, and so many active subscribers."""
    (folder / "texts").mkdir()
    (folder / "texts/one.txt").write_text("A ship came in\n\nThe whole town was at the quay to see it.\n")
    (folder / "list.csv").write_text("email\n" + "".join(f"r{n}@example.net\n" for n in range(recipients)))
    for command in (
        ("source", "add", folder / "texts"),
        ("collect",),
        ("issue", "draft"),
        ("subscriber", "import", folder / "list.csv"),
        ("issue", "approve", "1"),
    ):
        assert call(*command).code == 0


@dataclass
class Desk:
    """A send that is killed again and again, and the server that it sends to."""

    call: Call
    port: int
    log: Path
    recipients: int
    chance: random.Random = field(default_factory=lambda: random.Random(20261122))
    unknown: int = 0
    """Deliveries of which nobody knew at a kill whether they had arrived, of all kills."""

    def kill_once(self, policy: OnUncertain) -> None:
        """Start a send and kill it: mostly a moment after its first message, sometimes before."""
        environment = make_environment(NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{self.port}")
        size, began = self.log.stat().st_size, time.monotonic()
        patience = self.chance.uniform(0.2, 1.2) if self.chance.random() < EARLY else 60.0
        command = [sys.executable, *SEND, "--on-uncertain", policy]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while self.log.stat().st_size == size and process.poll() is None:
                if time.monotonic() - began > patience:
                    break
                time.sleep(0.005)
            time.sleep(self.chance.uniform(0, 0.06))
            process.kill()
        status = self.call("issue", "status", "1", "--json").json
        assert status["dot_sent"] <= CONNECTIONS
        assert sum(status[state] for state in STATES) == self.recipients
        self.unknown += status["dot_sent"]


@pytest.mark.timeout(600 + 20 * KILLS)
def test_kills_lose_nobody_and_repeat_at_most_one_message_per_open_connection(
    call: Call,
    home: Path,
    sink: tuple[int, Path],
    *,
    is_deep: bool,
    record_property: Callable[[str, object], None],
) -> None:
    """`KILLS=5000` in the environment makes it that many."""
    kills = KILLS or (50 if is_deep else 4)
    port, log = sink
    log.touch()
    desk = Desk(call, port, log, recipients=100 * kills)
    approve_issue(call, home, desk.recipients)

    for _ in range(kills // 2):
        desk.kill_once("hold")
    held = read_log(log)
    assert held.total() == len(held)
    unknown_held = desk.unknown
    for _ in range(kills - kills // 2):
        desk.kill_once("resend")
    started = time.monotonic()
    # Said again: the issue keeps to `hold` where every later process died before it could say otherwise.
    done = run_program(*SEND, "--on-uncertain", "resend", NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{port}")
    seconds = time.monotonic() - started

    assert done.code == 0, done.err
    accepted = read_log(log)
    ledger = [json.loads(line) for line in call("issue", "deliveries", "1", "--json").out.splitlines()]
    assert {row["state"] for row in ledger} == {"sent"}
    assert len(ledger) == desk.recipients
    assert accepted.keys() == {row["message_id"] for row in ledger}
    repeats = accepted.total() - desk.recipients
    assert repeats <= desk.unknown
    record_property(
        "figure",
        f"{kills} kills, {desk.recipients} recipients: lost 0, repeats 0 while {unknown_held} were held, "
        f"then {repeats} of {desk.unknown} uncertain; the last run took {seconds:.1f} s",
    )
