"""The tables of what editors choose and write; beside `models`, which has no room for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.store import models  # noqa: F401 - the tables that these refer to
from newsletter.store.columns import Base, Id


class StoryVerdict(Base):
    """What an editor said of two articles: one story, or two."""

    __tablename__ = "story_verdicts"
    __table_args__ = (UniqueConstraint("one_id", "other_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"), index=True)
    one_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"))
    """The smaller of the two."""
    other_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)
    is_same: Mapped[bool]
    decided_at: Mapped[datetime]
    decided_by: Mapped[str]


class TrendNote(Base):
    """A trend that an editor writes; it goes into the next issue that is drafted after it."""

    __tablename__ = "trend_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"), index=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    url: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
