"""Queries: in which zones the recipients of an issue live, and when each zone's rows are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, literal, select, update

from newsletter.store.columns import Instant
from newsletter.store.models import Delivery, Subscriber

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_ZONE = Subscriber.attributes["timezone"].as_string()


def list_zones(session: Session, issue_id: int) -> list[str]:
    """The zones that the recipients of an issue gave."""
    query = select(_ZONE).distinct().join(Delivery, Delivery.subscriber_id == Subscriber.id)
    return [zone for zone in session.scalars(query.where(Delivery.issue_id == issue_id)) if zone]


def hold_until(
    session: Session, issue_id: int, times: Mapping[str, datetime | None], otherwise: datetime | None
) -> None:
    """Put the queued rows of an issue off until the hour of each one's zone.

    Args:
        session: The transaction in which they were made.
        issue_id: The issue.
        times: By zone; None: at once.
        otherwise: For all who gave no zone, or none of these.

    """
    zone = select(_ZONE).where(Subscriber.id == Delivery.subscriber_id).scalar_subquery()
    moments = {name: literal(at, Instant()) for name, at in times.items()}
    at: ColumnElement[datetime] = literal(otherwise, Instant())
    if moments:
        at = case(moments, value=zone, else_=at)
    queued = update(Delivery).where(Delivery.issue_id == issue_id, Delivery.state == "queued")
    session.execute(queued.where(at.is_not(None)).values(state="deferred", next_attempt_at=at))
