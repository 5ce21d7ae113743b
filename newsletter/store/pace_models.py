"""The tables of how often and how fast: what processes share about routes, domains and requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, String
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.store.columns import Base


class RouteState(Base):
    """What is known of an SMTP server from the sends before."""

    __tablename__ = "route_states"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_sent_at: Mapped[datetime | None]
    """Day one of its warm-up."""
    failures: Mapped[int] = mapped_column(default=0)
    """Sends in a row at whose end it was down."""
    retry_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Pace(Base):
    """How fast messages of one kind may follow each other; all times are the database's own, in seconds."""

    __tablename__ = "paces"

    key: Mapped[str] = mapped_column(String(384), primary_key=True)
    free_at: Mapped[float] = mapped_column(Float, default=0.0)
    """The first moment that nobody has taken."""
    slowed_to: Mapped[float | None] = mapped_column(Float)
    """Messages a second, since servers of the domain asked for less."""
    slowed_at: Mapped[float | None] = mapped_column(Float)


class RateCount(Base):
    """How often something was asked for in a window of time, shared by all processes."""

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
