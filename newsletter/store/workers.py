"""Which sending processes live; a lock that the kernel drops tells of those on this machine."""

from __future__ import annotations

import fcntl
import os
import platform
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, event, select, update

from newsletter.errors import DatabaseError
from newsletter.store.engine import clock
from newsletter.store.models import Delivery, Worker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database

LEASE_SECONDS = 60.0
"""After so long without a beat a process of another machine is taken for dead.

It may be shorter than the 600 s that a server may take to answer the dot (RFC 5321 4.5.3.2.6), since a
process that waits for an answer goes on beating. One that was frozen and wakes up later is fenced: its
token is gone, and before every body the intent must be written where the token still stands.
"""
BEAT_SECONDS = 5.0
"""How often a process that waits for slow servers says that it lives."""


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
        try:
            with database.write() as session:
                self._sign_on(session)
        except DatabaseError:
            self._unlock()
            raise

    def _sign_on(self, session: Session) -> None:
        now = clock(session)
        session.add(
            Worker(
                token=self.token,
                host=platform.node(),
                lock=str(self._path),
                started_at=_instant(now),
                lease_until=_instant(now + LEASE_SECONDS),
            )
        )
        self._renewed_at = time.monotonic()

    @property
    def is_beat_due(self) -> bool:
        """Whether this process has said nothing of itself for a while."""
        return time.monotonic() - self._renewed_at > BEAT_SECONDS

    def renew(self, session: Session) -> bool:
        """Tell other machines that this process lives.

        Returns:
            False where another process took it for dead: it may claim nothing more.

        """
        self._renewed_at = time.monotonic()
        until = _instant(clock(session) + LEASE_SECONDS)
        mine = update(Worker).where(Worker.token == self.token).values(lease_until=until)
        return session.scalar(mine.returning(Worker.token)) is not None

    def close(self) -> None:
        """Give the token up."""
        try:
            with self._database.write() as session:
                release_claims(session, self.token)
                session.execute(delete(Worker).where(Worker.token == self.token))
        except DatabaseError:
            # The file stays beside the row, so that the next process finds it unlocked.
            os.close(self._file)
            raise
        self._unlock()

    def _unlock(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def take_over_dead(database: Database, session: Session) -> int:
    """Free the claims of processes that are gone.

    What had not begun is queued again; what had its body written is uncertain.

    Returns:
        How many deliveries became uncertain.

    """
    uncertain = 0
    now = _instant(clock(session))
    for worker in session.scalars(select(Worker)).all():
        path = _find_lock(database, worker)
        is_locked = _is_locked(path) if path else None
        is_dead = worker.lease_until < now if is_locked is None else not is_locked
        # The row goes first and only as it was seen: a process that claims just now renews it, and is spared.
        seen = delete(Worker).where(Worker.token == worker.token, Worker.lease_until == worker.lease_until)
        if is_dead and session.scalar(seen.returning(Worker.token)):
            uncertain += release_claims(session, worker.token)
            if path:
                _unlink_later(session, path)
    return uncertain


def release_claims(session: Session, token: str) -> int:
    """Queue what a token had claimed and not begun; what it had begun is uncertain. Returns the latter."""
    mine = update(Delivery).where(Delivery.claim_token == token)
    back = mine.where(Delivery.state == "claimed")
    session.execute(back.values(state="queued", claim_token=None, next_attempt_at=None))
    lost = mine.where(Delivery.state == "dot_sent").values(
        state="uncertain",
        claim_token=None,
        next_attempt_at=None,
        attempts=Delivery.attempts + 1,
        reply="the sending process ended before the server answered; the message may have arrived",
    )
    return len(session.execute(lost.returning(Delivery.id)).all())


def _lock_folder(database: Database) -> Path:
    if database.path and database.path != ":memory:":
        return Path(f"{Path(database.path).resolve()}.workers")
    return Path(tempfile.gettempdir()) / f"newsletter-workers-{os.getuid()}"


def _find_lock(database: Database, worker: Worker) -> Path | None:
    """Where a worker's lock must be if it can be seen from here.

    It lies beside an SQLite file, which all processes share, be they of other containers with other names.
    """
    if database.dialect == "sqlite":
        return _lock_folder(database) / Path(worker.lock).name
    return Path(worker.lock) if worker.host == platform.node() else None


def _is_locked(path: Path) -> bool | None:
    """Whether a living process holds the lock; None where that cannot be told, and the lease decides.

    A file that is missing says nothing: systemd's PrivateTmp shows each service another /tmp.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(file)


def _unlink_later(session: Session, path: Path) -> None:
    """A transaction that fails must leave the file, by which the next one knows of the death."""
    event.listen(session, "after_commit", lambda _: path.unlink(missing_ok=True), once=True)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
