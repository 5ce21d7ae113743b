"""Which message may begin now: each route its share and its limits, each recipient domain its pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from newsletter.content import Claimed
from newsletter.deliver.lane import Lane
from newsletter.deliver.limits import (
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
    slowed: set[str] = field(default_factory=set)
    """Domains that asked for less."""
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

    def end(self, claimed: Claimed) -> None:
        """Note that it has its answer."""
        domain = self.domains.get(domain_of(claimed)) if self.domains else None
        if domain:
            domain.under_way -= 1
            if not domain.waiting and domain.under_way <= 0 and not (domain.gate and domain.gate.count):
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
            elif len(domain.waiting) < domain.room:
                domain.waiting.append(waiting)
            else:
                later[waiting[0].id] = domain.plan(now)
        return free, later

    def slow_down(self, claimed: Claimed, now: float) -> None:
        """Treat a domain with care from now on; without a limiter there is nobody to remember it."""
        if self.limiter is None:
            return
        name = domain_of(claimed)
        self.slowed.add(name)
        domain = self.domains.get(name)
        if domain:
            # What was granted at the old rate is void.
            domain.gate = Gate(domain_key(name), Limit(per_second=domain.limit.per_second))
        share = sum(domain_of(each) == name for each in self.recent) / max(1, len(self.recent))
        seconds = max(now - (self.began_at or now), 1.0)
        self.slowing[domain_key(name)] = max(LEAST_RATE, share * self.begun / seconds)

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

    def admit(self, grants: Mapping[str, Grant], now: float) -> None:
        """Take in what the limiter granted."""
        for gate in self._gates():
            if gate.key in grants:
                gate.admit(grants[gate.key], now)

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
        limit = self.limits.get(name) or self.limits.get("*") or DomainLimit()
        if not limit and name not in self.slowed:
            return None
        paced = self.limiter and (limit.per_second or name in self.slowed)
        gate = Gate(domain_key(name), Limit(per_second=limit.per_second)) if paced else None
        return self.domains.setdefault(name, Domain(name, limit, gate))

    def _gates(self) -> list[Gate]:
        gates = [lane.gate for lane in self.lanes] + [domain.gate for domain in self.domains.values()]
        return [gate for gate in gates if gate]
