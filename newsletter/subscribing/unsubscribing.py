"""Use cases: leave, at once and for every waiting delivery, and take it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.errors import NotFoundError, StateError
from newsletter.store import consents, publications, subscribers
from newsletter.subscribing.addresses import normalise_address
from newsletter.subscribing.standing import (
    UNSUBSCRIBE,
    Standing,
    SubscriptionView,
    find_by_token,
    get_publication,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.store.engine import Database

UNDO_HOURS = 24
LEFT = "unsubscribed"


def find_subscription(database: Database, settings: Settings, token: str) -> SubscriptionView:
    """Return what an unsubscribe link stands for; changes nothing.

    Raises:
        TokenError: It is forged or for another purpose.

    """
    with database.read() as session:
        return _view(session, settings, find_by_token(session, settings, UNSUBSCRIBE, token))


def unsubscribe(
    database: Database, settings: Settings, token: str, *, via: str, now: datetime
) -> SubscriptionView:
    """End a subscription and skip its deliveries that wait, in one transaction; once more does no harm.

    Args:
        database: Where the subscription is.
        settings: With the keys.
        token: As the mail carried it; it never runs out.
        via: `one-click` (RFC 8058), `link` or `preferences`, for the consent log.
        now: Aware.

    Raises:
        TokenError: It is forged or for another purpose.

    """
    with database.write() as session:
        standing = find_by_token(session, settings, UNSUBSCRIBE, token)
        end_subscription(session, standing, via=via, now=now)
        return _view(session, settings, standing)


def unsubscribe_address(
    database: Database, settings: Settings, slug: str | None, email: str, *, via: str, now: datetime
) -> SubscriptionView:
    """End the subscription of an address, for operators.

    Raises:
        AddressError: It is no address.
        NotFoundError: There is no such publication, or the address has no subscription to it.

    """
    address = normalise_address(email)
    with database.write() as session:
        publication = publications.find_publication(session, slug)
        person = subscribers.find_subscriber(session, address)
        row = None if person is None else subscribers.find_subscription(session, publication.id, person.id)
        if person is None or row is None:
            raise NotFoundError(f"{address} has no subscription to {publication.slug}")
        standing = Standing(row, person, publication)
        end_subscription(session, standing, via=via, now=now)
        return _view(session, settings, standing)


def end_subscription(session: Session, standing: Standing, *, via: str, now: datetime) -> None:
    """Write the end into an open transaction; a bounced or complained one stays what it is."""
    row = standing.subscription
    if row.status in {"pending", "active", "paused"}:
        row.status, row.ended_at, row.paused_until = LEFT, now, None
        consents.record_consent(session, row.id, LEFT, via, now=now)
    subscribers.skip_deliveries(session, row.publication_id, row.subscriber_id, LEFT, now=now)


def undo_unsubscribe(
    database: Database, settings: Settings, token: str, *, now: datetime
) -> SubscriptionView:
    """Take back an unsubscribe of the last day, for whoever pressed the wrong button.

    Later on the link alone is not enough, since it may have been passed on: sign up again.

    Raises:
        TokenError: It is forged or for another purpose.
        StateError: It is too late, or there was no confirmed subscription to go back to.

    """
    with database.write() as session:
        standing = find_by_token(session, settings, UNSUBSCRIBE, token)
        row = standing.subscription
        if row.status in {"active", "paused"}:
            return _view(session, settings, standing)
        if not may_undo(_view(session, settings, standing), now=now) or row.confirmed_at is None:
            raise StateError("This can no longer be undone here. Sign up again, it takes a minute.")
        row.status, row.ended_at = "active", None
        consents.record_consent(session, row.id, "resubscribed", "undo", now=now)
        return _view(session, settings, standing)


def may_undo(view: SubscriptionView, *, now: datetime) -> bool:
    """Whether the page shown after leaving should offer a way back."""
    return (
        view.status == LEFT
        and view.ended_at is not None
        and now - view.ended_at <= timedelta(hours=UNDO_HOURS)
    )


def _view(session: Session, settings: Settings, standing: Standing) -> SubscriptionView:
    return standing.view(get_publication(session, settings, standing.publication))
