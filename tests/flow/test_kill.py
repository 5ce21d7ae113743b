"""kill -9 in mid-send, at random moments: nobody is left out, repeats stay within what SMTP cannot avoid."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli_fixtures import ROOT, Call, make_environment, run_program

CONNECTIONS = 4
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


def test_kills_lose_nobody_and_repeat_at_most_one_message_per_open_connection(
    call: Call,
    home: Path,
    sink: tuple[int, Path],
    *,
    is_deep: bool,
    record_property: Callable[[str, object], None],
) -> None:
    port, log = sink
    kills, recipients = (20, 5000) if is_deep else (4, 400)
    approve_issue(call, home, recipients)
    moments, uncertain = random.Random(20261122), 0
    for _ in range(kills):
        environment = make_environment(NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{port}")
        before = read_log(log).total()
        with subprocess.Popen([sys.executable, *SEND], env=environment, stderr=subprocess.DEVNULL) as process:
            while read_log(log).total() == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, recipients / kills / 2000))
            process.kill()
        status = call("issue", "status", "1", "--json").json
        assert status["dot_sent"] <= 2 * CONNECTIONS
        assert (
            sum(status[state] for state in STATES)
            == recipients
        )
        uncertain += status["dot_sent"]

    started = time.monotonic()
    done = run_program(*SEND, NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{port}")
    seconds = time.monotonic() - started

    assert done.code == 0, done.err
    accepted = read_log(log)
    ledger = [json.loads(line) for line in call("issue", "deliveries", "1", "--json").out.splitlines()]
    assert {row["state"] for row in ledger} == {"sent"}
    assert accepted.keys() == {row["message_id"] for row in ledger}
    assert len(ledger) == recipients
    repeats = accepted.total() - recipients
    assert repeats <= uncertain
    figure = f"{kills} kills, {recipients} recipients: lost 0, repeats {repeats} of {uncertain} uncertain"
    record_property("figure", f"{figure}; the last run took {seconds:.1f} s")
