"""Queries: subscribers, their subscriptions, and the deliveries that a subscription stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.store.deliveries import LEAVABLE
from newsletter.store.models import (
    AuditEntry,
    Delivery,
    Issue,
    Notice,
    Publication,
    Subscriber,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


def find_subscriber(session: Session, email: str) -> Subscriber | None:
    """The subscriber of a normalised address, or None."""
    return session.scalars(select(Subscriber).where(Subscriber.email == email)).one_or_none()


def find_subscribers(session: Session, emails: Collection[str]) -> dict[str, Subscriber]:
    """Those that are known, by address."""
    rows = session.scalars(select(Subscriber).where(Subscriber.email.in_(emails)))
    return {row.email: row for row in rows}


def add_subscribers(
    session: Session, people: Sequence[dict[str, Any]], *, now: datetime
) -> dict[str, Subscriber]:
    """Add those that are not known yet; `email` and `name` each. Gives all of them by address."""
    if people:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        rows = [{"attributes": {}, "created_at": now, **person} for person in people]
        new = dialect.insert(Subscriber).on_conflict_do_nothing(index_elements=["email"])
        # What returns something is one statement for many rows.
        session.execute(new.returning(Subscriber.id), rows)
    return find_subscribers(session, [person["email"] for person in people])


def find_subscription(session: Session, publication_id: int, subscriber_id: int) -> Subscription | None:
    """A subscriber's standing with a publication, or None."""
    query = select(Subscription).where(
        Subscription.publication_id == publication_id, Subscription.subscriber_id == subscriber_id
    )
    return session.scalars(query).one_or_none()


def find_subscriptions(
    session: Session, publication_id: int, subscriber_ids: Collection[int]
) -> dict[int, Subscription]:
    """The standing of several subscribers with a publication, by subscriber."""
    query = select(Subscription).where(
        Subscription.publication_id == publication_id, Subscription.subscriber_id.in_(subscriber_ids)
    )
    return {row.subscriber_id: row for row in session.scalars(query)}


def find_standing(
    session: Session, subscription_id: int
) -> tuple[Subscription, Subscriber, Publication] | None:
    """A subscription with its person and its publication, or None."""
    query = (
        select(Subscription, Subscriber, Publication)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Publication, Publication.id == Subscription.publication_id)
        .where(Subscription.id == subscription_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def list_standings(session: Session, subscriber_id: int) -> list[tuple[Subscription, Publication]]:
    """Every subscription of a person with its publication, by slug."""
    query = (
        select(Subscription, Publication)
        .join(Publication, Publication.id == Subscription.publication_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Publication.slug)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def iterate_subscriptions(
    session: Session, publication_id: int, status: str | None = None
) -> Iterator[tuple[Subscription, Subscriber]]:
    """Every subscription of a publication but those of erased people, oldest first, a part at a time."""
    query = (
        select(Subscription, Subscriber)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.publication_id == publication_id, Subscriber.erased_at.is_(None))
        .order_by(Subscription.id)
        .execution_options(yield_per=1000)
    )
    if status is not None:
        query = query.where(Subscription.status == status)
    for row in session.execute(query):
        yield row[0], row[1]


def skip_deliveries(
    session: Session, publication_id: int | None, subscriber_id: int, reply: str, *, now: datetime
) -> int:
    """Take a person's waiting deliveries out of every send; None: of all publications."""
    issues = select(Issue.id)
    if publication_id is not None:
        issues = issues.where(Issue.publication_id == publication_id)
    statement = (
        update(Delivery)
        .where(Delivery.subscriber_id == subscriber_id, Delivery.state.in_(LEAVABLE))
        .where(Delivery.issue_id.in_(issues))
        .values(state="skipped", reply=reply, claim_token=None, next_attempt_at=None, finished_at=now)
    )
    return len(session.execute(statement.returning(Delivery.id)).all())


def end_pauses(session: Session, *, now: datetime) -> list[Subscription]:
    """Make those active again whose pause is over."""
    query = select(Subscription).where(Subscription.status == "paused", Subscription.paused_until <= now)
    rows = list(session.scalars(query))
    for row in rows:
        row.status, row.paused_until = "active", None
    return rows


def erase_traces(session: Session, subscriber_id: int, email: str, alias: str) -> None:
    """Take an address out of the ledger, the waiting mails and the audit lines; counts stay true."""
    session.execute(
        update(Delivery).where(Delivery.subscriber_id == subscriber_id).values(email=alias, reply=None)
    )
    session.execute(
        delete(Notice).where(or_(Notice.email == email, Notice.key.contains(email, autoescape=True)))
    )
    for entry in session.scalars(
        select(AuditEntry).where(
            or_(
                AuditEntry.subject.icontains(email, autoescape=True),
                AuditEntry.detail.icontains(email, autoescape=True),
            )
        )
    ):
        entry.subject, entry.detail = alias, None
