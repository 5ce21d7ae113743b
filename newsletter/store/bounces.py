"""Queries: mailboxes that turned out not to exist while an issue was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from newsletter.store.models import Delivery, Issue, Subscription

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

SUSPENDABLE = ("pending", "active", "paused")


def list_bounced(
    session: Session, issue_id: int, delivery_ids: Collection[int]
) -> list[tuple[Subscription, str | None]]:
    """Subscriptions that still stand though these deliveries bounced for good, with what was said."""
    query = (
        select(Subscription, Delivery.reply)
        .join(Delivery, Delivery.subscriber_id == Subscription.subscriber_id)
        .join(Issue, and_(Issue.id == Delivery.issue_id, Issue.publication_id == Subscription.publication_id))
        .where(Delivery.issue_id == issue_id, Delivery.id.in_(delivery_ids))
        .where(Delivery.state == "failed", Delivery.cause == "hard")
        .where(Subscription.status.in_(SUSPENDABLE))
        .with_for_update(of=Subscription)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def count_bounces(session: Session, issue_id: int, since: datetime | None, most: int) -> tuple[int, int]:
    """How many deliveries of an issue bounced for good, and how many have their verdict.

    Args:
        session: Any transaction.
        issue_id: Whose deliveries.
        since: Only verdicts after it.
        most: Count no more verdicts than these; 0 for no bound.

    """
    settled = select(Delivery.id).where(Delivery.issue_id == issue_id, Delivery.state.in_(("sent", "failed")))
    if since is not None:
        settled = settled.where(Delivery.finished_at > since)
    hard = settled.where(Delivery.state == "failed", Delivery.cause == "hard")
    bounded = settled.limit(most) if most else settled
    counts = [
        session.scalar(select(func.count()).select_from(each.subquery())) or 0 for each in (hard, bounded)
    ]
    return counts[0], counts[1]
