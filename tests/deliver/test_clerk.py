"""The ledger's clerk: what gathers during a commit, what is taken back in time, what a failure keeps."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine

import pytest

from newsletter.content import Verdict
from newsletter.deliver.clerk import Clerk
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import make_addresses, make_route, send
from tests.support.smtp_server import SmtpServer


def run(
    ledger: MemoryLedger, scenario: Callable[[Clerk], Coroutine[None, None, None]], patience: float = 5.0
) -> Clerk:
    """Run a scenario with a clerk of the ledger to its end."""

    async def whole() -> Clerk:
        clerk = Clerk(ledger, patience, lambda _verdicts, _batch: None, lambda: None)
        await scenario(clerk)
        await clerk.finish(2.0)
        return clerk

    return asyncio.run(whole())


def slow_down(ledger: MemoryLedger, call: str, seconds: float) -> None:
    """Have one kind of call take so long."""

    def wait(name: str) -> bool:
        if name == call:
            time.sleep(seconds)
        return False

    ledger.failing = wait


def test_what_comes_in_during_a_commit_goes_into_the_next_one_together() -> None:
    ledger = MemoryLedger(make_addresses(20))
    slow_down(ledger, "record", 0.1)

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(20)
        clerk.record(Verdict(1, "sent"))
        await asyncio.sleep(0.03)
        for key in range(2, 21):
            clerk.record(Verdict(key, "sent"))

    run(ledger, scenario)
    assert ledger.count() == {"sent": 20}
    assert [len(ids) for call, ids in ledger.history if call == "record"] == [1, 19]


def test_what_servers_say_within_a_few_turns_of_the_loop_is_one_commit() -> None:
    ledger = MemoryLedger(make_addresses(4))

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(4)
        for key in range(1, 5):
            clerk.record(Verdict(key, "sent"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    run(ledger, scenario)
    assert [len(ids) for call, ids in ledger.history if call == "record"] == [4]


def test_an_intent_is_not_written_after_its_delivery_was_given_back() -> None:
    ledger = MemoryLedger(make_addresses(2))
    slow_down(ledger, "record", 0.1)

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(2)
        clerk.record(Verdict(1, "sent"))
        await asyncio.sleep(0.03)
        intent = clerk.intend(2)
        await asyncio.sleep(0.01)
        clerk.release(2)
        assert await intent is False

    run(ledger, scenario)
    assert ledger.count() == {"sent": 1, "queued": 1}


def test_an_intent_that_failed_is_not_written_after_its_delivery_was_given_back() -> None:
    ledger = MemoryLedger(make_addresses(1))
    failures = iter([True] * 3)
    ledger.failing = lambda name: name == "intend" and next(failures, False)

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(1)
        intent = clerk.intend(1)
        await asyncio.sleep(0.02)
        clerk.release(1)
        assert await intent is False

    run(ledger, scenario)
    assert ledger.count() == {"queued": 1}


def test_a_claim_that_nobody_waits_for_any_more_is_given_back(smtp_server: SmtpServer) -> None:
    ledger, stop = MemoryLedger(make_addresses(5)), threading.Event()

    def stop_in_mid_claim(name: str) -> bool:
        if name == "claim":
            stop.set()
            time.sleep(0.2)
        return False

    ledger.failing = stop_in_mid_claim
    outcome = send(ledger, make_route(smtp_server), stop=stop)

    assert outcome.stopped
    assert ledger.count() == {"queued": 5}
    assert set(ledger.attempts.values()) == {0}


def test_verdicts_are_kept_through_a_failure_and_those_that_come_during_it_too() -> None:
    ledger = MemoryLedger(make_addresses(3))
    failures = iter([True] * 3)
    ledger.failing = lambda name: name == "record" and next(failures, False)

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(3)
        clerk.record(Verdict(1, "sent"))
        await asyncio.sleep(0.02)
        clerk.record(Verdict(2, "failed"))
        clerk.release(3)

    clerk = run(ledger, scenario)
    assert ledger.count() == {"sent": 1, "failed": 1, "queued": 1}
    assert (clerk.failure, clerk.unwritten) == (None, 0)


@pytest.mark.parametrize("patience", [0.1, 60.0])
def test_verdicts_that_cannot_be_written_are_counted_when_all_is_over(patience: float) -> None:
    ledger = MemoryLedger(make_addresses(2))
    ledger.failing = lambda name: name == "record"

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(2)
        clerk.record(Verdict(1, "sent"))
        clerk.record(Verdict(2, "sent"))

    clerk = run(ledger, scenario, patience)
    assert "database is locked" in str(clerk.failure)
    assert clerk.unwritten == 2


def test_after_a_failure_nothing_is_claimed_and_nothing_may_be_sent() -> None:
    ledger = MemoryLedger(make_addresses(2))
    ledger.failing = lambda name: name == "intend"

    async def scenario(clerk: Clerk) -> None:
        await clerk.claim(1)
        assert await clerk.intend(1) is False
        assert await clerk.intend(1) is False
        assert await clerk.claim(1) == 0

    run(ledger, scenario, patience=0.1)
