"""The delivery engine: claims, connections and verdicts of one send, until nothing is due."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter.content import Claimed, Verdict
from newsletter.deliver.clerk import Clerk
from newsletter.deliver.desk import Build, Desk
from newsletter.deliver.lane import Lane
from newsletter.deliver.ledger import Ledger
from newsletter.deliver.limits import PATIENCE_SECONDS, Gate, route_key
from newsletter.deliver.loop import run_async
from newsletter.deliver.pool import Pool
from newsletter.deliver.route import Route
from newsletter.deliver.session import SessionLost
from newsletter.deliver.smtp import Session, make_context
from newsletter.deliver.terms import Counts as Counts  # noqa: PLC0414 - callers take them from here
from newsletter.deliver.terms import Options as Options  # noqa: PLC0414 - as above
from newsletter.deliver.terms import Outcome as Outcome  # noqa: PLC0414 - as above
from newsletter.deliver.terms import RouteOutcome
from newsletter.deliver.traffic import Traffic
from newsletter.errors import DatabaseError, DeliveryError

_TICK = 0.05
_DISTRUST = 2
"""After so many connections in a row that carried nothing the next does without pipelining, in case the
server, or a firewall before it, offers what it cannot do."""


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
    lanes = [_make_lane(route, settings) for route in routes]
    return run_async(_Engine(ledger, lanes, build, settings, stop=stop, on_progress=on_progress).run)


def _make_lane(route: Route, options: Options) -> Lane:
    gate = Gate(route_key(route.name), route.limit) if options.limiter and route.limit else None
    return Lane(route, make_context(route), options.connections or route.connections, gate)


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

    async def run(self) -> Outcome:
        self.clerk = Clerk(self.ledger, self.options.ledger_seconds, self._take_commit, self._end_by_ledger)
        began_at = asyncio.get_running_loop().time()
        for lane in self.lanes:
            lane.closes_at = began_at + lane.route.open_seconds
        limiter = self.options.limiter
        slowed = await self.clerk.call(limiter.list_slowed) if limiter else {}
        self.traffic = Traffic(self.lanes, limiter, self.options.domains, slowed)
        self.pool = Pool(self.clerk, self.traffic, self.options.returns, self.stop)
        try:
            await self._send()
        finally:
            self.pool.leave()
            if limiter:
                # Leave that is lost makes the next send a little late, no more.
                with contextlib.suppress(DatabaseError):
                    await self.clerk.call(self.traffic.give_back)
            await self.clerk.finish(max(self.options.stop_seconds, 1.0))
            self._report()
        if self.clerk.failure and not isinstance(self.clerk.failure, DatabaseError):
            raise self.clerk.failure
        stopped = self.was_stopped or (self.stop.is_set() and not self.pool.is_done)
        return self._conclude(stopped=stopped)

    async def _send(self) -> None:
        workers = [
            asyncio.create_task(self._work(lane)) for lane in self.lanes for _ in range(lane.connections)
        ]
        helpers = [
            asyncio.create_task(each) for each in (self._claim(), self._watch(workers), self._ask_leave())
        ]
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
        loop, idle_since = asyncio.get_running_loop(), math.inf
        while not pool.is_finished:
            await pool.until(lambda: len(pool.waiting) <= size // 2)
            pool.has_returned = False
            if await self.clerk.claim(size):
                idle_since = math.inf
                continue
            if not (pool.waiting or pool.under_way or self.traffic.held or pool.has_returned):
                idle_since = min(idle_since, loop.time())
                if loop.time() > min(pool.postponed_to + 1.0, idle_since + PATIENCE_SECONDS):
                    pool.is_done = True
                    pool.stir()
                    return
            # What was put back until its domain takes more comes due by and by.
            pause = 0.5 if loop.time() <= pool.postponed_to + 1.0 else None
            await pool.until(self._may_claim, pause)

    def _may_claim(self) -> bool:
        pool = self.pool
        return (
            pool.is_finished or pool.has_returned or not (pool.waiting or pool.under_way or self.traffic.held)
        )

    async def _ask_leave(self) -> None:
        """Ask the limiter for leave to send, a little ahead."""
        while True:
            await self.pool.until(lambda: self.traffic.is_asking)
            try:
                grants = await self.clerk.call(self.traffic.ask)
            except DatabaseError:
                # The clerk meets the same fault and knows when to give up.
                await asyncio.sleep(1.0)
                continue
            self.pool.admit(grants)

    async def _watch(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Look after the stop, the deadline that it sets, and the progress."""
        tick, loop = 0, asyncio.get_running_loop()
        deadline: float | None = None
        while True:
            await asyncio.sleep(_TICK)
            tick += 1
            if any(lane.look(loop.time()) for lane in self.lanes) or not self.traffic.is_free:
                self.pool.stir()
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
            desk = Desk(self.pool, lane, self.build, self.options)
            lane.open += 1
            try:
                await self._converse(lane, desk, pipelining=fruitless < _DISTRUST)
            finally:
                lane.open -= 1
            if desk.settled or desk.trouble is None:
                fruitless = 0
                continue
            fruitless += 1
            self._count_failure(lane, desk.trouble, is_open=desk.is_open)
            wait = min(self.options.backoff_seconds * 2 ** (fruitless - 1), self.options.backoff_limit)
            wait *= random.uniform(0.5, 1.0)  # noqa: S311 - so that connections do not come back together
            await self.pool.until(lambda: self.pool.is_finished, wait)

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
            self._fail(lane, error)
            why = str(error)
        finally:
            desk.clear(why)
            self.pool.stir()

    # --- accounts ----------------------------------------------------------------------------------

    def _count_failure(self, lane: Lane, why: str, *, is_open: bool) -> None:
        lane.failures += 1
        lane.strain += 1 if is_open else 2
        patience = 0 if lane.is_on_trial else 2 * self.options.connect_failures * lane.connections
        if lane.strain >= patience and lane.down is None:
            error = DeliveryError(
                f"route {lane.route.name!r}: {lane.route.place} took nothing in {lane.failures} tries, "
                f"the last: {why}; check that the server runs, and the host and port of the route"
            )
            self._fail(lane, error)
            self.pool.stir()

    def _fail(self, lane: Lane, error: DeliveryError) -> None:
        now = asyncio.get_running_loop().time()
        lane.fail(error, now, self.options.revive_seconds, self.options.revive_limit)

    def _take_commit(self, verdicts: Sequence[Verdict], batch: Sequence[Claimed]) -> None:
        self.recorded.update(verdict.state for verdict in verdicts)
        self.pool.add(batch)

    def _report(self) -> None:
        if self.on_progress:
            self.on_progress(Counts(**self.recorded))

    def _end_by_ledger(self) -> None:
        self.was_stopped = self.clerk.failure is None
        self.pool.stop()

    def _conclude(self, *, stopped: bool) -> Outcome:
        lanes, error, waits = self.lanes, None, None
        if self.clerk.failure:
            lost = f"; {self.clerk.unwritten} verdicts are not written" if self.clerk.unwritten else ""
            error = f"{self.clerk.failure}{lost}"
        elif all(lane.down for lane in lanes):
            error = "; ".join(str(lane.down) for lane in lanes)
        elif not any(lane.is_up for lane in lanes):
            waits = "; ".join(f"route {lane.route.name!r}: {lane.rest}" for lane in lanes if lane.rest)
        return Outcome(
            **self.recorded,
            stopped=stopped,
            error=error,
            is_refused=all(lane.is_refused for lane in lanes),
            waits=waits,
            waits_seconds=min(lane.rests_for for lane in lanes),
            routes=tuple(
                RouteOutcome(lane.route.name, lane.carried, str(lane.fault) if lane.fault else None)
                for lane in lanes
            ),
        )
