"""The table of jobs, and the clock that runs them; what each does is said elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from newsletter.errors import NewsletterError
from newsletter.operating.jobs import clean_up, tick_publications
from newsletter.operating.running import Lead
from newsletter.operating.sends import send_due
from newsletter.publishing.collection import collect_sources
from newsletter.publishing.notices import send_notices

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.config import Settings
    from newsletter.operating.startup import Database

log = structlog.get_logger("newsletter.schedule")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a job is given."""

    database: Database
    settings: Settings
    now: datetime
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the table; all may run twice, late or not at all for a while without harm."""

    name: str
    seconds: int
    run: Callable[[Moment], object]


JOBS = (
    Job("collect", 60, lambda at: collect_sources(at.database, at.settings, None, now=at.now, due_only=True)),
    Job("tick", 30, lambda at: tick_publications(at.database, at.settings, now=at.now)),
    Job("send", 10, lambda at: send_due(at.database, at.settings, now=at.now, stop=at.stop)),
    Job("notices", 5, lambda at: send_notices(at.database, at.settings, now=at.now, stop=at.stop)),
    Job("clean_up", 3600, lambda at: clean_up(at.database, now=at.now)),
)
LATE_SECONDS = 3600
"""After that a run is left out; APScheduler's own second would lose runs whenever the machine is busy."""


class Clock:
    """Runs the jobs in threads until it is closed; of several on one database only one leads."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        stop: threading.Event,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._settings, self._stop, self._clock = database, settings, stop, clock
        self._lead = Lead(database)
        self._lead_lock = threading.Lock()
        self._has_led: bool | None = None
        self._scheduler = _make_scheduler()

    def start(self) -> None:
        """Run every job at once, and then each at its pace."""
        for job in JOBS:
            self._scheduler.add_job(
                self.run,
                "interval",
                args=[job],
                id=job.name,
                seconds=job.seconds,
                next_run_time=self._clock(),
            )
        self._scheduler.start()

    def run(self, job: Job) -> None:
        """Run one job if this process leads; whatever goes wrong in it ends here."""
        try:
            if self._stop.is_set() or not self.leads():
                return
            job.run(Moment(self._database, self._settings, self._clock(), self._stop))
        except NewsletterError as error:
            log.error("job_failed", job=job.name, error=str(error))  # noqa: TRY400 - one line, no traceback
        except Exception:
            log.exception("job_crashed", job=job.name)

    def leads(self) -> bool:
        """Whether this process leads, now that it has asked again; a change is logged."""
        with self._lead_lock:
            leads = self._lead.take()
            if leads != self._has_led:
                self._has_led = leads
                if leads:
                    log.info("scheduler_leads")
                else:
                    log.warning("scheduler_waits", why="another scheduler works on this database")
        return leads

    def close(self, seconds: float) -> bool:
        """Begin no job any more and wait for those under way; False where one did not end in time."""
        self._stop.set()
        is_over = True
        if self._scheduler.running:
            ending = threading.Thread(target=self._scheduler.shutdown, daemon=True)
            ending.start()
            ending.join(seconds)
            is_over = not ending.is_alive()
        self._lead.release()
        return is_over


def _make_scheduler() -> Any:  # noqa: ANN401 - an untyped library
    from apscheduler.schedulers.background import BackgroundScheduler

    # Our tables are the truth: the memory of this clock need not outlive it.
    defaults = {"misfire_grace_time": LATE_SECONDS, "coalesce": True, "max_instances": 1}
    return BackgroundScheduler(timezone=UTC, job_defaults=defaults)
