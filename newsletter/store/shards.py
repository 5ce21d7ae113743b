"""Queries: the shards of an issue's recipients, and their jobs in the queue that several machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, text

from newsletter.store.models import Delivery

if TYPE_CHECKING:
    from datetime import datetime

    from procrastinate import App
    from psycopg import AsyncConnection
    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database

SHARD_SIZE = 1000
"""Large enough that opening connections anew for each does not tell, small enough to share out evenly."""
QUEUE = "deliveries"
TASK = "deliver_shard"
BEAT_SECONDS = 5.0
"""How often a worker tells the queue that it lives."""
STALLED_SECONDS = 20.0
"""How long it says nothing before its jobs are given to others; its claims have a lease of their own."""


def list_ids(shard: int) -> range:
    """The ids of deliveries that a shard is made of; those of other issues among them are not its own."""
    return range(shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE)


def defer_shards(session: Session, issue_id: int, *, now: datetime) -> int:
    """Queue a job for every shard of an issue that has something to send now and has no job.

    With SQLite there is no queue: whoever sends does so in process.

    Args:
        session: A transaction that holds the issue's row, so that no other does the same meanwhile.
        issue_id: The issue.
        now: What was put off until then is due.

    Returns:
        How many jobs were queued; none of them is seen before the transaction commits.

    """
    if session.get_bind().dialect.name != "postgresql":
        return 0
    known = set(session.scalars(text(_JOBS), {"task": TASK, "issue": issue_id}))
    is_due = and_(Delivery.state == "deferred", Delivery.next_attempt_at <= now)
    query = select(Delivery.id // SHARD_SIZE).distinct()
    query = query.where(Delivery.issue_id == issue_id, or_(Delivery.state == "queued", is_due))
    missing = sorted(set(session.scalars(query)) - known)
    if missing:
        _defer(session, issue_id, missing)
    return len(missing)


_JOBS = (
    "SELECT (args->>'shard')::bigint FROM procrastinate_jobs WHERE task_name = :task "
    "AND status IN ('todo', 'doing') AND (args->>'issue_id')::bigint = :issue"
)


def _defer(session: Session, issue_id: int, shards: list[int]) -> None:
    from procrastinate import App, PsycopgConnector
    from procrastinate.jobs import Job

    jobs = [
        Job(
            queue=QUEUE,
            lock=None,
            queueing_lock=f"{issue_id}:{shard}",
            task_name=TASK,
            task_kwargs={"issue_id": issue_id, "shard": shard},
        )
        for shard in shards
    ]
    connection = session.connection().connection.driver_connection
    App(connector=PsycopgConnector()).job_manager.batch_defer_jobs(jobs, connection=connection)


def drop_shards(session: Session, issue_id: int) -> None:
    """Take the jobs out of the queue that nobody has begun: there is nothing left to send."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(_DROP), {"task": TASK, "issue": issue_id})


_DROP = (
    "DELETE FROM procrastinate_jobs WHERE task_name = :task AND status = 'todo' "
    "AND (args->>'issue_id')::bigint = :issue"
)


def has_workers(session: Session) -> bool:
    """Whether a worker of any machine takes jobs from the queue."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return bool(session.scalar(text(_BEATS), {"seconds": STALLED_SECONDS}))


_BEATS = (
    "SELECT EXISTS (SELECT FROM procrastinate_workers "
    "WHERE last_heartbeat > now() - make_interval(secs => :seconds))"
)


def make_queue(database: Database) -> App:
    """The queue as a worker sees it, by connections of its own."""
    from procrastinate import App, PsycopgConnector

    engine = database.engine
    _, parameters = engine.dialect.create_connect_args(engine.url)
    connector = PsycopgConnector(kwargs=parameters, configure=_commit_each, min_size=1, max_size=4)
    return App(connector=connector)


async def _commit_each(connection: AsyncConnection[Any]) -> None:
    """Every call of the queue is one statement: a machine that freezes after one must keep no lock."""
    await connection.set_autocommit(True)
