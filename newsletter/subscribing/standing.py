"""What a link in a mail stands for: one person's subscription, found by a signed token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from newsletter.config import Settings, read_keys
from newsletter.content import Publication, SubscriptionStatus
from newsletter.errors import TokenError
from newsletter.render import links
from newsletter.store import models, publications, subscribers
from newsletter.subscribing.addresses import mask_address

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "preferences"
STATUSES: tuple[str, ...] = get_args(SubscriptionStatus)
NO_LONGER = "This link is not valid, or no longer. Ask for a new one."


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A subscription as its owner may see it."""

    id: int
    email: str
    name: str | None
    status: SubscriptionStatus
    publication: Publication
    categories: tuple[str, ...] | None
    """None: all of them."""
    cadence: str | None
    paused_until: datetime | None
    ended_at: datetime | None

    @property
    def masked(self) -> str:
        """All of the address that a page shows whose link may have been passed on."""
        return mask_address(self.email)


@dataclass(frozen=True, slots=True)
class Standing:
    """The rows behind a view, good inside one transaction."""

    subscription: models.Subscription
    subscriber: models.Subscriber
    publication: models.Publication

    def view(self, publication: Publication) -> SubscriptionView:
        """Copy out what outlives the transaction."""
        row = self.subscription
        return SubscriptionView(
            id=row.id,
            email=self.subscriber.email,
            name=self.subscriber.name,
            status=cast("SubscriptionStatus", row.status),
            publication=publication,
            categories=None if row.categories is None else tuple(row.categories),
            cadence=row.cadence,
            paused_until=row.paused_until,
            ended_at=row.ended_at,
        )


def find_by_token(session: Session, settings: Settings, purpose: str, token: str) -> Standing:
    """Return what a token of that purpose stands for.

    Raises:
        TokenError: It is forged or for another purpose, or the person was erased.

    """
    return get_standing(session, links.verify_number(purpose, token, read_keys(settings)))


def get_standing(session: Session, subscription_id: int) -> Standing:
    """Return the rows of a subscription.

    Raises:
        TokenError: There is none, or the person was erased.

    """
    found = subscribers.find_standing(session, subscription_id)
    if found is None or found[1].erased_at is not None:
        raise TokenError(NO_LONGER)
    return Standing(*found)


def make_token(settings: Settings, purpose: str, subscription_id: int) -> str:
    """Sign a link for one purpose; it never runs out (CASL asks for 60 days, people for ever)."""
    return links.sign(purpose, subscription_id, read_keys(settings))


def get_publication(session: Session, settings: Settings, row: models.Publication) -> Publication:
    """Return a publication as the stages know it."""
    return publications.load_publication(session, settings.base_url, row.id)
