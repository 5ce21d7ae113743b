"""The programs that stay: they come up, say so, and end when they are told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.cli_fixtures import ROOT, Call, run_program
from tests.support.smtp_server import SILENCE, Fault, SmtpServer

Start = Callable[..., subprocess.Popen[str]]
# A machine that is busy may take its time; a program that waits for its mail server takes a minute.
SOON = 20
pytestmark = pytest.mark.usefixtures("home")


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what a program prints until those words come."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without {words!r}: {said}")


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, float, str]:
    """Signal a program; gives its exit code, how long it took, and what it still said."""
    began = time.monotonic()
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    return process.returncode, time.monotonic() - began, said


def fetch(port: str, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def approve_one(call: Call) -> None:
    """An approved issue for one reader."""
    folder = Path("articles")
    folder.mkdir()
    (folder / "a.md").write_text(
        "# A ship came in\n\nAnd the whole town was at the quay.\n", encoding="utf-8"
    )
    call("source", "add", folder, "--kind", "folder")
    call("collect")
    call("subscriber", "add", "ada@example.org")
    call("issue", "draft")
    call("issue", "approve", 1)


def wait_for_mail(server: SmtpServer, before: int = 0) -> None:
    deadline = time.monotonic() + 30
    while len(server.spoken("MAIL")) <= before and time.monotonic() < deadline:
        time.sleep(0.05)


def test_run_is_web_and_scheduler_in_one(start: Start, smtp_server: SmtpServer) -> None:
    process = start(
        "-m", "newsletter", "run", "--port", "0", NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{smtp_server.port}"
    )
    said = read_until(process, "listening on")
    port = re.findall(r"port (\d+)", said)[0]

    assert fetch(port, "/healthz")[0] == 200
    assert "My newsletter" in fetch(port, "/")[1]
    assert "/editor/" in said
    code, seconds, rest = end(process)

    assert code == 0
    assert seconds < SOON
    assert "Traceback" not in said + rest


def test_serve_ends_on_ctrl_c(start: Start) -> None:
    process = start("-m", "newsletter", "serve", "--port", "0")
    read_until(process, "listening on")

    code, seconds, said = end(process, signal.SIGINT)

    assert (code, "Traceback" in said) == (0, False)
    assert seconds < SOON


def test_a_port_that_is_taken_is_a_line(smtp_server: SmtpServer) -> None:
    ran = run_program("-m", "newsletter", "run", "--port", smtp_server.port)

    assert ran.code == 1
    assert "error: cannot listen" in ran.err
    assert "Traceback" not in ran.err


def test_scheduler_py_runs_from_any_folder_and_the_second_waits(start: Start) -> None:
    first = start(ROOT / "scheduler.py")
    said = read_until(first, "scheduler_leads")
    second = start(ROOT / "scheduler.py")
    read_until(second, "scheduler_waits")

    for process in (second, first):
        code, seconds, rest = end(process)
        assert (code, "Traceback" in said + rest) == (0, False)
        assert seconds < SOON


def test_a_signal_that_comes_while_the_main_thread_holds_the_event_ends_the_program() -> None:
    """Event.set() in a handler waits for ever there: on a busy machine a scheduler did."""
    script = (
        "import signal, threading\n"
        "from newsletter.cli.sending import end_on_signal\n"
        "stop = threading.Event()\n"
        "with end_on_signal(stop, 0.0, 0) as left:\n"
        "    with stop._cond:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    print(stop.wait(1), left() < 1)\n"
    )

    assert run_program("-c", script).out.split() == ["True", "True"]


def test_a_signal_that_wakes_nobody_still_ends_the_scheduler() -> None:
    """As one that comes after Python last looked for one and before the main thread sleeps."""
    script = (
        "import signal, sys, threading, time\n"
        "from newsletter.cli import main\n"
        "def is_asleep():\n"
        "    frame, names = sys._current_frames()[threading.main_thread().ident], []\n"
        "    while frame:\n"
        "        names.append(frame.f_code.co_name)\n"
        "        frame = frame.f_back\n"
        "    return '_run_clock' in names and 'wait' in names[:names.index('_run_clock')]\n"
        "def end():\n"
        "    while not is_asleep(): time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "threading.Thread(target=end, daemon=True).start()\n"
        "main(['scheduler'])\n"
    )

    assert run_program("-c", script).code == 0


def test_a_send_that_is_told_to_stop_ends_soon_and_can_go_on(
    call: Call,
    start: Start,
    serve: Callable[[SmtpServer], SmtpServer],
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve_one(call)
    silent = serve(SmtpServer([Fault("mail", 0, SILENCE)]))
    address = f"smtp://127.0.0.1:{silent.port}"
    process = start(
        "-m", "newsletter", "issue", "send", "1", NEWSLETTER_SMTP_URL=address, NEWSLETTER_STOP_SECONDS="1"
    )
    wait_for_mail(silent)

    code, seconds, said = end(process)

    assert (code, "Traceback" in said) == (75, False)
    assert "stopped before the end" in said
    assert seconds < SOON
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{smtp_server.port}")
    assert call("issue", "send", 1).code == 0
    assert len(smtp_server.accepted) == 1


@pytest.mark.parametrize("command", ["scheduler", pytest.param("run", marks=pytest.mark.deep)])
def test_a_source_that_never_answers_holds_no_end_up(call: Call, start: Start, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        call("source", "add", f"http://127.0.0.1:{silent.getsockname()[1]}/feed.xml")
        more = ["--port", "0"] if command == "run" else []
        process = start(
            "-m",
            "newsletter",
            command,
            *more,
            NEWSLETTER_FETCH_ALLOW_HOSTS="127.0.0.1",
            NEWSLETTER_STOP_SECONDS="2",
        )
        connection, _ = silent.accept()

        code, seconds, said = end(process)
        connection.close()

    assert (code, "Traceback" in said) == (0, False)
    assert seconds < SOON


def test_the_scheduler_of_cron_prints_what_it_did(call: Call, smtp_server: SmtpServer) -> None:
    ran = run_program(
        ROOT / "scheduler.py", "--once", "--json", NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{smtp_server.port}"
    )

    assert ran.code == 0
    assert ran.json["led"] is True
    assert ran.json["collect"]["sources"] == 0
    assert "sent: none" in call("scheduler", "--once").out


def test_the_set_clock_belongs_to_a_rehearsal(call: Call) -> None:
    assert call("scheduler", "--now", "2026-11-23").code == 2
    assert call("scheduler", "--once", "--now", "whenever").code == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_when_it_is_told_to(start: Start, number: int) -> None:
    process = start("-m", "newsletter", "worker", "--concurrency", "2")
    said = read_until(process, "worker_started")

    code, seconds, rest = end(process, number)

    assert (code, "Traceback" in said + rest) == (0, False)
    assert seconds < SOON


@pytest.mark.deep
def test_on_postgresql_the_clock_leaves_the_sending_to_the_worker_of_run(
    call: Call, start: Start, postgres_url: str, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", postgres_url)
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{smtp_server.port}")
    call("init")
    approve_one(call)
    process = start("-m", "newsletter", "run", "--port", "0")
    said = read_until(process, "worker_started")
    at = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    assert call("issue", "schedule", 1, "--at", at).code == 0

    said += read_until(process, "shard_sent")
    code, seconds, rest = end(process)

    assert (code, "Traceback" in said + rest) == (0, False)
    assert seconds < SOON
    assert call("issue", "status", 1, "--json").json["state"] == "sent"
    assert len(smtp_server.accepted) == 1


@pytest.mark.deep
def test_a_worker_that_is_told_to_stop_in_mid_message_gives_its_shard_back(
    call: Call,
    start: Start,
    postgres_url: str,
    serve: Callable[[SmtpServer], SmtpServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = serve(SmtpServer([Fault("mail", 0, SILENCE)]))
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", postgres_url)
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", f"smtp://127.0.0.1:{silent.port}")
    call("init")
    approve_one(call)
    send = start("-m", "newsletter", "issue", "send", "1", NEWSLETTER_STOP_SECONDS="1")
    wait_for_mail(silent)
    assert end(send)[0] == 75
    heard = len(silent.spoken("MAIL"))
    process = start("-m", "newsletter", "worker", NEWSLETTER_STOP_SECONDS="1")
    wait_for_mail(silent, heard)

    code, seconds, said = end(process)

    assert (code, "Traceback" in said) == (0, False)
    assert seconds < SOON
    status = call("issue", "status", 1, "--json").json
    assert (status["state"], status["queued"]) == ("sending", 1)


def test_the_worker_loads_neither_web_nor_readers() -> None:
    script = (
        "import sys\n"
        "import newsletter.operating.worker\n"
        "heavy = {'fastapi', 'feedparser', 'trafilatura', 'premailer', 'alembic', 'httpx2', 'apscheduler'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    assert run_program("-c", script).out.split() == ["[]"]


def test_the_sender_loads_neither_web_nor_readers() -> None:
    script = (
        "import sys\n"
        "from newsletter.cli import app\n"
        "try: app(['issue', 'send', '1'], prog_name='newsletter', standalone_mode=False)\n"
        "except Exception as error: print(type(error).__name__)\n"
        "heavy = {'fastapi', 'feedparser', 'trafilatura', 'premailer', 'alembic', 'httpx2', 'apscheduler'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    assert run_program("-c", script).out.split() == ["NotFoundError", "[]"]
