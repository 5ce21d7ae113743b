"""Queries: who did what to what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.models import AuditEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def record_action(
    session: Session, action: str, subject: str, *, actor: str, now: datetime, detail: str | None = None
) -> None:
    """Write one line that is never altered."""
    session.add(AuditEntry(at=now, actor=actor, action=action, subject=subject, detail=detail))
