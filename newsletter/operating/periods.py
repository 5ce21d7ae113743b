"""Which periods of a schedule ask for something now: decisions without side effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from newsletter.publishing.calendar import Period, next_period, parse_schedule, previous_period

if TYPE_CHECKING:
    from newsletter.config import Settings


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a publication's issues are due, and how early and late they may be drafted."""

    schedule: str
    timezone: str
    lead: timedelta
    grace: timedelta
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """One period that asks for an issue, or to be skipped with a note."""

    period: Period
    action: Literal["draft", "skip"]
    note: str | None = None
    cadence: str | None = None
    """None is the publication's own, whose periods are named by their hour alone."""

    @property
    def key(self) -> str:
        """What tells the period from all others of the publication."""
        return f"{self.cadence} {self.period.key}" if self.cadence else self.period.key


def make_rhythm(settings: Settings, schedule: str, timezone: str, created_at: datetime) -> Rhythm:
    """The rhythm of a publication, with the limits of the settings."""
    return Rhythm(
        schedule=schedule,
        timezone=timezone,
        lead=timedelta(hours=settings.draft_lead_hours),
        grace=timedelta(hours=settings.missed_grace_hours),
        created_at=created_at,
    )


def decide_periods(rhythm: Rhythm, *, now: datetime) -> list[Ask]:
    """The period that was due last and the one that is due next, where they ask for something.

    Whoever calls knows which of them were handled before.
    """
    schedule, zone = parse_schedule(rhythm.schedule), ZoneInfo(rhythm.timezone)
    last, coming = previous_period(schedule, zone, now), next_period(schedule, zone, now)
    is_near = coming.at - now <= rhythm.lead
    asks = []
    # A rehearsal may set the clock before the publication was made: then nothing is too early.
    if last.at >= rhythm.created_at or now < rhythm.created_at:
        asks.append(_judge_last(rhythm, last, now=now, is_near=is_near))
    if is_near:
        asks.append(Ask(coming, "draft"))
    return asks


def _judge_last(rhythm: Rhythm, last: Period, *, now: datetime, is_near: bool) -> Ask:
    if now - last.at > rhythm.grace:
        hours = rhythm.grace / timedelta(hours=1)
        return Ask(last, "skip", f"missed: no scheduler ran within {hours:g} hours of when it was due")
    if is_near:
        return Ask(last, "skip", "missed: no scheduler ran, and the next issue is due soon")
    return Ask(last, "draft")


def may_approve_itself(
    approval: str, due_at: datetime | None, stopped_at: datetime | None, *, grace: timedelta, now: datetime
) -> bool:
    """Whether the clock may approve a draft: its hour came a short while ago, and nobody stopped it."""
    if approval != "unless-stopped" or due_at is None or stopped_at is not None:
        return False
    return due_at <= now <= due_at + grace
