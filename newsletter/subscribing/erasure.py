"""Use case: forget a person everywhere, and never mail that address again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.errors import NotFoundError
from newsletter.store import audit, consents, rates, subscribers, suppressions
from newsletter.subscribing.addresses import address_hashes, normalise_address

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database

ERASED = "erased"


def erase(
    database: Database, settings: Settings, email: str, *, now: datetime, actor: str = "operator"
) -> None:
    """Take a person's data out of every table; a keyed hash stays, so that no import brings them back.

    Counts of issues stay true: deliveries keep their state under a name that says nothing.

    Raises:
        AddressError: It is no address.
        NotFoundError: Nothing is known of the address.

    """
    address = normalise_address(email)
    hashes = address_hashes(address, read_keys(settings))
    with database.write() as session:
        person = subscribers.find_subscriber(session, address)
        if person is None:
            if suppressions.list_suppressed(session, hashes):
                return
            raise NotFoundError(f"nothing is known of {address}")
        alias = f"erased-{person.id}@invalid"
        subscribers.skip_deliveries(session, None, person.id, ERASED, now=now)
        subscribers.erase_traces(session, person.id, address, alias)
        standings = [row for row, _ in subscribers.list_standings(session, person.id)]
        consents.clear_consent_details(session, [row.id for row in standings])
        for row in standings:
            row.status = row.status if row.status == "complained" else "unsubscribed"
            row.categories, row.cadence, row.paused_until = None, None, None
            row.ended_at = row.ended_at or now
            consents.record_consent(session, row.id, ERASED, "operator", now=now)
        person.email, person.name, person.attributes, person.erased_at = alias, None, {}, now
        suppressions.add_suppression(session, hashes[0], ERASED, now=now)
        for kind in ("confirm", "already", "link"):
            for each in hashes:
                rates.forget_hits(session, f"{kind}:{each}")
        audit.record_action(session, "subscriber erase", alias, actor=actor, now=now)
