"""Which sending processes live; a lock that the kernel drops tells of those on this machine."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from newsletter.errors import DatabaseError
from newsletter.store.engine import clock
from newsletter.store.models import Delivery, Worker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database

LEASE_SECONDS = 900.0
"""Longer than the 600 s that a server may take to answer the dot (RFC 5321 4.5.3.2.6)."""


class WorkerLock:
    """The proof that this process lives: a file that it keeps locked, and its row with the token."""

    def __init__(self, database: Database) -> None:
        """Lock a new file and make the row; until `close` no other process takes our claims over."""
        self.token = secrets.token_hex(8)
        self._database = database
        self._path = _lock_folder(database) / f"{self.token}.lock"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = (
                f"no lock can be made at {self._path}: {error.strerror}; check the folder's mode and the disk"
            )
            raise DatabaseError(message) from error
        with database.write() as session:
            now = clock(session)
            session.add(
                Worker(
                    token=self.token,
                    host=socket.gethostname(),
                    lock=str(self._path),
                    started_at=_instant(now),
                    lease_until=_instant(now + LEASE_SECONDS),
                )
            )

    def renew(self, session: Session) -> None:
        """Tell other machines that this process lives."""
        until = _instant(clock(session) + LEASE_SECONDS)
        session.execute(update(Worker).where(Worker.token == self.token).values(lease_until=until))

    def close(self) -> None:
        """Give the token up."""
        try:
            with self._database.write() as session:
                release_claims(session, self.token)
                session.execute(delete(Worker).where(Worker.token == self.token))
            self._path.unlink(missing_ok=True)
        finally:
            os.close(self._file)


def take_over_dead(session: Session) -> int:
    """Free the claims of processes that are gone.

    What had not begun is queued again; what had its body written is uncertain.

    Returns:
        How many deliveries became uncertain.

    """
    uncertain = 0
    now = _instant(clock(session))
    for worker in session.scalars(select(Worker)).all():
        dead = _is_unlocked(worker.lock) if worker.host == socket.gethostname() else worker.lease_until < now
        if dead:
            uncertain += release_claims(session, worker.token)
            session.delete(worker)
            if worker.host == socket.gethostname():
                Path(worker.lock).unlink(missing_ok=True)
    session.flush()
    return uncertain


def release_claims(session: Session, token: str) -> int:
    """Queue what a token had claimed and not begun; what it had begun is uncertain. Returns the latter."""
    mine = update(Delivery).where(Delivery.claim_token == token)
    session.execute(mine.where(Delivery.state == "claimed").values(state="queued", claim_token=None))
    lost = mine.where(Delivery.state == "dot_sent").values(
        state="uncertain",
        claim_token=None,
        attempts=Delivery.attempts + 1,
        reply="the sending process ended before the server answered; the message may have arrived",
    )
    return len(session.execute(lost.returning(Delivery.id)).all())


def _lock_folder(database: Database) -> Path:
    if database.path and database.path != ":memory:":
        return Path(f"{Path(database.path).resolve()}.workers")
    return Path(tempfile.gettempdir()) / f"newsletter-workers-{os.getuid()}"


def _is_unlocked(path: str) -> bool:
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(file)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
