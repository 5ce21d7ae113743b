"""The ledger that delivery is tested with keeps the promises of the real one."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.content import DeliveryState
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import make_addresses
from tests.support.ledger_contract import LedgerContract, Subject


@dataclass
class MemorySubject:
    """A memory ledger and what may happen to it from outside."""

    ledger: MemoryLedger

    def other(self) -> MemoryLedger:
        return self.ledger.share()

    def read_state(self, delivery_id: int) -> tuple[DeliveryState, int]:
        return self.ledger.states[delivery_id], self.ledger.attempts[delivery_id]

    def take_away(self, delivery_id: int) -> None:
        self.ledger.states[delivery_id] = "skipped"

    def pause(self) -> None:
        self.ledger.stops = True


class TestMemoryLedger(LedgerContract):
    """The contract, on the memory ledger."""

    def make_subject(self, count: int) -> Subject:
        return MemorySubject(MemoryLedger(make_addresses(count)))
