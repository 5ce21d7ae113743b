"""Use cases: see and change what one gets, pause, and ask for the link to do so."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.errors import StateError
from newsletter.render import links
from newsletter.store import consents, notices, publications, subscribers, suppressions
from newsletter.store.categories import list_categories
from newsletter.subscribing import limits, mails
from newsletter.subscribing.addresses import address_hashes, normalise_address
from newsletter.subscribing.standing import (
    PREFERENCES,
    UNSUBSCRIBE,
    Standing,
    SubscriptionView,
    find_by_token,
    get_publication,
    make_token,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.store.engine import Database

PAUSE_WEEKS = 4
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the page of a subscription shows."""

    subscription: SubscriptionView
    categories: tuple[str, ...]
    """All that there are; empty where there is nothing to choose."""
    cadences: tuple[str, ...]
    """All that the publication offers; empty where there is nothing to choose."""
    unsubscribe_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChanges:
    """What a subscriber may change; None leaves a value as it is."""

    name: str | None = None
    categories: tuple[str, ...] | None = None
    """None leaves them; all of them means whatever comes later too."""
    cadence: str | None = None


def show_preferences(database: Database, settings: Settings, token: str) -> Preferences:
    """Return what a preferences link stands for; changes nothing.

    Raises:
        TokenError: It is forged or for another purpose.

    """
    with database.read() as session:
        return _show(session, settings, find_by_token(session, settings, PREFERENCES, token))


def update_preferences(
    database: Database, settings: Settings, token: str, changes: PreferenceChanges, *, now: datetime
) -> Preferences:
    """Write what was chosen; names that are no category or cadence are left out.

    Raises:
        TokenError: It is forged or for another purpose.

    """
    with database.write() as session:
        standing = find_by_token(session, settings, PREFERENCES, token)
        shown, row = _show(session, settings, standing), standing.subscription
        if changes.name is not None:
            standing.subscriber.name = clean_name(changes.name)
        if changes.categories is not None and shown.categories:
            chosen = [name for name in shown.categories if name in changes.categories]
            row.categories = None if len(chosen) in {0, len(shown.categories)} else chosen
        if changes.cadence in shown.cadences:
            row.cadence = changes.cadence
        chosen_now = f"categories {row.categories or 'all'}, cadence {row.cadence or 'every issue'}"
        consents.record_consent(session, row.id, "preferences", "link", now=now, detail=chosen_now)
        return _show(session, settings, standing)


def pause_subscription(
    database: Database, settings: Settings, token: str, *, now: datetime, weeks: int = PAUSE_WEEKS
) -> Preferences:
    """Send nothing for some weeks, what is queued included.

    Raises:
        TokenError: It is forged or for another purpose.
        StateError: The subscription is not active.

    """
    with database.write() as session:
        standing = find_by_token(session, settings, PREFERENCES, token)
        row = standing.subscription
        if row.status not in {"active", "paused"}:
            raise StateError("Only an active subscription can be paused. Sign up again to get mail.")
        row.status, row.paused_until = "paused", now + timedelta(weeks=weeks)
        consents.record_consent(session, row.id, "paused", "link", now=now)
        subscribers.skip_deliveries(session, row.publication_id, row.subscriber_id, "paused", now=now)
        return _show(session, settings, standing)


def resume_subscription(database: Database, settings: Settings, token: str, *, now: datetime) -> Preferences:
    """End a pause before its time.

    Raises:
        TokenError: It is forged or for another purpose.

    """
    with database.write() as session:
        standing = find_by_token(session, settings, PREFERENCES, token)
        row = standing.subscription
        if row.status == "paused":
            row.status, row.paused_until = "active", None
            consents.record_consent(session, row.id, "resumed", "link", now=now)
        return _show(session, settings, standing)


def end_pauses(database: Database, *, now: datetime) -> int:
    """Make those active again whose weeks are over; returns how many."""
    with database.write() as session:
        rows = subscribers.end_pauses(session, now=now)
        for row in rows:
            consents.record_consent(session, row.id, "resumed", "clock", now=now)
        return len(rows)


def send_preferences_link(
    database: Database, settings: Settings, slug: str | None, email: str, *, ip: str | None, now: datetime
) -> None:
    """Mail the link to whoever owns the address; nothing outward tells whether it is known.

    Raises:
        AddressError: It is no address.
        NotFoundError: There is no such publication.

    """
    address = normalise_address(email)
    keys = read_keys(settings)
    with database.write() as session:
        row = publications.find_publication(session, slug)
        publication = get_publication(session, settings, row)
        hashes = address_hashes(address, keys)
        person = subscribers.find_subscriber(session, address)
        found = None if person is None else subscribers.find_subscription(session, row.id, person.id)
        may_send = (
            not limits.is_flooding(session, ip, keys[0], now=now)
            and not suppressions.list_suppressed(session, hashes)
            and found is not None
            and found.status in {"active", "paused"}
            and limits.may_remind(session, "link", hashes[0], now=now)
        )
    if not may_send or found is None:
        return
    url = links.preferences_url(settings.base_url, make_token(settings, PREFERENCES, found.id))
    values = {"preferences_url": url}
    notice = mails.make_notice(
        settings.templates_dir, "preferences-link", publication, address, values, now=now
    )
    with database.write() as session:
        notices.add_notice(session, notice, now=now)


def clean_name(text: str) -> str | None:
    """Return one line without control characters, or None where nothing is left."""
    kept = "".join(" " if unicodedata.category(each).startswith(("C", "Z")) else each for each in text)
    return " ".join(kept.split())[:LONGEST_NAME] or None


def _show(session: Session, settings: Settings, standing: Standing) -> Preferences:
    publication = standing.publication
    # Offered where the publication keeps the promise: a choice that changes nothing is none.
    names = tuple(category.name for category in list_categories(session, publication.id))
    names = names if publication.rules.get("choose_categories") else ()
    cadences = tuple(publication.rules.get("cadences", ()))
    return Preferences(
        subscription=standing.view(get_publication(session, settings, publication)),
        categories=names if len(names) > 1 else (),
        cadences=cadences if len(cadences) > 1 else (),
        unsubscribe_token=make_token(settings, UNSUBSCRIBE, standing.subscription.id),
    )
