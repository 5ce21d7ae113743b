"""Queries: the ledger's rows as screens and use cases see them; sending goes through `store.ledger`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Text, and_, case, cast, func, insert, literal, null, or_, select, update

from newsletter.store.columns import Instant
from newsletter.store.issues import EMPTY, WHOLE
from newsletter.store.models import Delivery, Issue, Subscriber, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

LEAVABLE = ("queued", "claimed", "deferred")
"""States in which no body has gone out, so that it can be held back; a cleared claim keeps a claimed one."""
UNFINISHED = ("queued", "claimed", "dot_sent", "deferred")
BOUNCED = "hard"
"""The cause of a failure that says that there is no such mailbox."""
PAGE = 500
NOTHING_CHOSEN = "nothing in the categories that the subscriber chose"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who of a publication's subscribers gets an issue, and which selection of it."""

    cadence: str = "weekly"
    """That of those who chose none that is offered."""
    cadences: Sequence[str] = ()
    """Those that are offered; none: everybody gets every issue."""
    variants: Mapping[str, str] = field(default_factory=dict)
    """The variant of each choice of categories, as `name_choice` names it; `EMPTY` where it holds nothing."""


def fix_recipients(session: Session, issue: Issue, *, now: datetime, audience: Audience | None = None) -> int:
    """Write one row for every active subscriber, queued or skipped; who joins or leaves later does not count.

    Returns:
        How many recipients the issue has.

    """
    audience = audience or Audience()
    variant = _choose_variant(session, issue, audience)
    is_empty = variant == EMPTY
    active = (
        select(
            literal(issue.id),
            Subscriber.id,
            Subscriber.email,
            variant,
            case((is_empty, "skipped"), else_="queued"),
            literal(0),
            case((is_empty, NOTHING_CHOSEN), else_=null()),
            case((is_empty, literal(now, Instant())), else_=null()),
        )
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(_is_reader(issue, audience, now))
        .order_by(Subscriber.id)
    )
    columns = ["issue_id", "subscriber_id", "email", "variant", "state", "attempts", "reply", "finished_at"]
    rows = insert(Delivery).from_select(columns, active)
    # Counting a million afterwards takes as long as a tenth of making them.
    return session.connection().execute(rows, execution_options={"preserve_rowcount": True}).rowcount


def _is_reader(issue: Issue, audience: Audience, now: datetime) -> ColumnElement[bool]:
    """Whether a subscriber gets an issue if it goes out now."""
    wanted = and_(Subscription.publication_id == issue.publication_id, _is_subscribed(now))
    if not audience.cadences:
        return wanted
    offered = Subscription.cadence.in_(audience.cadences)
    return and_(wanted, case((offered, Subscription.cadence), else_=audience.cadence) == issue.cadence)


def _is_subscribed(now: datetime) -> ColumnElement[bool]:
    has_come_back = and_(Subscription.status == "paused", Subscription.paused_until <= now)
    return and_(Subscriber.erased_at.is_(None), or_(Subscription.status == "active", has_come_back))


def list_all_choices(session: Session, publication_id: int) -> dict[str, tuple[str, ...]]:
    """The combinations of categories that a publication's subscribers ever chose, by their JSON text."""
    return _list_choices(session, Subscription.publication_id == publication_id)


def list_choices(
    session: Session, issue: Issue, audience: Audience, *, now: datetime
) -> dict[str, tuple[str, ...]]:
    """The same of those alone who get an issue if it goes out now."""
    return _list_choices(session, _is_reader(issue, audience, now))


def _list_choices(session: Session, whose: ColumnElement[bool]) -> dict[str, tuple[str, ...]]:
    # A JSON value cannot be compared on PostgreSQL, its text can.
    said = cast(Subscription.categories, Text)
    query = select(said).distinct().join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    query = query.where(whose, said.is_not(None))
    return {text: tuple(chosen) for text in session.scalars(query) if (chosen := json.loads(text))}


def name_choice(categories: Sequence[str]) -> str:
    """One name for equal choices, in whatever order and capitals."""
    return "\n".join(sorted({name.casefold() for name in categories}))


def _choose_variant(session: Session, issue: Issue, audience: Audience) -> ColumnElement[str]:
    """A choice for which no variant was made gets the whole issue: it was approved, and lacks nothing."""
    known = {
        text: audience.variants[name]
        for text, chosen in list_all_choices(session, issue.publication_id).items()
        if (name := name_choice(chosen)) in audience.variants
    }
    if not known:
        return literal(WHOLE)
    return case(known, value=cast(Subscription.categories, Text), else_=WHOLE)


def count_states(session: Session, issue_id: int) -> dict[str, int]:
    """How many rows of an issue are in each state."""
    query = select(Delivery.state, func.count()).where(Delivery.issue_id == issue_id).group_by(Delivery.state)
    return {state: count for state, count in session.execute(query)}  # noqa: C416 - a Row is no tuple to mypy


def count_settled(session: Session, issue_id: int, since: datetime, until: datetime) -> int:
    """How many rows of an issue got their verdict between two times, by whoever sent them."""
    query = select(func.count()).where(
        Delivery.issue_id == issue_id,
        Delivery.state.in_(("sent", "failed", "uncertain")),
        Delivery.finished_at.between(since, until),
    )
    return session.scalar(query) or 0


def has_unfinished(session: Session, issue_id: int, *, resends: bool = False) -> bool:
    """Whether any row still waits for a verdict; with `resends` also one that a dead process just left."""
    waits: ColumnElement[bool] = Delivery.state.in_(UNFINISHED)
    if resends:
        waits = or_(waits, and_(Delivery.state == "uncertain", Delivery.finished_at.is_(None)))
    query = select(Delivery.id).where(Delivery.issue_id == issue_id, waits)
    return session.scalars(query.limit(1)).first() is not None


def next_attempt_at(session: Session, issue_id: int) -> datetime | None:
    """When the first of the deferred rows is to be tried again."""
    query = select(func.min(Delivery.next_attempt_at))
    return session.scalar(query.where(Delivery.issue_id == issue_id, Delivery.state == "deferred"))


def list_deliveries(session: Session, issue_id: int, state: str | None = None) -> Iterator[Delivery]:
    """Every row of an issue in order, a page at a time, so that a million of them take no room."""
    last = 0
    while True:
        query = select(Delivery).where(Delivery.issue_id == issue_id, Delivery.id > last)
        if state is not None:
            query = query.where(Delivery.state == state)
        page = list(session.scalars(query.order_by(Delivery.id).limit(PAGE)))
        if not page:
            return
        last = page[-1].id
        yield from page
        session.expunge_all()


def skip_deliveries_of(session: Session, issue_id: int, reason: str, *, now: datetime) -> int:
    """Hold back whatever of an issue is not yet on its way."""
    held = (
        update(Delivery)
        .where(Delivery.issue_id == issue_id, Delivery.state.in_(LEAVABLE))
        .values(state="skipped", claim_token=None, next_attempt_at=None, reply=reason, finished_at=now)
        .returning(Delivery.id)
    )
    return len(session.execute(held).all())


def requeue_uncertain(session: Session, issue_id: int, *, only_abandoned: bool = False) -> int:
    """Have the deliveries sent again of which nobody can say whether they arrived.

    Args:
        session: A transaction that may write.
        issue_id: Whose.
        only_abandoned: Those alone whose process died, which has no time of an end for them.

    """
    again = (
        update(Delivery)
        .where(Delivery.issue_id == issue_id, Delivery.state == "uncertain")
        .values(state="queued", claim_token=None, next_attempt_at=None, finished_at=None)
        .returning(Delivery.id)
    )
    if only_abandoned:
        again = again.where(Delivery.finished_at.is_(None))
    return len(session.execute(again).all())


def requeue_retriable(session: Session, issue: Issue, state: str, *, now: datetime) -> int:
    """Queue the deliveries of one state anew, but for bounced mailboxes and whoever is no longer subscribed.

    Returns:
        How many were queued.

    """
    subscribed = (
        select(Subscription.subscriber_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.publication_id == issue.publication_id, _is_subscribed(now))
    )
    again = (
        update(Delivery)
        .where(
            Delivery.issue_id == issue.id,
            Delivery.state == state,
            Delivery.cause.is_distinct_from(BOUNCED),
            Delivery.subscriber_id.in_(subscribed),
        )
        .values(
            state="queued", claim_token=None, next_attempt_at=None, first_attempt_at=None, finished_at=None
        )
        .returning(Delivery.id)
    )
    return len(session.execute(again).all())


def count_bounced(session: Session, issue_id: int, state: str) -> tuple[int, int]:
    """How many deliveries of one state are of mailboxes that do not exist, and how many are others."""
    query = select(func.count(), func.count().filter(Delivery.cause == BOUNCED))
    everyone, bounced = session.execute(
        query.where(Delivery.issue_id == issue_id, Delivery.state == state)
    ).one()
    return bounced, everyone - bounced


def settle_uncertain(session: Session, delivery_id: int, values: dict[str, object], *, now: datetime) -> bool:
    """Write what became of an uncertain delivery; False where it is uncertain no more."""
    row = update(Delivery).where(Delivery.id == delivery_id, Delivery.state == "uncertain")
    settled = row.values(**{"finished_at": now, "next_attempt_at": None, **values})
    return session.scalar(settled.returning(Delivery.id)) is not None


def retry_uncertain(
    session: Session, issue_id: int, plan: Callable[[int, int, datetime | None], datetime | None]
) -> None:
    """Have uncertain deliveries tried again: at once where the process died, else when `plan` says.

    Args:
        session: A transaction that may write.
        issue_id: Whose.
        plan: From id, attempts and first attempt to the time; None gives up.

    """
    requeue_uncertain(session, issue_id, only_abandoned=True)
    # What a process left since is not put off: the next one who looks queues it.
    query = select(Delivery).where(
        Delivery.issue_id == issue_id, Delivery.state == "uncertain", Delivery.finished_at.is_not(None)
    )
    for row in session.scalars(query):
        at = plan(row.id, row.attempts, row.first_attempt_at)
        if at is not None:
            row.state, row.next_attempt_at, row.finished_at = "deferred", at, None
