"""Fixing an issue's recipients and their ledger rows, against a bare INSERT … SELECT of the same rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from sqlalchemy import text

from benchmarks.figures import Figure
from benchmarks.mailing import Mailing, make_mailing
from newsletter.store.deliveries import fix_recipients
from newsletter.store.engine import Database
from newsletter.store.issues import get_issue

_BARE_TABLE = "CREATE TABLE bare (issue_id, subscriber_id, email, variant, state, attempts)"
_BARE_ROWS = "INSERT INTO bare SELECT 1, id, email, 'all', 'queued', 0 FROM subscribers"


def measure_fixing(readers: int, rounds: int) -> Iterator[Figure]:
    """How many times as long it takes."""
    with make_mailing(readers) as mailing:
        ratios = []
        for _ in range(rounds):
            mailing.reset()
            ours = _time_ours(mailing, readers)
            ratios.append(ours / _time_bare(mailing))
    note = f"{readers:,} rows, the last in {ours:.2f} s, {rounds} rounds"
    yield Figure("fixing the recipients", median(ratios), 8, "of a bare insert", "less", note)


def _time_ours(mailing: Mailing, readers: int) -> float:
    database = Database(mailing.url)
    began = time.perf_counter()
    with database.write() as session:
        fix_recipients(session, get_issue(session, 1), now=datetime.now(UTC))
    took = time.perf_counter() - began
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM deliveries")) == readers
    database.close()
    return took


def _time_bare(mailing: Mailing) -> float:
    """The same rows into a table without an index or a constraint."""
    with mailing.write() as connection:
        connection.execute(text("DROP TABLE IF EXISTS bare"))
        connection.execute(text(_BARE_TABLE))
    began = time.perf_counter()
    with mailing.write() as connection:
        connection.execute(text(_BARE_ROWS))
    return time.perf_counter() - began
