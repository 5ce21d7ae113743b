"""Use cases: add, show and list subscribers, for operators; and drop what only counted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from newsletter.config import read_keys
from newsletter.errors import NotFoundError, StateError
from newsletter.store import consents, publications, rates, suppressions
from newsletter.store import subscribers as store
from newsletter.store.models import Subscription
from newsletter.subscribing.addresses import address_hashes, normalise_address
from newsletter.subscribing.limits import PASSING
from newsletter.subscribing.preferences import clean_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database
    from newsletter.store.models import Publication


def add_subscriber(
    database: Database,
    settings: Settings,
    slug: str | None,
    email: str,
    *,
    now: datetime,
    name: str | None = None,
) -> dict[str, Any]:
    """Subscribe a person who asked for it by another way; gives what `show_subscriber` gives.

    Raises:
        AddressError: It is no address.
        NotFoundError: There is no such publication.
        StateError: The person left, complained or bounced, or the address is suppressed.

    """
    address = normalise_address(email)
    with database.write() as session:
        publication = publications.find_publication(session, slug)
        if suppressions.list_suppressed(session, address_hashes(address, read_keys(settings))):
            raise StateError(f"{address} is suppressed and must never be mailed again")
        person = store.add_subscribers(
            session, [{"email": address, "name": clean_name(name or "")}], now=now
        )[address]
        row = store.find_subscription(session, publication.id, person.id)
        if row is not None and row.status in {"unsubscribed", "complained", "bounced"}:
            raise StateError(f"{address} is {row.status}: only they themselves can sign up again")
        if row is None:
            row = Subscription(
                publication_id=publication.id, subscriber_id=person.id, status="pending", created_at=now
            )
            session.add(row)
        if row.status == "pending":
            row.status, row.confirmed_at = "active", now
            session.flush()
            consents.record_consent(session, row.id, "added", "operator", now=now)
    return show_subscriber(database, address)


def show_subscriber(database: Database, email: str) -> dict[str, Any]:
    """Return all that is known of a person, ready for JSON.

    Raises:
        AddressError: It is no address.
        NotFoundError: Nobody has that address.

    """
    address = normalise_address(email)
    with database.read() as session:
        person = store.find_subscriber(session, address)
        if person is None:
            raise NotFoundError(f"nobody has the address {address}: `newsletter subscriber list` shows them")
        standings = store.list_standings(session, person.id)
        lines = consents.list_consents(session, [row.id for row, _ in standings])
        return {
            "email": person.email,
            "name": person.name,
            "created_at": _moment(person.created_at),
            "subscriptions": [
                {
                    **_describe(row, publication),
                    "consents": [
                        {"at": _moment(line.at), "event": line.event, "via": line.via, "detail": line.detail}
                        for line in lines
                        if line.subscription_id == row.id
                    ],
                }
                for row, publication in standings
            ],
        }


def list_subscribers(
    database: Database, slug: str | None, status: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the subscribers of a publication, oldest first, ready for JSON.

    Raises:
        NotFoundError: There is no such publication.

    """
    with database.read() as session:
        publication = publications.find_publication(session, slug)
        for row, person in store.iterate_subscriptions(session, publication.id, status):
            yield {"email": person.email, "name": person.name, **_describe(row, publication)}


def forget_counts(database: Database, *, now: datetime) -> int:
    """Drop the counts that no limit looks at any more; returns how many."""
    with database.write() as session:
        return rates.forget_hits_before(session, now - timedelta(days=2), PASSING)


def _describe(row: Subscription, publication: Publication) -> dict[str, Any]:
    return {
        "publication": publication.slug,
        "status": row.status,
        "categories": row.categories,
        "cadence": row.cadence,
        "paused_until": _moment(row.paused_until),
        "created_at": _moment(row.created_at),
        "confirmed_at": _moment(row.confirmed_at),
        "ended_at": _moment(row.ended_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
