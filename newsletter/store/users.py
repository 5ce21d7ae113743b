"""Queries: editors, operators and admins, and the browsers they are signed in with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from newsletter.store.models import User, UserSession

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def find_user(session: Session, email: str) -> User | None:
    """The user of an address, or None."""
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def list_users(session: Session) -> list[User]:
    """Every user, by address."""
    return list(session.scalars(select(User).order_by(User.email)))


def add_session(session: Session, token_hash: str, user_id: int, *, now: datetime, until: datetime) -> None:
    """Keep a browser signed in until then."""
    session.add(UserSession(token_hash=token_hash, user_id=user_id, created_at=now, expires_at=until))


def find_user_of_session(session: Session, token_hash: str, *, now: datetime) -> User | None:
    """Who is signed in by that cookie, or None: unknown, expired, ended, or the user is disabled."""
    query = (
        select(User)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.token_hash == token_hash, UserSession.expires_at > now)
        .where(User.disabled_at.is_(None))
    )
    return session.scalars(query).one_or_none()


def end_session(session: Session, token_hash: str) -> None:
    """Sign one browser out."""
    session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))


def end_sessions_of(session: Session, user_id: int) -> None:
    """Sign a user out everywhere."""
    session.execute(delete(UserSession).where(UserSession.user_id == user_id))


def forget_sessions_before(session: Session, now: datetime) -> int:
    """Drop what has expired; returns how many rows went."""
    query = delete(UserSession).where(UserSession.expires_at <= now).returning(UserSession.token_hash)
    return len(session.execute(query).all())
