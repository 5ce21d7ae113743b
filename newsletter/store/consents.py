"""Queries: what subscribers agreed to and withdrew; lines are added, never altered but by an erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from newsletter.store.models import Consent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


def record_consent(
    session: Session, subscription_id: int, event: str, via: str, *, now: datetime, detail: str | None = None
) -> None:
    """Write one line: what was agreed or withdrawn, and by which way."""
    session.add(Consent(subscription_id=subscription_id, at=now, event=event, via=via, detail=detail))


def list_consents(session: Session, subscription_ids: Sequence[int]) -> list[Consent]:
    """The lines of some subscriptions, oldest first."""
    query = select(Consent).where(Consent.subscription_id.in_(subscription_ids))
    return list(session.scalars(query.order_by(Consent.at, Consent.id)))


def clear_consent_details(session: Session, subscription_ids: Sequence[int]) -> None:
    """Take out what tells of the person; that and when something was agreed stays."""
    session.execute(update(Consent).where(Consent.subscription_id.in_(subscription_ids)).values(detail=None))
