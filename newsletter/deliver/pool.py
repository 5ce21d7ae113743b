"""What the connections of one send share: claimed deliveries that wait, and each route's standing."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from newsletter.content import Cause, Claimed, DeliveryState, Verdict
from newsletter.deliver.clerk import Clerk
from newsletter.deliver.replies import Reply
from newsletter.deliver.route import Route
from newsletter.errors import DeliveryError

CLAIM_SECONDS = 5.0
"""A claim that has waited so long is asked for anew: whoever left meanwhile gets no transaction (D8)."""


@dataclass(slots=True)
class Lane:
    """One route while it is in use."""

    route: Route
    context: ssl.SSLContext | None
    connections: int
    failures: int = 0
    """Connections in a row, of all its workers, that carried nothing."""
    strain: int = 0
    """The same, those twice that did not even open: a few messages alone may break the others."""
    refusals: int = 0
    """MAIL commands in a row that were refused for good."""
    down: DeliveryError | None = None


@dataclass(slots=True)
class Pool:
    """The deliveries of this process between claim and verdict; bounded by the claimer."""

    clerk: Clerk
    max_returns: int
    told_to_stop: threading.Event
    """Looked at before each message, so that none begins after it is set."""
    waiting: deque[tuple[Claimed, float]] = field(default_factory=deque)
    """Each with the loop's time at which its claim came in."""
    under_way: int = 0
    """Taken by a session and not yet given back or recorded."""
    opening: int = 0
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

    def is_over(self, lane: Lane) -> bool:
        return self.is_stopping or self.told_to_stop.is_set() or self.is_done or lane.down is not None

    async def is_wanted(self, lane: Lane) -> bool:
        """Wait until one more connection has something to do; False: it never will.

        A true answer counts in `opening`, so that one waiting message does not open four connections.
        """
        await self.until(lambda: self.is_over(lane) or len(self.waiting) > self.opening)
        if self.is_over(lane):
            return False
        self.opening += 1
        return True

    async def take(self, lane: Lane, idle_seconds: float) -> Claimed | None:
        """Give the next delivery; None when it is over or nothing came within so many seconds."""
        while not self.is_over(lane):
            claimed = self.take_ready(lane)
            if claimed is not None:
                return claimed
            if not await self.until(lambda: self.is_over(lane) or bool(self.waiting), idle_seconds):
                return None
        return None

    def take_ready(self, lane: Lane) -> Claimed | None:
        """Give the next delivery if one may go at once."""
        while self.waiting and not self.is_over(lane):
            claimed, claimed_at = self.waiting.popleft()
            self.under_way += 1
            if asyncio.get_running_loop().time() - claimed_at < CLAIM_SECONDS:
                self.stir()
                return claimed
            self.drop(claimed)
        return None

    def add(self, batch: Sequence[Claimed]) -> None:
        """Take in what was just claimed."""
        now = asyncio.get_running_loop().time()
        self.waiting.extend((claimed, now) for claimed in batch)
        self.stir()

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
        self._end_one()

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
        self._end_one()

    def _end_one(self) -> None:
        self.under_way -= 1
        if not self.under_way or self.has_returned:
            self.stir()
