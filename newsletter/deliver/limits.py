"""How fast messages may begin: leave that a process asks for a little ahead, so that all share one limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.content import Claimed

Waiting = tuple[Claimed, float]
"""A delivery and the event loop's time at which its claim came in."""

BATCH_SECONDS = 0.5
"""How much leave a process gets at once, where a limit is by the second."""
BURST_SECONDS = 0.25
"""Leave that was not used for so long is lost: later it would come on top of what is allowed."""
BATCH = 100
"""The same where no limit is by the second."""
PAUSE_SECONDS = 30.0
"""How long a domain gets nothing when its servers asked for less."""
PATIENCE_SECONDS = 5.0
"""A message whose domain takes none for longer than this is put back, and the send does not wait for it."""
LONGEST_SECONDS = 900.0
"""For no longer than this, since the domain may have recovered."""
SLOWEST = 1 / 60
"""Messages a second; no domain is slowed down further."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many messages; None: no such limit."""

    per_second: float | None = None
    per_hour: int | None = None
    """In each hour of the clock."""
    per_day: int | None = None
    """In each day, by UTC."""
    warmup: tuple[int, ...] = ()
    """The same for the first days on which anything was sent by the route."""

    def __bool__(self) -> bool:
        return bool(self.per_second or self.per_hour or self.per_day or self.warmup)


@dataclass(frozen=True, slots=True)
class DomainLimit:
    """What the servers of one recipient domain are to get at most, by all routes together."""

    per_second: float | None = None
    connections: int | None = None
    """At once, from each sending process."""

    def __bool__(self) -> bool:
        return bool(self.per_second or self.connections)


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to begin so many messages, the first in `delay` seconds, the others `interval` seconds apart."""

    count: int
    delay: float = 0.0
    interval: float = 0.0
    why: str | None = None
    """Where the count is 0: which limit is used up until `delay` is over."""


class Limiter(Protocol):
    """What all processes and machines share about how fast they send; called as the ledger is."""

    def take(self, asked: Mapping[str, Limit]) -> dict[str, Grant]:
        """Give leave for the next few messages of each key, in one transaction."""
        ...

    def give_back(self, unused: Mapping[str, int]) -> None:
        """Take back leave that nobody will use."""
        ...

    def slow_down(self, key: str, rate: float) -> None:
        """Stop for a while, then go on at half the rate, which is about `rate` a second if none is known.

        It recovers with time. Asked again within seconds it does nothing: several answers may mean the
        same moment.
        """
        ...

    def list_slowed(self) -> dict[str, float]:
        """The domains that were slowed down and have not recovered, with what they get a second."""
        ...


def route_key(name: str) -> str:
    """What a limiter calls a route."""
    return f"route:{name}"


def domain_key(domain: str) -> str:
    """What a limiter calls a recipient domain."""
    return f"domain:{domain}"


@dataclass(slots=True)
class Gate:
    """The leave that this process holds for one key; times are the event loop's."""

    key: str
    limit: Limit
    count: int = 0
    next_at: float = 0.0
    """When the next message may begin; without leave, when to ask for it again."""
    interval: float = 0.0
    is_asking: bool = False
    why: str | None = None
    """The limit that is used up until `next_at`."""

    def is_open(self, now: float) -> bool:
        """Whether a message may begin; asks for more leave where there is none."""
        if self.count and self.interval:
            missed = min(self.count, int((now - BURST_SECONDS - self.next_at) / self.interval))
            if missed > 0:
                self.count -= missed
                self.next_at += missed * self.interval
        if now < self.next_at:
            return False
        self.is_asking = not self.count
        return self.count > 0

    def use(self) -> None:
        """Begin one message."""
        self.count -= 1
        self.next_at += self.interval

    def admit(self, grant: Grant, now: float) -> None:
        """Take in what was granted."""
        self.is_asking = False
        self.count, self.interval, self.why = grant.count, grant.interval, grant.why
        self.next_at = now + grant.delay


@dataclass(slots=True)
class Domain:
    """A recipient domain that may not get messages as fast as they come, with those that wait for it."""

    name: str
    limit: DomainLimit
    gate: Gate | None
    waiting: deque[Waiting] = field(default_factory=deque)
    under_way: int = 0
    planned_to: float = 0.0
    """The event loop's time at which what was put off so far will have gone out."""

    def has_room(self, now: float) -> bool:
        """Whether one more may wait in memory, which is what goes out in about two seconds."""
        if self.gate is None:
            return len(self.waiting) < BATCH
        rate = 1 / self.gate.interval if self.gate.interval else 1.0
        return len(self.waiting) < max(2, min(BATCH, 2 * rate)) and not self.is_closed(now)

    def is_closed(self, now: float) -> bool:
        """Whether it takes nothing for longer than anybody waits."""
        return self.gate is not None and self.gate.next_at - now > PATIENCE_SECONDS

    def is_ready(self, now: float) -> bool:
        """Whether one of its messages may begin."""
        if not self.waiting or self.under_way >= (self.limit.connections or BATCH):
            return False
        return self.gate is None or self.gate.is_open(now)

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost if it were forgotten."""
        is_used = self.waiting or self.under_way > 0 or (self.gate and self.gate.count)
        return not is_used and self.planned_to <= now

    def plan(self, now: float) -> float:
        """In how many seconds one more may go out after all that wait already."""
        interval = (self.gate.interval or 1.0) if self.gate else 0.1
        begins_at = max(now, self.gate.next_at) if self.gate else now
        self.planned_to = max(self.planned_to, begins_at + len(self.waiting) * interval) + interval
        self.planned_to = min(self.planned_to, now + LONGEST_SECONDS)
        return self.planned_to - now


def domain_of(claimed: Claimed) -> str:
    """The recipient's domain, small letters."""
    return claimed.recipient.email.rpartition("@")[2].lower()
