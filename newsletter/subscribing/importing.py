"""Use case: take in a list of subscribers; safe to repeat, and never against anyone's will."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from newsletter.config import read_keys
from newsletter.errors import AddressError
from newsletter.store import consents, publications, subscribers, suppressions
from newsletter.store.models import Subscription
from newsletter.subscribing.addresses import address_hashes, normalise_address
from newsletter.subscribing.peoplefiles import Entry, iterate_people
from newsletter.subscribing.preferences import clean_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import SubscriptionStatus
    from newsletter.store.engine import Database
    from newsletter.store.models import Subscriber
    from newsletter.subscribing.csvlayouts import Person

CHUNK = 1000
ENDED = ("unsubscribed", "bounced", "complained")


@dataclass(slots=True)
class ImportReport:
    """Counts of one import; the keys are those of `subscriber import --json`."""

    read: int = 0
    added: int = 0
    updated: int = 0
    skipped: int = 0
    suppressed: int = 0
    rejected: list[dict[str, object]] = field(default_factory=list)
    """`line` (1 for the first of the file), `email` as it stood there, and `reason`."""


@dataclass(frozen=True, slots=True)
class _Run:
    publication_id: int
    status: SubscriptionStatus
    keys: Sequence[bytes]
    now: datetime


def import_subscribers(
    database: Database,
    settings: Settings,
    file: Path,
    slug: str | None,
    *,
    status: SubscriptionStatus = "active",
    now: datetime,
) -> ImportReport:
    """Read a list, a chunk of a thousand a transaction; a stop in between leaves whole chunks behind.

    Args:
        database: Where they go.
        settings: With the keys that suppressions are hashed with.
        file: CSV in the layouts of the well-known services, bare addresses, or JSON lines.
        slug: Of the publication; None: the only one.
        status: What those get of whom the list says nothing else: `active` or `pending`.
        now: Aware.

    Raises:
        NotFoundError: There is no such publication.
        ParseError: The file as a whole cannot be read; single bad records are in the report.

    """
    with database.read() as session:
        publication_id = publications.find_publication(session, slug).id
    run = _Run(publication_id, status, read_keys(settings), now)
    report = ImportReport()
    people = iterate_people(file)
    while chunk := list(itertools.islice(people, CHUNK)):
        found = _check(chunk, report)
        with database.write() as session:
            _take_in(session, run, found, report)
    return report


def _check(chunk: list[Entry], report: ImportReport) -> list[tuple[str, Person]]:
    """Normalise the addresses, outside any transaction."""
    found = []
    for entry in chunk:
        report.read += 1
        reason = entry.reason
        if entry.person is not None:
            try:
                found.append((normalise_address(entry.person.email), entry.person))
                continue
            except AddressError as error:
                reason = str(error)
        report.rejected.append({"line": entry.line, "email": entry.email, "reason": reason})
    return found


def _take_in(session: Session, run: _Run, found: Sequence[tuple[str, Person]], report: ImportReport) -> None:
    hashes = {email: address_hashes(email, run.keys) for email, _ in found}
    known = suppressions.list_suppressed(session, [each for many in hashes.values() for each in many])
    allowed = [(email, person) for email, person in found if not known.intersection(hashes[email])]
    report.suppressed += len(found) - len(allowed)
    first: dict[str, Person] = {}
    for email, person in allowed:
        first.setdefault(email, person)
    rows = subscribers.add_subscribers(
        session,
        [_to_row(run, email, person) for email, person in first.items()],
        now=run.now,
    )
    standing = subscribers.find_subscriptions(session, run.publication_id, [row.id for row in rows.values()])
    fresh = []
    for email, person in allowed:
        row = rows[email]
        subscription = standing.get(row.id)
        if subscription is None:
            standing[row.id] = subscription = _make(run, row, person)
            session.add(subscription)
            fresh.append((subscription, person))
            report.added += 1
        elif _change(session, run, row, subscription, person):
            report.updated += 1
        else:
            report.skipped += 1
    session.flush()
    for subscription, person in fresh:
        detail = "" if person.confirmed_at is None else f", confirmed {person.confirmed_at.isoformat()}"
        consents.record_consent(
            session, subscription.id, "imported", "import", now=run.now, detail=subscription.status + detail
        )


def _to_row(run: _Run, email: str, person: Person) -> dict[str, Any]:
    return {
        "email": email,
        "name": clean_name(person.name or ""),
        "attributes": {"timezone": person.timezone} if person.timezone else {},
        "created_at": person.created_at or run.now,
    }


def _make(run: _Run, row: Subscriber, person: Person) -> Subscription:
    status = _strictest(run, person)
    return Subscription(
        publication_id=run.publication_id,
        subscriber_id=row.id,
        status=status,
        categories=None if person.categories is None else list(person.categories),
        cadence=person.cadence,
        paused_until=person.paused_until if status == "paused" else None,
        created_at=person.created_at or run.now,
        confirmed_at=person.confirmed_at or (run.now if status in {"active", "paused"} else None),
        ended_at=(person.ended_at or run.now) if status in ENDED else None,
    )


def _strictest(run: _Run, person: Person) -> SubscriptionStatus:
    """What the list says holds; only its `active` gives way to a cautious `--status pending`."""
    if person.status is None or person.status == "active":
        return run.status
    if person.status == "paused" and person.paused_until is None:
        return "pending"
    return person.status


def _change(session: Session, run: _Run, row: Subscriber, subscription: Subscription, person: Person) -> bool:
    """Bring a known subscription up to date; False where nothing changes or nothing may."""
    if subscription.status in ENDED:
        return False
    status = _strictest(run, person)
    if status in ENDED:
        subscription.status, subscription.ended_at = status, person.ended_at or run.now
        subscription.paused_until = None
        consents.record_consent(session, subscription.id, status, "import", now=run.now)
        subscribers.skip_deliveries(session, run.publication_id, row.id, status, now=run.now)
        return True
    changed = False
    if subscription.status == "pending" and status == "active":
        subscription.status, subscription.confirmed_at, changed = status, person.confirmed_at or run.now, True
        consents.record_consent(session, subscription.id, "imported", "import", now=run.now, detail=status)
    name = clean_name(person.name or "")
    if name and name != row.name:
        row.name, changed = name, True
    if person.timezone and person.timezone != row.attributes.get("timezone"):
        row.attributes, changed = row.attributes | {"timezone": person.timezone}, True
    categories = None if person.categories is None else list(person.categories)
    if categories and categories != subscription.categories:
        subscription.categories, changed = categories, True
    if person.cadence and person.cadence != subscription.cadence:
        subscription.cadence, changed = person.cadence, True
    return changed
