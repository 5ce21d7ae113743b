"""Use case: one round of everything that is due, and the lead of one scheduler among several."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.errors import NewsletterError
from newsletter.operating.jobs import TickReport, clean_up, tick_publications
from newsletter.operating.sends import SendReport, send_due
from newsletter.publishing.collection import CollectReport, collect_sources
from newsletter.publishing.notices import send_notices
from newsletter.store.jobs import Lead as Lead  # noqa: PLC0414 - the clock takes it from here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database

PATIENCE_SECONDS = 30.0
"""How long a single round waits for another scheduler to end its own."""


@dataclass(slots=True)
class RoundReport:
    """What one round did; printed by `scheduler --once --json`."""

    led: bool = True
    collect: CollectReport = field(default_factory=CollectReport)
    tick: TickReport = field(default_factory=TickReport)
    send: SendReport = field(default_factory=SendReport)
    notices: int = 0
    errors: list[str] = field(default_factory=list)


def run_due(
    database: Database, settings: Settings, *, now: datetime, stop: threading.Event | None = None
) -> RoundReport:
    """Collect, draft, approve, send and write to single persons: all that is due, once.

    Another scheduler that leads does the same: after half a minute's wait it is left to it.
    """
    stop = stop or threading.Event()
    report = RoundReport()
    lead = Lead(database)
    try:
        report.led = wait_for_lead(lead, PATIENCE_SECONDS, stop)
        if report.led:
            for step in _list_steps(database, settings, report, now=now, stop=stop):
                if not stop.is_set():
                    _take(step, report)
    finally:
        lead.release()
    report.errors += [*report.tick.errors, *report.send.errors]
    return report


def wait_for_lead(lead: Lead, seconds: float, stop: threading.Event) -> bool:
    """Ask for the lead again and again, for at most so long."""
    for _ in range(max(1, round(seconds * 10))):
        if lead.take():
            return True
        if stop.wait(0.1):
            break
    return False


def _list_steps(
    database: Database, settings: Settings, report: RoundReport, *, now: datetime, stop: threading.Event
) -> Iterator[Callable[[], None]]:
    def collect() -> None:
        report.collect = collect_sources(database, settings, None, now=now, due_only=True)

    def tick() -> None:
        report.tick = tick_publications(database, settings, now=now)

    def send() -> None:
        report.send = send_due(database, settings, now=now, stop=stop)

    def notify() -> None:
        report.notices = send_notices(database, settings, now=now, stop=stop)

    yield from (collect, tick, send, notify, lambda: clean_up(database, now=now))


def _take(step: Callable[[], None], report: RoundReport) -> None:
    """One step that fails never stops the rest."""
    try:
        step()
    except NewsletterError as error:
        report.errors.append(str(error))
