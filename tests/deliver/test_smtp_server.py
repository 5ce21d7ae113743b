"""The fault server itself: what it accepts is what it says, also as a process that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from newsletter.deliver.route import Route
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import QUICK, make_addresses, send
from tests.support.smtp_server import Accepted

ROOT = Path(__file__).resolve().parents[2]


def test_as_a_process_it_logs_every_message_before_it_answers(tmp_path: Path) -> None:
    log = tmp_path / "accepted.log"
    command = [sys.executable, "-m", "tests.support.smtp_server", "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        ledger = MemoryLedger(make_addresses(20))
        route = Route("main", "127.0.0.1", port, tls="none", connections=2, timeouts=QUICK)
        outcome = send(ledger, route)
        process.kill()

    assert outcome.sent == 20
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    assert sorted(lines) == sorted([f"<{key}@test>", email] for key, email in ledger.addresses.items())


def test_it_takes_the_dots_off_that_the_client_put_on() -> None:
    message = Accepted(1, "", ("a@b",), "", b"..one\r\n...two\r\nthree.\r\n")

    assert message.data == b".one\r\n..two\r\nthree.\r\n"
