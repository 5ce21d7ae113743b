"""Use cases: sign up and confirm, with the same answer to everyone whatever is known of an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.errors import StateError, TokenError
from newsletter.render import links
from newsletter.store import consents, notices, publications, subscribers, suppressions
from newsletter.store.categories import list_categories
from newsletter.store.models import Subscription
from newsletter.subscribing import limits, mails
from newsletter.subscribing.addresses import address_hashes, keyed_hash, normalise_address
from newsletter.subscribing.standing import (
    PREFERENCES,
    SubscriptionView,
    get_publication,
    get_standing,
    make_token,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Publication
    from newsletter.store.engine import Database

CONFIRM = "confirm"
CONFIRM_DAYS = 7
CADENCES = ("weekly", "fortnightly", "monthly")

_FORM = "sign-up-form"
_FASTEST = timedelta(seconds=2)
_SLOWEST = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What a visitor asked for."""

    email: str
    slug: str | None = None
    categories: tuple[str, ...] | None = None
    """None: all of them."""
    cadence: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The mail that a request causes."""

    kind: str
    publication: Publication
    subscription_id: int
    email: str


def stamp_form(settings: Settings, *, now: datetime) -> str:
    """Return a mark for the sign-up form that tells when it was shown."""
    return links.sign(_FORM, _pack(now), read_keys(settings), now)


def is_hasty(settings: Settings, stamp: str | None, *, now: datetime) -> bool:
    """Whether a form was filled in faster than people can, or with a mark that is not ours.

    A request without any mark is let pass: it comes from a program, which the limits hold.
    """
    if stamp is None:
        return False
    try:
        shown_at = _unpack(links.verify(_FORM, stamp, read_keys(settings), now, _SLOWEST))
    except TokenError:
        return True
    return now - shown_at < _FASTEST


def sign_up(database: Database, settings: Settings, request: SignUp, *, now: datetime) -> None:
    """Take a request for a subscription; nothing outward tells whether the address was known.

    Raises:
        AddressError: It is no address; no look at the database is needed to say so.
        NotFoundError: There is no such publication.

    """
    email = normalise_address(request.email)
    keys = read_keys(settings)
    with database.write() as session:
        row = publications.find_publication(session, request.slug)
        publication = get_publication(session, settings, row)
        wanted = _decide(session, publication, email, request, keys, now=now)
    if wanted is not None:
        notice = _write_mail(settings, wanted, now=now)
        with database.write() as session:
            notices.add_notice(session, notice, now=now)


def _decide(
    session: Session,
    publication: Publication,
    email: str,
    request: SignUp,
    keys: Sequence[bytes],
    *,
    now: datetime,
) -> _Wanted | None:
    hashes = address_hashes(email, keys)
    is_full = limits.is_flooding(session, request.ip, keys[0], now=now)
    if is_full or suppressions.list_suppressed(session, hashes):
        return None
    subscription = _find(session, publication, email)
    if subscription is not None and subscription.status in {"complained", "bounced"}:
        return None
    if subscription is not None and subscription.status in {"active", "paused"}:
        if not limits.may_remind(session, "already", hashes[0], now=now):
            return None
        return _Wanted("already-subscribed", publication, subscription.id, email)
    if not limits.may_confirm(session, hashes[0], now=now):
        return None
    subscription = _keep(session, publication, email, subscription, request, now=now)
    detail = None if request.ip is None else f"ip {keyed_hash('ip', request.ip, keys[0])[:16]}"
    consents.record_consent(session, subscription.id, "signed-up", "form", now=now, detail=detail)
    return _Wanted("confirm", publication, subscription.id, email)


def _find(session: Session, publication: Publication, email: str) -> Subscription | None:
    person = subscribers.find_subscriber(session, email)
    return None if person is None else subscribers.find_subscription(session, publication.id, person.id)


def _keep(
    session: Session,
    publication: Publication,
    email: str,
    subscription: Subscription | None,
    request: SignUp,
    *,
    now: datetime,
) -> Subscription:
    """Make a pending subscription; what an unsubscribed person had chosen is no stranger's to change."""
    if subscription is None:
        people = subscribers.add_subscribers(session, [{"email": email, "name": None}], now=now)
        subscription = Subscription(
            publication_id=publication.id, subscriber_id=people[email].id, status="pending", created_at=now
        )
        session.add(subscription)
    if subscription.status == "pending":
        known = {category.name for category in list_categories(session, publication.id)}
        chosen = [name for name in request.categories or () if name in known]
        subscription.categories = chosen or None
        subscription.cadence = request.cadence if request.cadence in CADENCES else None
    session.flush()
    return subscription


def _write_mail(settings: Settings, wanted: _Wanted, *, now: datetime) -> notices.NewNotice:
    values: dict[str, object]
    if wanted.kind == "confirm":
        payload = wanted.subscription_id.to_bytes(_NUMBER, "big") + _pack(now)
        token = links.sign(CONFIRM, payload, read_keys(settings), now)
        values = {"confirm_url": links.confirm_url(settings.base_url, token), "days": CONFIRM_DAYS}
    else:
        token = make_token(settings, PREFERENCES, wanted.subscription_id)
        values = {"preferences_url": links.preferences_url(settings.base_url, token)}
    return mails.make_notice(
        settings.templates_dir, wanted.kind, wanted.publication, wanted.email, values, now=now
    )


def _pack(at: datetime) -> bytes:
    return ((at - _EPOCH) // timedelta(microseconds=1)).to_bytes(_NUMBER, "big")


def _unpack(octets: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=int.from_bytes(octets, "big"))


def find_sign_up(database: Database, settings: Settings, token: str, *, now: datetime) -> SubscriptionView:
    """Return what a confirmation link stands for; changes nothing.

    Raises:
        TokenError: It is forged or older than a week.

    """
    subscription_id, _ = _read_token(settings, token, now=now)
    with database.read() as session:
        standing = get_standing(session, subscription_id)
        return standing.view(get_publication(session, settings, standing.publication))


def confirm(database: Database, settings: Settings, token: str, *, now: datetime) -> SubscriptionView:
    """Make a subscription active; once more does no harm.

    Raises:
        TokenError: It is forged or older than a week, or was made before the person last left.
        StateError: The address must not be mailed any more.

    """
    subscription_id, made_at = _read_token(settings, token, now=now)
    with database.write() as session:
        standing = get_standing(session, subscription_id)
        row, email = standing.subscription, standing.subscriber.email
        hashes = address_hashes(email, read_keys(settings))
        if row.status in {"complained", "bounced"} or suppressions.list_suppressed(session, hashes):
            raise StateError(
                "This address cannot be subscribed any more. Write to the publisher if it should."
            )
        if row.status == "unsubscribed" and row.ended_at is not None and made_at <= row.ended_at:
            raise TokenError("This link was made before you unsubscribed. Sign up again for a new one.")
        if row.status in {"pending", "unsubscribed"}:
            row.status, row.confirmed_at, row.ended_at = "active", now, None
            consents.record_consent(session, row.id, "confirmed", "link", now=now)
            for address_hash in hashes:
                limits.has_confirmed(session, address_hash)
        return standing.view(get_publication(session, settings, standing.publication))


def _read_token(settings: Settings, token: str, *, now: datetime) -> tuple[int, datetime]:
    payload = links.verify(CONFIRM, token, read_keys(settings), now, timedelta(days=CONFIRM_DAYS))
    return int.from_bytes(payload[:_NUMBER], "big"), _unpack(payload[_NUMBER:])
