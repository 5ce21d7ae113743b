"""Queries of the clock: what was done for which period, what is due, and who leads."""

from __future__ import annotations

import fcntl
import os
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from newsletter.errors import DatabaseError
from newsletter.store.models import Delivery, Issue, JobRun, Publication, User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database

WORLD = timedelta(hours=26)
"""From the first place on earth where an hour comes to the last, UTC+14 to UTC-12."""
LEADER_LOCK = 0x4E4C434C


def find_job_run(session: Session, job: str, period: str) -> JobRun | None:
    """What came of one period of a job, or None."""
    return session.scalars(select(JobRun).where(JobRun.job == job, JobRun.period == period)).one_or_none()


def record_job_run(
    session: Session, job: str, period: str, outcome: str, *, now: datetime, note: str | None = None
) -> bool:
    """Keep what came of one period; False where that is known already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(JobRun).values(job=job, period=period, outcome=outcome, note=note, at=now)
    result = session.execute(
        statement.on_conflict_do_nothing(index_elements=["job", "period"]).returning(JobRun.id)
    )
    return result.first() is not None


def list_drafts(session: Session, publication_id: int) -> list[Issue]:
    """Drafts that wait for an editor or for their hour, oldest first."""
    query = select(Issue).where(Issue.publication_id == publication_id, Issue.state == "draft")
    return list(session.scalars(query.order_by(Issue.id)))


def list_issues_to_send(session: Session, now: datetime) -> list[int]:
    """Issues that are to go out or to go on going out, oldest first."""
    # Where it is sent at local time, the first readers' hour comes before that of the schedule.
    local = select(Publication.id).where(Publication.send_at == "local")
    is_due = (Issue.due_at <= now) | ((Issue.due_at <= now + WORLD) & Issue.publication_id.in_(local))
    hour_has_come = (Issue.state == "approved") & Issue.period.is_not(None) & is_due
    ready = hour_has_come & Issue.stopped_at.is_(None)
    scheduled = (Issue.state == "scheduled") & (Issue.scheduled_at <= now) & Issue.stopped_at.is_(None)
    begun = select(Issue.id).where(ready | scheduled | (Issue.state == "sending")).order_by(Issue.id)
    may_go_on = Issue.waits_until.is_(None) | (Issue.waits_until <= now)
    return [
        issue_id
        for issue_id in session.scalars(begun.where(may_go_on))
        if not _only_waits(session, issue_id, now)
    ]


def count_deferred(session: Session) -> int:
    """Deliveries of issues under way that the mail server put off."""
    query = select(func.count()).select_from(Delivery).join(Issue, Issue.id == Delivery.issue_id)
    return session.scalar(query.where(Issue.state == "sending", Delivery.state == "deferred")) or 0


def _only_waits(session: Session, issue_id: int, now: datetime) -> bool:
    """Whether all that is open of a send was put off until later."""
    of_issue = select(Delivery.id).where(Delivery.issue_id == issue_id).limit(1)
    later = of_issue.where(Delivery.state == "deferred", Delivery.next_attempt_at > now)
    due = of_issue.where(Delivery.state == "deferred", Delivery.next_attempt_at <= now)
    begun = of_issue.where(Delivery.state.in_(("queued", "claimed", "dot_sent")))
    return bool(session.scalar(later)) and not session.scalar(due) and not session.scalar(begun)


def list_editors(session: Session) -> list[User]:
    """Whoever may approve or stop an issue, and is not shut out."""
    query = select(User).where(User.disabled_at.is_(None), User.role.in_(("editor", "operator", "admin")))
    return list(session.scalars(query.order_by(User.id)))


class Lead:
    """The right to be the one scheduler of a database; the system takes it back when the process ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: int | None = None
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Whether this process leads, now that it has asked again.

        Raises:
            DatabaseError: The lock cannot be asked for.

        """
        path = self._database.path
        if self._database.dialect == "postgresql":
            return self._take_connection()
        return path in {None, "", ":memory:"} or self._take_file(f"{path}.scheduler")

    def release(self) -> None:
        """Let another process lead."""
        if self._file is not None:
            os.close(self._file)
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
        self._file = self._connection = None

    def _take_file(self, path: str) -> bool:
        if self._file is not None:
            return True
        try:
            file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(
                f"{path} cannot be made ({error.strerror}): check the folder's mode"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def _take_connection(self) -> bool:
        """The lock is the connection's: with it the lead is lost, and asked for anew."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.execute(select(func.pg_try_advisory_lock(LEADER_LOCK))).scalar_one():
                self._connection = connection
                return True
            connection.close()
        except DBAPIError:
            self.release()
        return False
