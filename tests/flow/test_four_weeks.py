"""The real scheduler.py, as a process, through four weeks of a set clock: four issues, none of them twice."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli_fixtures import ROOT, Call, run_program
from tests.support.smtp_server import SILENCE, Fault, SmtpServer

SCHEDULER = ROOT / "scheduler.py"
PEOPLE = ("ada@example.org", "bo@example.org", "cy@example.org")
# Sundays at 03:30 in Helsinki; on 28 March 2027 the clocks go from 03:00 to 04:00.
WEEKS = ("2027-03-14T03:30", "2027-03-21T03:30", "2027-03-28T03:30", "2027-04-04T03:30")


def write_article(folder: Path, week: int) -> None:
    text = f"# Week {week} in the harbour\n\nThe {week}th ship came in, and the whole town was at the quay.\n"
    (folder / f"week-{week}.md").write_text(text, encoding="utf-8")


def tick(when: str, port: int) -> int:
    """Run the clock once, as cron could."""
    ran = run_program(SCHEDULER, "--once", "--now", when, NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{port}")
    assert "Traceback" not in ran.err
    return ran.code


def read_issues(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / "subscribers.db") as connection:
        rows = connection.execute("SELECT period, state FROM issues ORDER BY id").fetchall()
    connection.close()
    return [(period, state) for period, state in rows]


def kill_in_the_middle(
    start: Callable[..., subprocess.Popen[str]], folder: Path, when: str, port: int
) -> None:
    """Kill the clock when it has begun to send and the server has not answered yet."""
    process = start(SCHEDULER, "--once", "--now", when, NEWSLETTER_SMTP_URL=f"smtp://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while read_issues(folder)[-1][1] != "sending" and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()


@pytest.fixture
def publication(call: Call, home: Path) -> Path:
    articles = home / "articles"
    articles.mkdir()
    zone, schedule = ("--timezone", "Europe/Helsinki"), ("--schedule", "30 3 * * 0")
    assert call("publication", "set", *zone, *schedule, "--approval", "unless-stopped").code == 0
    assert call("source", "add", articles, "--kind", "folder").code == 0
    for email in PEOPLE:
        assert call("subscriber", "add", email).code == 0
    assert call("user", "add", "ed@example.org", "--role", "editor").code == 0
    return home


@pytest.mark.deep
@pytest.mark.timeout(300)
def test_four_weeks_give_four_issues_and_none_twice(
    publication: Path,
    smtp_server: SmtpServer,
    start: Callable[..., subprocess.Popen[str]],
    serve: Callable[[SmtpServer], SmtpServer],
) -> None:
    port = smtp_server.port
    silent = serve(SmtpServer([Fault("banner", 0, SILENCE)]))
    for week, due in enumerate(WEEKS, start=1):
        write_article(publication / "articles", week)
        day = due[:10]
        # The evening before, the draft; then its hour, as the clocks on the wall show it.
        evening = f"{day[:8]}{int(day[8:]) - 1:02}T20:00" if day != "2027-04-04" else "2027-04-03T20:00"
        assert tick(evening, port) == 0
        assert read_issues(publication)[-1] == (due, "draft")
        if week == 2:
            kill_in_the_middle(start, publication, due, silent.port)
            assert read_issues(publication)[-1] == (due, "sending")
        if week == 3:
            # 03:30 does not come this night: 02:59 is followed by 04:00, and 03:30 is 04:30.
            assert tick("2027-03-28T04:29+03:00", port) == 0
            assert read_issues(publication)[-1] == (due, "draft")
            assert tick("2027-03-28T04:30+03:00", port) == 0
        assert tick(due if week != 3 else "2027-03-28T04:31+03:00", port) == 0
        if week in {1, 4}:
            assert tick(f"{day}T12:00", port) == 0

    assert read_issues(publication) == [(due, "sent") for due in WEEKS]
    told = Counter(message.recipients[0] for message in smtp_server.accepted)
    assert told == dict.fromkeys((*PEOPLE, "ed@example.org"), len(WEEKS))
    ids = [message.message_id for message in smtp_server.accepted]
    assert len(set(ids)) == len(ids) == 4 * len(WEEKS)


def test_a_week_that_was_missed_is_skipped_with_a_note(publication: Path, smtp_server: SmtpServer) -> None:
    write_article(publication / "articles", 1)

    assert tick("2027-03-16", smtp_server.port) == 0

    assert read_issues(publication) == []
    with sqlite3.connect(publication / "subscribers.db") as connection:
        runs = connection.execute("SELECT period, outcome, note FROM job_runs").fetchall()
    connection.close()
    assert runs == [(WEEKS[0], "skipped", "missed: no scheduler ran within 24 hours of when it was due")]
