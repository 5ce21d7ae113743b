"""The clock: which jobs there are, that none of them can stop it, and that it ends when told to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from newsletter.config import Settings
from newsletter.errors import DatabaseError
from newsletter.operating.startup import Database, open_database
from newsletter.schedule import JOBS, Clock, Job, Moment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    assert home.exists()
    database = open_database(Settings())
    yield database
    database.close()


@pytest.fixture
def clock(database: Database, caplog: pytest.LogCaptureFixture) -> Iterator[Clock]:
    caplog.set_level(logging.INFO)
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs], logger_factory=structlog.stdlib.LoggerFactory()
    )
    clock = Clock(database, Settings(), threading.Event(), clock=lambda: NOW)
    yield clock
    clock.close(5)
    structlog.reset_defaults()


def test_the_table_names_every_job_once() -> None:
    assert [job.name for job in JOBS] == ["collect", "tick", "send", "notices", "clean_up"]
    assert all(job.seconds <= 60 for job in JOBS if job.name != "clean_up")


def test_every_job_of_the_table_runs(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for job in JOBS:
        clock.run(job)

    events = [record.message for record in caplog.records]
    assert [event for event in events if event != "period_skipped"] == ["scheduler_leads"]


def test_a_job_is_given_the_time_of_the_clock(clock: Clock) -> None:
    given: list[Moment] = []

    clock.run(Job("look", 1, given.append))

    assert given[0].now == NOW


@pytest.mark.parametrize(
    ("error", "event"),
    [(DatabaseError("locked"), "job_failed"), (ZeroDivisionError("bug"), "job_crashed")],
)
def test_a_job_that_fails_is_logged_and_the_clock_goes_on(
    clock: Clock, caplog: pytest.LogCaptureFixture, error: Exception, event: str
) -> None:
    def fail(_: Moment) -> None:
        raise error

    clock.run(Job("fail", 1, fail))

    assert event in [record.message for record in caplog.records]


def test_jobs_run_at_once_and_the_end_waits_for_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    begun = threading.Event()
    clock = Clock(database, Settings(), threading.Event(), clock=lambda: datetime.now(UTC))

    def work(_: Moment) -> None:
        begun.set()
        time.sleep(0.2)
        ran.append("done")

    monkeypatch.setattr("newsletter.schedule.JOBS", (Job("work", 60, work),))
    clock.start()
    assert begun.wait(10)

    assert clock.close(5)
    assert ran == ["done"]


def test_a_job_that_does_not_end_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    begun = threading.Event()

    def hang(_: Moment) -> None:
        begun.set()
        free.wait(20)

    monkeypatch.setattr("newsletter.schedule.JOBS", (Job("hang", 60, hang),))
    clock = Clock(database, Settings(), threading.Event(), clock=lambda: datetime.now(UTC))
    clock.start()
    assert begun.wait(10)

    ended = clock.close(0.1)
    free.set()

    assert not ended


def test_the_second_clock_waits_and_takes_over(
    clock: Clock, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[Moment] = []
    second = Clock(database, Settings(), threading.Event(), clock=lambda: NOW)
    job = Job("look", 1, ran.append)
    assert clock.leads()

    second.run(job)
    assert ran == []
    assert "scheduler_waits" in [record.message for record in caplog.records]
    clock.close(1)
    second.run(job)

    assert len(ran) == 1
    second.close(1)


def test_a_clock_that_was_told_to_stop_begins_nothing(clock: Clock) -> None:
    ran: list[Moment] = []
    clock.close(1)

    clock.run(Job("look", 1, ran.append))

    assert ran == []
