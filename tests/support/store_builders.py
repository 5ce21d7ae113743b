"""Builders: rows of the database, each complete and each with only what the test names different."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Session

from newsletter.store import models
from newsletter.store.engine import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_numbers = itertools.count(1)
Row = TypeVar("Row", bound=DeclarativeBase)


def make_publication_row(session: Session, **changes: object) -> models.Publication:
    values: dict[str, object] = {
        "slug": "harbour",
        "name": "Harbour Letter",
        "sender": "Harbour Letter <letter@news.example.org>",
        "reply_to": None,
        "address": "Quay 1\nPort Town",
        "language": "en",
        "timezone": "Europe/Vilnius",
        "created_at": NOW - timedelta(days=100),
    }
    return _added(session, models.Publication(**values | changes))


def make_subscriber_row(session: Session, email: str | None = None, **changes: object) -> models.Subscriber:
    values: dict[str, object] = {
        "email": email or f"reader{next(_numbers)}@example.org",
        "name": None,
        "attributes": {},
        "created_at": NOW - timedelta(days=50),
    }
    return _added(session, models.Subscriber(**values | changes))


def make_subscription_row(
    session: Session, publication: models.Publication, subscriber: models.Subscriber, **changes: object
) -> models.Subscription:
    values: dict[str, object] = {
        "publication_id": publication.id,
        "subscriber_id": subscriber.id,
        "status": "active",
        "created_at": NOW - timedelta(days=50),
        "confirmed_at": NOW - timedelta(days=50),
    }
    return _added(session, models.Subscription(**values | changes))


def make_issue_row(session: Session, publication: models.Publication, **changes: object) -> models.Issue:
    number = next(_numbers)
    values: dict[str, object] = {
        "uid": f"{number:016x}",
        "publication_id": publication.id,
        "number": number,
        "state": "sending",
        "subject": "Cranes are back",
        "preheader": "And the ferry runs again",
        "content": {},
        "drafted_at": NOW - timedelta(hours=12),
        "sending_at": NOW,
    }
    return _added(session, models.Issue(**values | changes))


def make_variant_row(session: Session, issue: models.Issue, **changes: object) -> models.IssueVariant:
    values: dict[str, object] = {
        "issue_id": issue.id,
        "key": "all",
        "subject": issue.subject,
        "preheader": issue.preheader,
        "html": "<p>mail</p>",
        "text": "mail",
        "archive_html": "<!doctype html><title>archived</title><p>archived</p>",
        "mime": b"",
        "headers": {},
        "content_hash": "0" * 64,
    }
    return _added(session, models.IssueVariant(**values | changes))


def make_delivery_row(
    session: Session,
    issue: models.Issue,
    subscriber: models.Subscriber,
    state: str = "queued",
    **changes: object,
) -> models.Delivery:
    values: dict[str, object] = {
        "issue_id": issue.id,
        "subscriber_id": subscriber.id,
        "email": subscriber.email,
        "state": state,
        "claim_token": "w" * 32 if state in {"claimed", "dot_sent"} else None,
        "next_attempt_at": NOW + timedelta(minutes=5) if state == "deferred" else None,
    }
    return _added(session, models.Delivery(**values | changes))


def make_article_row(
    session: Session, publication: models.Publication, title: str = "A crane came back", **changes: object
) -> models.Article:
    values: dict[str, object] = {
        "publication_id": publication.id,
        "standalone": True,
        "title": title,
        "url": None,
        "category": "City",
        "published_at": NOW - timedelta(days=1),
        "published_offset": 0,
        "collected_at": NOW - timedelta(hours=20),
        "summary": "It was seen over the quay.",
        "text": "It was seen over the quay.\n\nThen it left.",
        "words": 9,
        "content_hash": f"{next(_numbers):064x}",
    }
    return _added(session, models.Article(**values | changes))


def dump(database: Database, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return every row of every table, to tell whether anything changed or is still there."""
    tables = [name for name in models.Publication.metadata.tables if name not in but]
    with database.read() as session:
        return {
            name: sorted(str(tuple(row)) for row in session.execute(text(f'SELECT * FROM "{name}"')))  # noqa: S608 - names of our own tables
            for name in tables
        }


def _added(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row
