"""What the connections of one send share: claimed deliveries that wait, and whether it goes on."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from newsletter.content import Cause, Claimed, DeliveryState, Verdict
from newsletter.deliver.clerk import Clerk
from newsletter.deliver.lane import Lane
from newsletter.deliver.limits import PATIENCE_SECONDS, Grant, Waiting
from newsletter.deliver.replies import Reply
from newsletter.deliver.traffic import Traffic

CLAIM_SECONDS = 5.0
"""A claim that has waited so long is asked for anew: whoever left meanwhile gets no transaction (D8)."""


@dataclass(slots=True)
class Pool:
    """The deliveries of this process between claim and verdict; bounded by the claimer."""

    clerk: Clerk
    traffic: Traffic
    max_returns: int
    told_to_stop: threading.Event
    """Looked at before each message, so that none begins after it is set."""
    waiting: deque[tuple[Claimed, float]] = field(default_factory=deque)
    under_way: int = 0
    """Taken by a session and not yet given back or recorded."""
    opening: int = 0
    postponed_to: float = 0.0
    """The loop's time until which what was put back comes due without a long wait between."""
    has_returned: bool = False
    """Something was put back that can be claimed again."""
    is_stopping: bool = False
    is_done: bool = False
    _returns: dict[int, int] = field(default_factory=dict)
    _pulse: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """Have everybody who waits look again."""
        self._pulse.set()
        self._pulse.clear()

    async def until(self, test: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until the test holds; False when it did not within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while not test():
                    await self._pulse.wait()
        except TimeoutError:
            return test()
        return True

    def stop(self) -> None:
        """No transaction starts any more."""
        self.is_stopping = True
        self.stir()

    @property
    def is_finished(self) -> bool:
        """Whether no transaction begins any more: it is done or stopped, or every route is down or rests."""
        return all(self.is_over(lane) for lane in self.traffic.lanes)

    def is_over(self, lane: Lane) -> bool:
        """The same for one route."""
        return self.is_stopping or self.told_to_stop.is_set() or self.is_done or not lane.is_up

    def has_ready(self, lane: Lane) -> bool:
        """Whether the route may begin a message now."""
        if self.traffic.is_free:
            return bool(self.waiting)
        now = asyncio.get_running_loop().time()
        if not (self.waiting or self.traffic.domains) or not self.traffic.may_begin(lane, now):
            return False
        return bool(self.waiting) or self.traffic.find_ready(now) is not None

    async def is_wanted(self, lane: Lane) -> bool:
        """Wait until one more connection has something to do; False: it never will.

        A true answer counts in `opening`, so that one waiting message does not open four connections.
        """

        def is_needed() -> bool:
            if not lane.is_up or (lane.is_on_trial and lane.open):
                return False
            return len(self.waiting) + self.traffic.held > self.opening and self.has_ready(lane)

        await self.until(lambda: self.is_finished or is_needed())
        if self.is_finished:
            return False
        self.opening += 1
        return True

    async def take(self, lane: Lane, idle_seconds: float) -> Claimed | None:
        """Give the next delivery; None when it is over or nothing came within so many seconds."""
        while not self.is_over(lane):
            claimed = self.take_ready(lane)
            if claimed is not None:
                return claimed
            if not await self.until(lambda: self.is_over(lane) or self.has_ready(lane), idle_seconds):
                return None
        return None

    def take_ready(self, lane: Lane) -> Claimed | None:
        """Give the next delivery if one may begin at once."""
        while not self.is_over(lane) and self.has_ready(lane):
            now = asyncio.get_running_loop().time()
            domain = self.traffic.find_ready(now) if self.traffic.domains else None
            claimed, claimed_at = (domain.waiting if domain else self.waiting).popleft()
            if now - claimed_at < CLAIM_SECONDS:
                self.traffic.begin(lane, claimed, now)
                self.under_way += 1
                return claimed
            self.clerk.release(claimed.id)
            self.has_returned = True
            self.stir()
        return None

    def add(self, batch: Iterable[Claimed]) -> None:
        """Take in what a commit claimed, be it nothing: whoever waits looks again, the claimer too."""
        now = asyncio.get_running_loop().time()
        self._sort_in([(claimed, now) for claimed in batch], now)

    def _sort_in(self, batch: Sequence[Waiting], now: float) -> None:
        if self.traffic.is_paced:
            batch, later = self.traffic.sort(batch, now)
            self._postpone(later, now)
        self.waiting.extend(batch)
        self.stir()

    def admit(self, grants: Mapping[str, Grant]) -> None:
        """Take in what the limiter granted."""
        now = asyncio.get_running_loop().time()
        self._postpone(self.traffic.admit(grants, now), now)
        self.stir()

    def _postpone(self, later: Mapping[int, float], now: float) -> None:
        if not later:
            return
        self.clerk.postpone(later)
        for at in sorted(now + wait for wait in later.values()):
            if at <= max(self.postponed_to, now) + PATIENCE_SECONDS:
                self.postponed_to = max(self.postponed_to, at)

    def slow_down(self, claimed: Claimed) -> None:
        """Send less quickly to a recipient's domain, also what waits already."""
        now = asyncio.get_running_loop().time()
        self.traffic.slow_down(claimed, now)
        waiting, self.waiting = self.waiting, deque()
        self._sort_in(waiting, now)

    def leave(self) -> None:
        """Give back everything that waits."""
        for claimed, _ in (*self.waiting, *self.traffic.drain()):
            self.clerk.release(claimed.id)

    def record(
        self,
        claimed: Claimed,
        state: DeliveryState,
        reply: Reply,
        route: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Hand in the verdict on a delivery under way."""
        self._returns.pop(claimed.id, None)
        verdict = Verdict(claimed.id, state, reply.code or None, reply.enhanced, reply.words, route, cause)
        self.clerk.record(verdict)
        self._end_one(claimed)

    def give_back(self, claimed: Claimed, reply: Reply, lane: Lane, *, is_suspect: bool) -> None:
        """Put a delivery back that certainly did not go out, uncounted.

        One that is suspect again and again, for it broke each connection that began with it, is
        deferred in the end, so that it cannot keep the rest from being sent.
        """
        if self.is_over(lane) or not is_suspect:
            self.drop(claimed)
            return
        self._returns[claimed.id] = self._returns.get(claimed.id, 0) + 1
        if self._returns[claimed.id] >= self.max_returns:
            self.record(claimed, "deferred", reply, lane.route.name)
        else:
            self.drop(claimed)

    def drop(self, claimed: Claimed) -> None:
        """Put a delivery back for a reason that has nothing to do with it."""
        self.clerk.release(claimed.id)
        self.has_returned = True
        self._end_one(claimed)

    def _end_one(self, claimed: Claimed) -> None:
        self.under_way -= 1
        if self.traffic.domains:
            self.traffic.end(claimed, asyncio.get_running_loop().time())
        if not self.under_way or self.has_returned:
            self.stir()
