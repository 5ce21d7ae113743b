"""When a delivery that the server put off is tried again; a rule without state."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MINUTES = (1, 5, 15, 30)
"""Two attempts within the first hour and then fewer, as RFC 5321 4.5.4.1 advises."""
LATER = 60
JITTER = 0.2
"""A fifth either way, so that what was put off together does not come back together."""


def plan_retry(
    delivery_id: int, attempts: int, first_attempt_at: datetime | None, *, now: datetime, give_up: timedelta
) -> datetime | None:
    """The time of the next attempt.

    Args:
        delivery_id: Spreads the retries; the same delivery and attempt always get the same wait.
        attempts: Those made, the one put off just now among them.
        first_attempt_at: None where that was the first.
        now: When the server put it off.
        give_up: How long after the first attempt no other is made.

    Returns:
        None when it is given up.

    """
    minutes = MINUTES[attempts - 1] if attempts <= len(MINUTES) else LATER
    seed = hashlib.sha256(f"{delivery_id}:{attempts}".encode()).digest()[0] / 255
    at = now + timedelta(minutes=minutes * (1 - JITTER + 2 * JITTER * seed))
    return None if at - (first_attempt_at or now) > give_up else at
