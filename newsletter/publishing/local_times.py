"""A send at the same hour by each subscriber's own clock."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError
from newsletter.publishing.calendar import parse_zone
from newsletter.store import local_times

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.store.models import Issue, Publication


def hold_for_local_time(session: Session, issue: Issue, publication: Publication, *, now: datetime) -> None:
    """Put every recipient's row off until it is the issue's hour where that person lives.

    The hour is the schedule's by the publication's clock, or that of this moment where it is sent by hand.
    Where it has passed already, or for whoever was told a time by `issue schedule`, nothing goes out before
    that: those whose hour is over get it at once.
    """
    at = issue.scheduled_at or issue.due_at or now
    earliest = issue.scheduled_at or now
    local = at.astimezone(parse_zone(publication.timezone)).replace(tzinfo=None)

    def plan(zone: ZoneInfo) -> datetime | None:
        moment = max(_attach(local, zone), earliest)
        return moment if moment > now else None

    zones = {name: zone for name in local_times.list_zones(session, issue.id) if (zone := _find_zone(name))}
    times = {name: plan(zone) for name, zone in zones.items()}
    local_times.hold_until(session, issue.id, times, plan(parse_zone(publication.timezone)))


def _attach(local: datetime, zone: ZoneInfo) -> datetime:
    """Of two such times the first; one that does not exist is moved forward by the gap (PEP 495)."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _find_zone(name: str) -> ZoneInfo | None:
    """None for what is no zone: an import takes what other services wrote."""
    try:
        return parse_zone(name)
    except ConfigError:
        return None
