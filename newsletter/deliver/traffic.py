"""Which message may begin now: each route its share and its limits, each recipient domain its pace."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from newsletter.content import Claimed
from newsletter.deliver.lane import Lane
from newsletter.deliver.limits import (
    PAUSE_SECONDS,
    Domain,
    DomainLimit,
    Gate,
    Grant,
    Limit,
    Limiter,
    Waiting,
    domain_key,
    domain_of,
)

RECENT = 200
LEAST_RATE = 2.0
"""What a domain is taken to get a second, at least, when it is slowed down for the first time."""


@dataclass(slots=True)
class Traffic:
    """The limits of one send; without any it costs one look per message."""

    lanes: Sequence[Lane]
    limiter: Limiter | None = None
    limits: Mapping[str, DomainLimit] = field(default_factory=dict)
    """By domain; `*` is for all others."""
    slowed: dict[str, float] = field(default_factory=dict)
    """Domains that asked for less, with what they get a second."""
    domains: dict[str, Domain] = field(default_factory=dict)
    """Those that are limited and have messages waiting or under way."""
    slowing: dict[str, float] = field(default_factory=dict)
    """Keys that the limiter is to slow down, with what they get a second now."""
    recent: deque[Claimed] = field(default_factory=lambda: deque(maxlen=RECENT))
    begun: int = 0
    began_at: float | None = None

    @property
    def is_free(self) -> bool:
        """Whether any message may begin at any time."""
        return len(self.lanes) == 1 and not self.is_paced and not self.lanes[0].gate

    @property
    def is_paced(self) -> bool:
        """Whether any recipient domain has limits."""
        return bool(self.limits or self.slowed)

    def may_begin(self, lane: Lane, now: float) -> bool:
        """Whether the limits of a route and its share let it begin a message."""
        return (lane.gate is None or lane.gate.is_open(now)) and lane.has_turn(self.lanes, now)

    def find_ready(self, now: float) -> Domain | None:
        """A limited domain that may get a message."""
        return next((domain for domain in self.domains.values() if domain.is_ready(now)), None)

    def begin(self, lane: Lane, claimed: Claimed, now: float) -> None:
        """Note that a message begins."""
        self.began_at = self.began_at or now
        self.begun += 1
        self.recent.append(claimed)
        if not self.is_free:
            lane.begin_one(self.lanes, now)
            domain = self.domains.get(domain_of(claimed))
            if domain:
                domain.under_way += 1
                if domain.gate:
                    domain.gate.use()

    def end(self, claimed: Claimed, now: float) -> None:
        """Note that it has its answer."""
        domain = self.domains.get(domain_of(claimed))
        if domain:
            # Those that began before it was slowed down were not counted.
            domain.under_way = max(0, domain.under_way - 1)
            if domain.is_idle(now):
                del self.domains[domain.name]

    def sort(self, batch: Iterable[Waiting], now: float) -> tuple[list[Waiting], dict[int, float]]:
        """Part what may go at any time from what is held for its domain.

        Returns:
            The former, and of what is more than can be held here: in how many seconds it may go, by id.
        """
        free: list[Waiting] = []
        later: dict[int, float] = {}
        for waiting in batch:
            domain = self._find_domain(domain_of(waiting[0]))
            if domain is None:
                free.append(waiting)
            elif domain.has_room(now):
                domain.waiting.append(waiting)
            else:
                later[waiting[0].id] = domain.plan(now)
        return free, later

    def slow_down(self, claimed: Claimed, now: float) -> None:
        """Treat a domain with care from now on; without a limiter there is nobody to remember it."""
        if self.limiter is None:
            return
        name = domain_of(claimed)
        share = sum(domain_of(each) == name for each in self.recent) / max(1, len(self.recent))
        seconds = max(now - (self.began_at or now), 1.0)
        rate = max(LEAST_RATE, share * self.begun / seconds)
        self.slowing[domain_key(name)] = rate
        self.slowed[name] = rate / 2
        domain = self.domains.setdefault(name, Domain(name, self._find_limit(name), None))
        # What was granted at the old rate is void.
        domain.gate = self._make_gate(domain)
        domain.gate.next_at = now + PAUSE_SECONDS

    @property
    def is_asking(self) -> bool:
        """Whether there is something to tell or to ask the limiter."""
        return bool(self.slowing) or any(gate.is_asking for gate in self._gates())

    def ask(self) -> dict[str, Grant]:
        """Tell and ask the limiter; runs in the ledger's thread."""
        if self.limiter is None:
            return {}
        for key, rate in list(self.slowing.items()):
            self.limiter.slow_down(key, rate)
            self.slowing.pop(key, None)
        return self.limiter.take({gate.key: gate.limit for gate in self._gates() if gate.is_asking})

    def admit(self, grants: Mapping[str, Grant], now: float) -> dict[int, float]:
        """Take in what the limiter granted; what must wait too long for it, and how long, by id."""
        for gate in self._gates():
            if gate.key in grants:
                gate.admit(grants[gate.key], now)
        later: dict[int, float] = {}
        for domain in self.domains.values():
            if domain.is_closed(now):
                held, domain.waiting = domain.waiting, deque()
                later |= {claimed.id: domain.plan(now) for claimed, _ in held}
        return later

    def give_back(self) -> None:
        """Give what leave is not used to other processes; runs in the ledger's thread."""
        unused = {gate.key: gate.count for gate in self._gates() if gate.count}
        if self.limiter and unused:
            self.limiter.give_back(unused)

    def drain(self) -> list[Waiting]:
        """Let go of everything that is held."""
        held = [waiting for domain in self.domains.values() for waiting in domain.waiting]
        for domain in self.domains.values():
            domain.waiting.clear()
        return held

    @property
    def held(self) -> int:
        """How many messages wait for their domain."""
        return sum(len(domain.waiting) for domain in self.domains.values())

    def _find_domain(self, name: str) -> Domain | None:
        found = self.domains.get(name)
        if found:
            return found
        limit = self._find_limit(name)
        if not limit and name not in self.slowed:
            return None
        domain = self.domains[name] = Domain(name, limit, None)
        if self.limiter and (limit.per_second or name in self.slowed):
            domain.gate = self._make_gate(domain)
        return domain

    def _find_limit(self, name: str) -> DomainLimit:
        return self.limits.get(name) or self.limits.get("*") or DomainLimit()

    def _make_gate(self, domain: Domain) -> Gate:
        limit = domain.limit.per_second
        rate = min(self.slowed.get(domain.name, limit or 1.0), limit or math.inf)
        return Gate(domain_key(domain.name), Limit(per_second=limit), interval=1 / rate)

    def _gates(self) -> list[Gate]:
        gates = [lane.gate for lane in self.lanes] + [domain.gate for domain in self.domains.values()]
        return [gate for gate in gates if gate]
