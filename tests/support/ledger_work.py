"""What the processes of `ledger_processes` do; imported into their fork server."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

import alembic.command  # noqa: F401 - so that no process has to load it
from sqlalchemy import select, text, update

from newsletter.store.deliveries import fix_recipients
from newsletter.store.engine import Database, take_turn
from newsletter.store.issues import take_issue
from newsletter.store.models import Delivery
from newsletter.store.schema import upgrade_schema
from newsletter.store.workers import WorkerLock
from tests.support.ledger_builders import NOW, make_ledger


def upgrade(url: str) -> tuple[str | None, str]:
    """Create or upgrade a schema."""
    return upgrade_schema(Database(url))


def count_up(url: str, times: int) -> int:
    """Read a number and write it back one higher, so many times."""
    database = Database(url)
    for _ in range(times):
        with database.write() as session:
            take_turn(session, "count", 1)
            number = session.execute(text("SELECT value FROM counter")).scalar_one()
            session.execute(text("UPDATE counter SET value = :to"), {"to": number + 1})
    return times


def begin_send(url: str, issue_id: int) -> str:
    """Enter `sending` as a send does."""
    with Database(url).write() as session:
        issue = take_issue(session, issue_id)
        if issue.state != "approved":
            return "was begun"
        issue.state = "sending"
        session.flush()
        fix_recipients(session, issue, now=NOW)
    return "began"


def claim_all(url: str, issue_id: int, limit: int) -> list[int]:
    """Claim in small parts until nothing is due."""
    database = Database(url)
    worker = WorkerLock(database)
    ledger = make_ledger(database, issue_id, worker)
    claimed: list[int] = []
    while rows := ledger.claim(limit):
        claimed += [row.id for row in rows]
    # The claims outlive the lock here: the test looks at them afterwards.
    return claimed


def hold_claims(said: Connection, url: str, issue_id: int, intended: int) -> None:
    """Claim everything, intend some, say the token, and stay."""
    database = Database(url)
    worker = WorkerLock(database)
    ledger = make_ledger(database, issue_id, worker)
    rows = ledger.claim(100)
    ledger.settle([], [row.id for row in rows[:intended]])
    said.send(worker.token)
    time.sleep(600)


def die_in_mid_commit(said: Connection, url: str) -> None:
    """Write without end."""
    database = Database(url)
    said.send("writing")
    while True:
        with database.write() as session:
            first = session.scalars(select(Delivery.id)).first()
            session.execute(update(Delivery).where(Delivery.id == first).values(reply="x" * 5000))
