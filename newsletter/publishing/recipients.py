"""Whom a message is for, with the links that are that person's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.content import Recipient
from newsletter.render import links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNSUBSCRIBE = "unsubscribe"
PREFERENCES = "preferences"


def make_recipient(
    subscription_id: int,
    subscriber_id: int,
    email: str,
    name: str | None,
    *,
    base_url: str,
    keys: Sequence[bytes],
) -> Recipient:
    """The recipient of one delivery.

    Args:
        subscription_id: What the links' tokens stand for; they never expire.
        subscriber_id: What the Message-ID is made from.
        email: The address.
        name: None where it is not known.
        base_url: Public address, without a trailing slash.
        keys: They sign the tokens, newest first.

    """
    unsubscribe = links.sign(UNSUBSCRIBE, subscription_id, keys)
    preferences = links.sign(PREFERENCES, subscription_id, keys)
    return Recipient(
        subscriber_id=subscriber_id,
        email=email,
        name=name,
        slots={
            "unsubscribe_url": links.unsubscribe_url(base_url, unsubscribe),
            "preferences_url": links.preferences_url(base_url, preferences),
        },
    )


def with_attributes(recipient: Recipient, attributes: Mapping[str, object]) -> Recipient:
    """The same with what else is known of the subscriber, as slots `attributes.NAME`."""
    if not attributes:
        return recipient
    known = {f"attributes.{name}": str(value) for name, value in attributes.items()}
    return replace(recipient, slots=recipient.slots | known)
