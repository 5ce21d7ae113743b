"""Use cases: who may sign in, with which role, and from which browsers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, cast, get_args

from newsletter.errors import NotFoundError, StateError
from newsletter.store import audit, rates, users
from newsletter.store.models import User
from newsletter.subscribing.addresses import normalise_address

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from newsletter.store.engine import Database

Role = Literal["editor", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST_PASSWORD = 12
SESSION_DAYS = 7

_FREE_ATTEMPTS = 5
_LONGEST_LOCK = timedelta(hours=1)
_PER_IP = 50
"""Failed sign-ins an hour from one address, whoever they are for."""


@dataclass(frozen=True, slots=True)
class UserView:
    """A user as screens and JSON show it."""

    email: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that is signed in."""

    user: UserView
    token: str
    """What its cookie holds; the database has only a hash of it."""

    @property
    def csrf(self) -> str:
        """What its forms carry: made from the cookie, so that no other session's is good here."""
        return make_csrf(self.token)


def make_csrf(token: str) -> str:
    """Return the forms' mark of a cookie that a page of another site cannot read."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()[:32]


def add_user(
    database: Database, email: str, role: Role, *, now: datetime, password: str | None = None
) -> str | None:
    """Make a user, or give one that exists another role or password, which ends its sessions.

    Args:
        database: Where users are.
        email: What they sign in with.
        role: One of ROLES.
        now: Aware.
        password: None: one is made up, unless the user exists already.

    Returns:
        The password that was made up, to be shown once and kept nowhere; None where none was.

    Raises:
        AddressError: It is no address.
        StateError: No such role, or the password is too short.

    """
    address = normalise_address(email)
    if role not in ROLES:
        raise StateError(f"{role} is no role: use {', '.join(ROLES)}")
    with database.read() as session:
        is_known = users.find_user(session, address) is not None
    made_up = secrets.token_urlsafe(15) if password is None and not is_known else None
    chosen = password or made_up
    hashed = None if chosen is None else _hash(chosen)
    with database.write() as session:
        user = users.find_user(session, address)
        if user is None:
            user = User(email=address, role=role, password_hash=hashed or "", failed_count=0, created_at=now)
            session.add(user)
        user.role, user.disabled_at = role, None
        user.password_hash = hashed or user.password_hash
        session.flush()
        users.end_sessions_of(session, user.id)
        audit.record_action(session, "user add", address, actor="operator", now=now, detail=role)
    return made_up


def list_users(database: Database) -> list[UserView]:
    """Every user, by address."""
    with database.read() as session:
        return [_view(user) for user in users.list_users(session)]


def disable_user(database: Database, email: str, *, now: datetime) -> None:
    """Keep a user out, at once.

    Raises:
        NotFoundError: There is no such user.

    """
    with database.write() as session:
        user = _get(users.find_user(session, email.strip().lower()), email)
        user.disabled_at = now
        users.end_sessions_of(session, user.id)
        audit.record_action(session, "user disable", user.email, actor="operator", now=now)


def change_password(database: Database, email: str, password: str, *, now: datetime) -> None:
    """Set another password and sign the user out everywhere.

    Raises:
        NotFoundError: There is no such user.
        StateError: The password is too short.

    """
    hashed = _hash(password)
    with database.write() as session:
        user = _get(users.find_user(session, email.strip().lower()), email)
        user.password_hash, user.failed_count, user.locked_until = hashed, 0, None
        users.end_sessions_of(session, user.id)
        audit.record_action(session, "user password", user.email, actor=user.email, now=now)


def sign_in(
    database: Database, email: str, password: str, *, ip: str | None, now: datetime
) -> SignedIn | None:
    """Begin a session; None where address or password is wrong, or there were too many wrong ones.

    It takes as long for an address that nobody has, and a right password does not end a lock.
    """
    place = f"login:{hashlib.sha256((ip or '').encode()).hexdigest()}"
    with database.read() as session:
        user = users.find_user(session, email.strip().lower())
        usable = user is not None and user.disabled_at is None
        known = user.password_hash if user is not None and usable and user.password_hash else _decoy()
        is_locked = user is not None and user.locked_until is not None and user.locked_until > now
        is_flooding = rates.count_hits(session, place, now - timedelta(hours=1)) >= _PER_IP
    is_right = _verify(known, password) and usable and not is_locked and not is_flooding
    with database.write() as session:
        user = users.find_user(session, email.strip().lower())
        if user is None or not is_right or user.password_hash != known:
            rates.record_hit(session, place, now=now)
            if user is not None and not is_locked:
                _count_failure(user, now)
            return None
        user.failed_count, user.locked_until = 0, None
        token = secrets.token_urlsafe(32)
        users.forget_sessions_before(session, now)
        users.add_session(session, _digest(token), user.id, now=now, until=now + timedelta(days=SESSION_DAYS))
        return SignedIn(_view(user), token)


def find_session(database: Database, token: str, *, now: datetime) -> SignedIn | None:
    """Return who is signed in by a cookie, or None."""
    with database.read() as session:
        user = users.find_user_of_session(session, _digest(token), now=now)
        return None if user is None else SignedIn(_view(user), token)


def sign_out(database: Database, token: str) -> None:
    """End the session of a cookie."""
    with database.write() as session:
        users.end_session(session, _digest(token))


def _count_failure(user: User, now: datetime) -> None:
    user.failed_count += 1
    over = user.failed_count - _FREE_ATTEMPTS
    if over >= 0:
        # A shift by what an attacker chooses would overflow: a dozen doublings reach the longest lock.
        user.locked_until = now + min(_LONGEST_LOCK, timedelta(seconds=30) * 2 ** min(over, 12))


def _get(user: User | None, email: str) -> User:
    if user is None:
        raise NotFoundError(f"there is no user {email}: `newsletter user add` makes one")
    return user


def _view(user: User) -> UserView:
    return UserView(user.email, cast("Role", user.role), user.created_at, user.disabled_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _decoy() -> str:
    """Return a hash that no password has, to spend the same time on."""
    return _hasher().hash(secrets.token_urlsafe(32))


def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise StateError(f"a password must have {SHORTEST_PASSWORD} characters or more")
    return _hasher().hash(password)


def _verify(known: str, password: str) -> bool:
    from argon2.exceptions import VerificationError

    try:
        return _hasher().verify(known, password)
    except VerificationError:
        return False
