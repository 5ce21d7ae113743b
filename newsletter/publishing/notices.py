"""Use case: send the mails to single persons that wait in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database


def send_notices(database: Database, settings: Settings, *, now: datetime) -> int:
    """Send every notice that is due; a failure is kept on its row and tried again. Returns how many went out."""
    raise NotImplementedError


def send_test_mail(settings: Settings, address: str, *, now: datetime) -> list[str]:
    """Send one test mail by the first route and give the SMTP dialogue, password masked."""
    raise NotImplementedError
