"""The one who writes in the ledger: gathers what comes in while the last commit runs, then commits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from newsletter.content import Claimed, Verdict
from newsletter.deliver.ledger import Ledger
from newsletter.errors import DatabaseError

_TURNS = 12
"""Of the event loop before a commit, for what servers have said already: one commit of eleven messages
takes little longer than one of seven, and a turn in which nothing comes takes microseconds."""
_FIRST_PAUSE = 0.05
_LAST_PAUSE = 2.0
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Work:
    """What waits to be written, and who waits for it."""

    verdicts: list[Verdict] = field(default_factory=list)
    releases: set[int] = field(default_factory=set)
    waits: dict[int, float] = field(default_factory=dict)
    intents: dict[int, asyncio.Future[bool]] = field(default_factory=dict)
    claim: tuple[int, asyncio.Future[int]] | None = None
    asks_stop: bool = False

    def __bool__(self) -> bool:
        return bool(
            self.verdicts or self.releases or self.waits or self.intents or self.claim or self.asks_stop
        )

    def write(self, ledger: Ledger) -> tuple[set[int], list[Claimed], bool]:
        """One commit, in the ledger's thread.

        Releases go before intents, so that no intent holds for what is given back; the claim is last,
        so that no failure after it can lose what it took.
        """
        is_more = self.releases or self.waits or self.claim or self.asks_stop
        with ledger.transaction() if is_more else nullcontext():
            if self.releases:
                ledger.release(self.releases)
            if self.waits:
                ledger.postpone(self.waits)
            is_news = self.verdicts or self.intents
            held = ledger.settle(self.verdicts, list(self.intents)) if is_news else set()
            # Claims that are gone may mean a pause: asked at once, or each would cost a connection.
            stop = ledger.should_stop() if self.asks_stop or len(held) < len(self.intents) else False
            return held, ledger.claim(self.claim[0]) if self.claim else [], stop


class Clerk:
    """Serves the engine's event loop; the ledger itself is only touched in one thread.

    A write that fails is tried again, and whoever asked for an intent or a claim waits for it: so no body
    goes out unrecorded, and no verdict is lost while the process lives.
    """

    def __init__(
        self,
        ledger: Ledger,
        patience: float,
        on_commit: Callable[[Sequence[Verdict], Sequence[Claimed]], None],
        on_stop: Callable[[], None],
    ) -> None:
        self.failure: Exception | None = None
        """Why nothing is written any more; what then still waits is in `unwritten`."""
        self._ledger, self._patience = ledger, patience
        self._on_commit, self._on_stop = on_commit, on_stop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._work = _Work()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._trouble: DatabaseError | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def unwritten(self) -> int:
        """How many verdicts are only in memory."""
        return len(self._work.verdicts)

    async def claim(self, limit: int) -> int:
        """Take the next deliveries, after all that was said before is written, and give their number.

        They go to `on_commit`, not to the caller, who may be cancelled just then and lose them.
        """
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.failure:
            return 0
        self._work.claim = (limit, waiter)
        self._wake.set()
        return await waiter

    def intend(self, delivery_id: int) -> asyncio.Future[bool]:
        """Give what is done once the intent is written: whether the claim still held."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.failure:
            waiter.set_result(False)
        else:
            self._work.intents[delivery_id] = waiter
            self._wake.set()
        return waiter

    def record(self, verdict: Verdict) -> None:
        self._work.verdicts.append(verdict)
        self._wake.set()

    def release(self, delivery_id: int) -> None:
        self._work.releases.add(delivery_id)
        self._wake.set()

    def postpone(self, waits: Mapping[int, float]) -> None:
        self._work.waits |= waits
        self._wake.set()

    async def call(self, function: Callable[[], _Answer]) -> _Answer:
        """Use the database for something else, in the ledger's thread; what it raises is the caller's."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def ask_stop(self) -> None:
        """Have the ledger asked whether to stop; `on_stop` is called if so."""
        self._work.asks_stop = True
        self._wake.set()

    async def finish(self, seconds: float) -> None:
        """Write what waits, trying for so many seconds where the ledger fails, and end the thread."""
        self._is_closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=seconds)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        self._thread.shutdown()
        self.failure = self.failure or (self._trouble if self._work else None)

    async def _run(self) -> None:
        try:
            while self._work or not self._is_closing:
                await self._wake.wait()
                self._wake.clear()
                while self._work:
                    for _ in range(_TURNS):
                        await asyncio.sleep(0)
                    await self._commit()
        except Exception as error:  # noqa: BLE001 - handed to the engine, which ends the send with it
            self._give_up(error)

    async def _commit(self) -> None:
        pause, since = _FIRST_PAUSE, asyncio.get_running_loop().time()
        while True:
            work, self._work = self._work, _Work()
            try:
                held, batch, stop = await asyncio.get_running_loop().run_in_executor(
                    self._thread, work.write, self._ledger
                )
            except BaseException as error:
                self._put_back(work)
                late = asyncio.get_running_loop().time() - since >= self._patience
                if not isinstance(error, DatabaseError) or late:
                    raise
                self._trouble = error
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
            else:
                self._tell(work, held, batch, stop=stop)
                return

    def _tell(self, work: _Work, held: set[int], batch: list[Claimed], *, stop: bool) -> None:
        if stop:
            self._on_stop()
        if self._is_closing:
            for claimed in batch:
                self.release(claimed.id)
        self._on_commit(work.verdicts, [] if self._is_closing else batch)
        for delivery_id, waiter in work.intents.items():
            if not waiter.done():
                waiter.set_result(delivery_id in held)
        if work.claim and not work.claim[1].done():
            work.claim[1].set_result(len(batch))

    def _put_back(self, work: _Work) -> None:
        later, self._work = self._work, work
        work.verdicts += later.verdicts
        work.releases |= later.releases
        work.waits |= later.waits
        work.intents |= later.intents
        work.claim = later.claim or work.claim
        work.asks_stop |= later.asks_stop

    def _give_up(self, error: Exception) -> None:
        self.failure = error
        for waiter in self._work.intents.values():
            if not waiter.done():
                waiter.set_result(False)
        self._work.intents.clear()
        if self._work.claim and not self._work.claim[1].done():
            self._work.claim[1].set_result(0)
        self._work.claim = None
        self._on_stop()
