"""Rows for tests of the store and the ledger: a publication, subscribers, an issue in `sending`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.content import DeliveryState, Verdict
from newsletter.store.deliveries import fix_recipients
from newsletter.store.engine import Database
from newsletter.store.ledger import LedgerStore, Retry
from newsletter.store.models import Article, Delivery, Issue, Publication, Source, Subscriber, Subscription
from newsletter.store.workers import WorkerLock

_Row = TypeVar("_Row")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


def plan_retry(delivery_id: int, attempts: int, first_attempt_at: datetime | None, now: datetime) -> Retry:
    """Again in ten minutes; given up 24 hours after the first attempt."""
    del delivery_id, attempts
    at = now + timedelta(minutes=10)
    return Retry(None if at - (first_attempt_at or now) > timedelta(hours=24) else at)


def make_ledger(
    database: Database,
    issue_id: int,
    worker: WorkerLock,
    clock: Callable[[], datetime] = lambda: NOW,
    ids: range | None = None,
) -> LedgerStore:
    return LedgerStore(database, issue_id, worker, clock=clock, plan_retry=plan_retry, ids=ids)


def make_verdict(delivery_id: int, state: DeliveryState = "sent", reply: str | None = "ok") -> Verdict:
    return Verdict(delivery_id, state, 250, "2.0.0", reply, "default")


def add_publication(session: Session, slug: str = "harbour", **changes: object) -> Publication:
    defaults: dict[str, object] = {
        "name": "Harbour Weekly",
        "sender": "Harbour Weekly <desk@example.org>",
        "address": "Harbour Weekly\n1 Quay\nPortside",
        "created_at": NOW,
    }
    return _add(session, Publication(slug=slug, **(defaults | changes)))


def add_source(session: Session, publication: Publication, location: str, **changes: object) -> Source:
    defaults: dict[str, object] = {"kind": "feed", "interval_seconds": 3600, "created_at": NOW}
    return _add(session, Source(publication_id=publication.id, location=location, **(defaults | changes)))


def add_article(session: Session, publication: Publication, title: str, **changes: object) -> Article:
    defaults: dict[str, object] = {"standalone": True, "collected_at": NOW, "content_hash": title}
    return _add(session, Article(publication_id=publication.id, title=title, **(defaults | changes)))


def add_reader(
    session: Session, publication: Publication, email: str, status: str = "active", **changes: object
) -> Subscription:
    subscriber = _add(
        session, Subscriber(email=email, created_at=NOW, erased_at=changes.pop("erased_at", None))
    )
    return _add(
        session,
        Subscription(
            publication_id=publication.id,
            subscriber_id=subscriber.id,
            status=status,
            created_at=NOW,
            **changes,
        ),
    )


def add_issue(
    session: Session, publication: Publication, state: str = "approved", **changes: object
) -> Issue:
    defaults: dict[str, object] = {"drafted_at": NOW}
    uid = f"uid-{len(session.identity_map)}-{changes.get('number')}-{state}"
    return _add(
        session, Issue(uid=uid[:32], publication_id=publication.id, state=state, **(defaults | changes))
    )


def add_sending_issue(database: Database, recipients: int) -> int:
    """An issue that has entered `sending` for so many readers; its id."""
    with database.write() as session:
        publication = add_publication(session)
        for number in range(recipients):
            add_reader(session, publication, f"reader{number:04}@example.net")
        issue = add_issue(session, publication, "sending", number=1)
        fix_recipients(session, issue, now=NOW)
        return issue.id


def _add(session: Session, row: _Row) -> _Row:
    session.add(row)
    session.flush()
    return row


def read_states(database: Database) -> list[str]:
    """The states of the deliveries, in order."""
    with database.read() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def read_row(database: Database, delivery_id: int) -> Delivery:
    with database.read() as session:
        return session.get_one(Delivery, delivery_id)


def set_issue_state(database: Database, issue_id: int, state: str) -> None:
    with database.write() as session:
        session.get_one(Issue, issue_id).state = state
