"""Queries: the categories of a publication and their standing status lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from newsletter.store.models import Category

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def list_categories(session: Session, publication_id: int) -> list[Category]:
    """In the publication's order."""
    query = select(Category).where(Category.publication_id == publication_id)
    return list(session.scalars(query.order_by(Category.position, Category.id)))


def set_category(
    session: Session, publication_id: int, name: str, status: str | None, *, now: datetime
) -> Category:
    """Make a category or give it a new status line; None leaves the line that it has, empty takes it away."""
    query = select(Category).where(Category.publication_id == publication_id, Category.name == name)
    category = session.scalars(query).one_or_none()
    if category is None:
        last = session.scalar(
            select(func.max(Category.position)).where(Category.publication_id == publication_id)
        )
        category = Category(publication_id=publication_id, name=name, position=(last or 0) + 1)
        session.add(category)
    if status is not None and (status or None) != category.status:
        category.status, category.status_changed_at = status or None, now
    session.flush()
    return category
