"""The delivery engine: claims, connections and verdicts of one send, until nothing is due."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from newsletter.content import Claimed, Verdict
from newsletter.deliver.clerk import Clerk
from newsletter.deliver.desk import Build, Desk, Rules
from newsletter.deliver.ledger import Ledger
from newsletter.deliver.pool import Lane, Pool
from newsletter.deliver.route import Route
from newsletter.deliver.session import SessionLost
from newsletter.deliver.smtp import Session, make_context
from newsletter.errors import DatabaseError, DeliveryError

_TICK = 0.05
_DISTRUST = 2
"""After so many connections in a row that carried nothing the next does without pipelining, in case the
server, or a firewall before it, offers what it cannot do."""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Options:
    """How one send goes about it; seconds and counts."""

    connections: int | None = None
    """Replaces the limit of every route."""
    claim_size: int = 100
    stop_seconds: float = 5.0
    """After a stop, how long to wait for the verdicts on messages that are out."""
    ledger_seconds: float = 60.0
    """How long to try again where the ledger cannot be written."""
    connect_failures: int = 5
    """Tries per connection, in a row, before the route is down; twice as many where it opens and breaks."""
    backoff_seconds: float = 0.5
    backoff_limit: float = 30.0
    refusals: int = 3
    """MAIL commands in a row refused for good before the route is down."""
    returns: int = 3
    """How often one delivery may break a connection before it is deferred."""
    slow_seconds: float = 2.0
    """Rest of a connection whose server says that we are too fast."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Verdicts recorded so far."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a send ended; the ledger has the particulars."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    stopped: bool = False
    """It was told to stop: by the event, or by the ledger because of a pause or a cancellation."""
    error: str | None = None
    """Why it ended early, in words for the operator: what, where, what to do."""


def deliver(
    ledger: Ledger,
    routes: Sequence[Route],
    build: Build,
    options: Options | None = None,
    *,
    stop: threading.Event | None = None,
    on_progress: Callable[[Counts], None] | None = None,
) -> Outcome:
    """Send all that is due and return when nothing is, or when it can go on no longer.

    Every message gets its intent recorded before its body is written and its verdict after the reply.
    Faults of routes and of the ledger are in `Outcome.error`, so that the counts are not lost; what was
    claimed and did not go out is given back in any case.

    Args:
        ledger: see `Ledger`; called from one thread of the engine's own.
        routes: at least one; each is used with its number of connections.
        build: makes one message, in the engine's thread, just before it is sent.
        options: limits, see `Options`.
        stop: set it from any thread or signal handler; no transaction starts after it.
        on_progress: called ten times a second at most, and once at the end.

    Raises:
        DeliveryError: there is no route, or the `cafile` of one cannot be read.
    """
    if not routes:
        raise DeliveryError("there is no SMTP route; set NEWSLETTER_SMTP_URL")
    settings = options or Options()
    lanes = [Lane(route, make_context(route), settings.connections or route.connections) for route in routes]
    return run_async(_Engine(ledger, lanes, build, settings, stop=stop, on_progress=on_progress).run)


def run_async(main: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine to its end, on uvloop where there is a build of it."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop

        factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


class _Engine:
    def __init__(
        self,
        ledger: Ledger,
        lanes: Sequence[Lane],
        build: Build,
        options: Options,
        *,
        stop: threading.Event | None,
        on_progress: Callable[[Counts], None] | None,
    ) -> None:
        self.ledger, self.lanes, self.build, self.options = ledger, lanes, build, options
        self.stop, self.on_progress = stop or threading.Event(), on_progress
        self.recorded: Counter[str] = Counter()
        self.was_stopped = False
        self.rules = Rules(options.refusals, options.slow_seconds)

    async def run(self) -> Outcome:
        self.clerk = Clerk(self.ledger, self.options.ledger_seconds, self._take_commit, self._end_by_ledger)
        self.pool = Pool(self.clerk, self.options.returns, self.stop)
        try:
            await self._send()
        finally:
            for claimed, _ in self.pool.waiting:
                self.clerk.release(claimed.id)
            await self.clerk.finish(max(self.options.stop_seconds, 1.0))
            self._report()
        if self.clerk.failure and not isinstance(self.clerk.failure, DatabaseError):
            raise self.clerk.failure
        stopped = self.was_stopped or (self.stop.is_set() and not self.pool.is_done)
        return Outcome(**self.recorded, stopped=stopped, error=self._error())

    async def _send(self) -> None:
        workers = [
            asyncio.create_task(self._work(lane)) for lane in self.lanes for _ in range(lane.connections)
        ]
        helpers = [asyncio.create_task(self._claim()), asyncio.create_task(self._watch(workers))]
        try:
            rest = {*workers, *helpers}
            while rest & {*workers}:
                done, rest = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not task.cancelled():
                        task.result()
        finally:
            for task in (*workers, *helpers):
                task.cancel()
            await asyncio.gather(*workers, *helpers, return_exceptions=True)

    # --- tasks -------------------------------------------------------------------------------------

    async def _claim(self) -> None:
        """Keep a small store of claimed deliveries; done when none is due and none is under way."""
        pool, size = self.pool, self.options.claim_size
        while not (pool.is_stopping or self.stop.is_set()):
            await pool.until(lambda: len(pool.waiting) <= size // 2)
            pool.has_returned = False
            if await self.clerk.claim(size):
                continue
            if not pool.waiting and not pool.under_way and not pool.has_returned:
                pool.is_done = True
                pool.stir()
                return
            await pool.until(lambda: pool.has_returned or not (pool.waiting or pool.under_way))

    async def _watch(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Look after the stop, the deadline that it sets, and the progress."""
        tick, loop = 0, asyncio.get_running_loop()
        deadline: float | None = None
        while True:
            await asyncio.sleep(_TICK)
            tick += 1
            if deadline is None and (self.stop.is_set() or self.clerk.failure):
                self.pool.stop()
                deadline = loop.time() + self.options.stop_seconds
            if deadline is not None and loop.time() >= deadline:
                # Once only: a second cancellation would cut the clean-up short.
                deadline = math.inf
                for worker in workers:
                    worker.cancel()
            if tick % 2 == 0:
                self._report()
            if tick % 20 == 0:
                self.clerk.ask_stop()

    async def _work(self, lane: Lane) -> None:
        """Keep one connection of a route busy, opening it anew as often as it takes."""
        fruitless = 0
        while await self.pool.is_wanted(lane):
            desk = Desk(self.pool, lane, self.build, self.rules)
            await self._converse(lane, desk, pipelining=fruitless < _DISTRUST)
            if desk.settled or desk.trouble is None:
                fruitless = 0
                continue
            fruitless += 1
            self._count_failure(lane, desk.trouble, is_open=desk.is_open)
            wait = min(self.options.backoff_seconds * 2 ** (fruitless - 1), self.options.backoff_limit)
            wait *= random.uniform(0.5, 1.0)  # noqa: S311 - so that connections do not come back together
            await self.pool.until(lambda: self.pool.is_over(lane), wait)

    async def _converse(self, lane: Lane, desk: Desk, *, pipelining: bool) -> None:
        """Open one connection and use it up; what went wrong is in `desk.trouble` or `lane.down`."""
        why = "the send was stopped"
        try:
            try:
                route = replace(lane.route, pipelining=lane.route.pipelining and pipelining)
                session = await Session.open(route, lane.context)
            finally:
                self.pool.opening -= 1
            try:
                await session.run(desk)
            finally:
                await session.close()
        except SessionLost as error:
            desk.trouble = why = str(error)
        except DeliveryError as error:
            lane.down = error
            why = str(error)
        finally:
            desk.clear(why)
            self.pool.stir()

    # --- accounts ----------------------------------------------------------------------------------

    def _count_failure(self, lane: Lane, why: str, *, is_open: bool) -> None:
        lane.failures += 1
        lane.strain += 1 if is_open else 2
        if lane.strain >= 2 * self.options.connect_failures * lane.connections and lane.down is None:
            lane.down = DeliveryError(
                f"route {lane.route.name!r}: {lane.route.place} took nothing in {lane.failures} tries, "
                f"the last: {why}; check that the server runs, and the host and port of the route"
            )
            self.pool.stir()

    def _take_commit(self, verdicts: Sequence[Verdict], batch: Sequence[Claimed]) -> None:
        self.recorded.update(verdict.state for verdict in verdicts)
        self.pool.add(batch)

    def _report(self) -> None:
        if self.on_progress:
            self.on_progress(Counts(**self.recorded))

    def _end_by_ledger(self) -> None:
        self.was_stopped = self.clerk.failure is None
        self.pool.stop()

    def _error(self) -> str | None:
        if self.clerk.failure:
            lost = f"; {self.clerk.unwritten} verdicts are not written" if self.clerk.unwritten else ""
            return f"{self.clerk.failure}{lost}"
        if all(lane.down for lane in self.lanes):
            return "; ".join(str(lane.down) for lane in self.lanes)
        return None
