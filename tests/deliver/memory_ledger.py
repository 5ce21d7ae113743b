"""An honest ledger in memory, as the engine's protocol says, which can be made to fail."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from newsletter.content import Claimed, DeliveryState, Recipient, Verdict
from newsletter.errors import DatabaseError


class MemoryLedger:
    """Deliveries 1, 2, … of the given addresses."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.addresses = dict(enumerate(addresses, 1))
        self.states: dict[int, DeliveryState] = dict.fromkeys(self.addresses, "queued")
        self.attempts: Counter[int] = Counter()
        self.verdicts: dict[int, Verdict] = {}
        self.history: list[tuple[str, tuple[int, ...]]] = []
        self.stops = False
        self.failing: Callable[[str], bool] = lambda call: call == "never"
        """Called with the name of each call; true: it raises DatabaseError."""
        self.threads: set[int] = set()
        self.owners: dict[int, MemoryLedger] = {}
        self.due: dict[int, float] = {}
        """When what was postponed may be claimed again."""

    def share(self) -> MemoryLedger:
        """Make the ledger of another process on the same rows."""
        other = MemoryLedger([])
        for name in ("addresses", "states", "attempts", "verdicts", "owners", "due"):
            setattr(other, name, getattr(self, name))
        return other

    def holds(self, key: int) -> bool:
        """Whether this process's claim on a delivery stands."""
        return self.states[key] in {"claimed", "dot_sent"} and self.owners[key] is self

    def count(self) -> Counter[str]:
        return Counter(self.states.values())

    def find(self, address: str) -> Verdict:
        return next(self.verdicts[key] for key, value in self.addresses.items() if value == address)

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def claim(self, limit: int) -> list[Claimed]:
        self._enter("claim", ())
        now = time.monotonic()
        due = [
            key
            for key, state in self.states.items()
            if state == "deferred" and self.due.get(key, now + 1) <= now
        ]
        due += [key for key, state in self.states.items() if state == "queued"]
        ids = due[: 0 if self.stops else limit]
        for key in ids:
            self.states[key] = "claimed"
            self.owners[key] = self
            self.attempts[key] += 1
        return [Claimed(key, Recipient(key, self.addresses[key]), self.attempts[key]) for key in ids]

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        if verdicts:
            self.record(verdicts)
        return self.intend(ids) if ids else set()

    def intend(self, ids: Collection[int]) -> set[int]:
        self._enter("intend", ids)
        held = set() if self.stops else {key for key in ids if self.holds(key)}
        self.states |= dict.fromkeys(held, "dot_sent")
        return held

    def record(self, verdicts: Sequence[Verdict]) -> None:
        self._enter("record", [verdict.delivery_id for verdict in verdicts])
        for verdict in verdicts:
            if self.holds(verdict.delivery_id):
                self.states[verdict.delivery_id] = verdict.state
                self.verdicts[verdict.delivery_id] = verdict

    def release(self, ids: Collection[int]) -> None:
        self._enter("release", ids)
        for key in ids:
            if self.holds(key):
                self.states[key] = "queued"
                self.attempts[key] -= 1

    def postpone(self, waits: Mapping[int, float]) -> None:
        self._enter("postpone", waits)
        for key, seconds in waits.items():
            if self.holds(key):
                self.states[key] = "deferred"
                self.attempts[key] -= 1
                self.due[key] = time.monotonic() + seconds

    def should_stop(self) -> bool:
        self._enter("should_stop", ())
        return self.stops

    def _enter(self, call: str, ids: Collection[int]) -> None:
        self.threads.add(threading.get_ident())
        if self.failing(call):
            raise DatabaseError("the database is locked; end the program that holds it")
        self.history.append((call, tuple(ids)))
