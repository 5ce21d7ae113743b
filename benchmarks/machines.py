"""Four workers on PostgreSQL against one, where a round trip of 50 ms to the mail server limits them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from sqlalchemy import text

from benchmarks.figures import Figure
from benchmarks.latency import ROUND_TRIP
from benchmarks.mailing import Mailing, make_mailing
from benchmarks.proxy import run_proxy
from benchmarks.servers import Sink, run_sink
from newsletter.config import load_settings
from newsletter.publishing.sending import begin_issue
from newsletter.store.engine import Database
from tests.support.postgres_builders import make_database, make_url, run_postgres

WORKERS = 4
_SETTLES_IN = 2.0


def measure_machines(each: int) -> Iterator[Figure]:
    """How many times as fast four are, with so many mails for each of them."""
    with ExitStack() as stack:
        home = stack.enter_context(run_postgres())
        url = make_url(home, stack.enter_context(make_database(home)))
        mailing = stack.enter_context(make_mailing(each, url))
        sink = stack.enter_context(run_sink())
        port = stack.enter_context(run_proxy(sink.port, ROUND_TRIP))
        alone = each / _time(mailing, sink, port, 1, each)
        mailing.set_readers(WORKERS * each)
        together = WORKERS * each / _time(mailing, sink, port, WORKERS, WORKERS * each)
    note = f"{alone:.0f} and {together:.0f} per second, {each} mails for each"
    yield Figure(f"{WORKERS} workers on PostgreSQL", together / alone, 3.2, "times one", note=note)


def _time(mailing: Mailing, sink: Sink, port: int, workers: int, messages: int) -> float:
    smtp_url = f"smtp://127.0.0.1:{port}?tls=none"
    mailing.reset()
    sink.count()
    running = [mailing.start("worker", NEWSLETTER_SMTP_URL=smtp_url) for _ in range(workers)]
    try:
        for each in running:
            assert each.stderr
            # It says that it runs; its start is not what is measured.
            each.stderr.readline()
        time.sleep(_SETTLES_IN)
        settings, _ = load_settings(None, mailing.environment | {"NEWSLETTER_SMTP_URL": smtp_url}, {})
        database = Database(mailing.url)
        began = time.perf_counter()
        begin_issue(database, settings, 1, now=datetime.now(UTC))
        _wait(database, messages)
        took = time.perf_counter() - began
        database.close()
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.communicate(timeout=20)
    assert sink.count() == messages, "the sink did not get what was sent"
    return took


def _wait(database: Database, messages: int) -> None:
    sent = -1
    while sent < messages:
        time.sleep(0.1)
        with database.read() as session:
            sent = session.scalar(text("SELECT count(*) FROM deliveries WHERE state = 'sent'")) or 0
