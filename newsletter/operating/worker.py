"""The worker: sends shards of issues, on as many machines as there are, and does what dead ones left."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from newsletter.deliver.loop import run_async
from newsletter.errors import NewsletterError, NotFoundError, StateError
from newsletter.publishing.sending import SendOptions, send_shard
from newsletter.publishing.tending import tend_issues
from newsletter.store import shards

if TYPE_CHECKING:
    import threading

    from procrastinate import App

    from newsletter.config import Settings
    from newsletter.store.engine import Database

TEND_SECONDS = 5.0
"""How often a worker looks for what others left behind."""
RETRY_SECONDS = 10
"""How long a shard waits that could not be sent, as while the mail server is down."""
PAUSE_SECONDS = 1.0
"""Before a database that is gone is tried again."""
POLL_SECONDS = 5.0
"""How often the queue is asked for shards whose wait is over; of new ones it is told (LISTEN)."""
_TICK = 0.1

log = structlog.get_logger("newsletter.worker")


class StoppedError(NewsletterError):
    """A shard is not done because this worker ends; another is to take it."""


def work(database: Database, settings: Settings, stop: threading.Event, *, concurrency: int = 1) -> None:
    """Send whatever any issue has to send, until told to stop; a database that goes away is waited for.

    With PostgreSQL the work comes from the queue that all workers share. With SQLite there is one machine
    and no queue: the worker looks at the ledger.

    Args:
        database: The handle.
        settings: Those of this machine.
        stop: Set it, and no new transaction starts.
        concurrency: How many shards at once, each with connections of its own.

    """
    worker = _Worker(database, settings, stop, concurrency)
    log.info("worker_started", concurrency=concurrency)
    while not stop.is_set():
        try:
            if database.dialect == "postgresql":
                run_async(worker.take_shards)
            else:
                worker.look()
        except Exception as error:  # noqa: BLE001 - whatever ends one round, the worker stays
            log.warning("worker_interrupted", error=" ".join(str(error).split()), kind=type(error).__name__)
        stop.wait(PAUSE_SECONDS if database.dialect == "postgresql" else TEND_SECONDS)


class _Worker:
    def __init__(
        self, database: Database, settings: Settings, stop: threading.Event, concurrency: int
    ) -> None:
        self.database, self.settings, self.stop = database, settings, stop
        self.concurrency = concurrency

    def look(self) -> None:
        """Send what is due, in this process."""
        # What it shares with the clock loads the templates, which no worker of the queue needs.
        from newsletter.operating.sends import send_due

        send_due(self.database, self.settings, now=datetime.now(UTC), stop=self.stop)

    async def take_shards(self) -> None:
        """Take jobs until told to stop; return, too, when the database goes away (procrastinate 3.10)."""
        queue = shards.make_queue(self.database)
        with ThreadPoolExecutor(self.concurrency + 1, thread_name_prefix="shard") as threads:
            self._declare(queue, threads)
            async with queue.open_async():
                taking = asyncio.create_task(
                    queue.run_worker_async(
                        queues=[shards.QUEUE],
                        concurrency=self.concurrency,
                        install_signal_handlers=False,
                        delete_jobs="always",
                        fetch_job_polling_interval=POLL_SECONDS,
                        update_heartbeat_interval=shards.BEAT_SECONDS,
                        stalled_worker_timeout=shards.STALLED_SECONDS,
                    )
                )
                tending = asyncio.create_task(self._tend(queue, threads))
                try:
                    while not (self.stop.is_set() or taking.done()):
                        await asyncio.wait([taking], timeout=_TICK)
                finally:
                    tending.cancel()
                    # It ends after the jobs under way, which look at the stop themselves.
                    taking.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await taking

    def _declare(self, queue: App, threads: ThreadPoolExecutor) -> None:
        from procrastinate import RetryStrategy

        @queue.task(name=shards.TASK, retry=RetryStrategy(wait=RETRY_SECONDS))
        async def deliver_shard(issue_id: int, shard: int) -> None:
            # In a thread, since a loop that is busy with mail would tell the queue too late that it lives.
            await asyncio.get_running_loop().run_in_executor(threads, self.send, issue_id, shard)

    def send(self, issue_id: int, shard: int) -> None:
        """Do one job; what it raises puts the job back into the queue."""
        options = SendOptions(ids=shards.list_ids(shard), stop=self.stop)
        try:
            send_shard(self.database, self.settings, issue_id, options, now=datetime.now(UTC))
        except (StateError, NotFoundError):
            return  # paused, cancelled or done: who lets it go on queues it anew
        except NewsletterError as error:
            log.warning("shard_failed", issue=issue_id, shard=shard, error=str(error))
            raise
        except Exception:
            log.exception("shard_crashed", issue=issue_id, shard=shard)
            raise
        if self.stop.is_set():
            raise StoppedError(f"shard {shard} of issue {issue_id} is left to another worker")
        log.info("shard_sent", issue=issue_id, shard=shard)

    async def _tend(self, queue: App, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await _retry_stalled(queue)
                await loop.run_in_executor(threads, self._tend_issues)
            except Exception as error:  # noqa: BLE001 - it is done again soon
                log.warning("tending_failed", error=" ".join(str(error).split()))
            await asyncio.sleep(TEND_SECONDS)

    def _tend_issues(self) -> None:
        tend_issues(self.database, self.settings, now=datetime.now(UTC))


async def _retry_stalled(queue: App) -> None:
    """Give the jobs of dead workers to the living: procrastinate alone would leave them for ever."""
    from procrastinate.exceptions import ConnectorException

    manager = queue.job_manager
    await manager.prune_stalled_workers(shards.STALLED_SECONDS)
    for job in await manager.get_stalled_jobs(
        queue=shards.QUEUE, seconds_since_heartbeat=shards.STALLED_SECONDS
    ):
        # Another worker may have done the same just now.
        with contextlib.suppress(ConnectorException):
            await manager.retry_job(job)
            log.warning("shard_taken_over", **job.task_kwargs)
