"""Every stage by every action, pipelined and in lockstep, on one connection and on four.

The server keeps its own truth, and that is the oracle: nothing is lost, nothing comes twice, the ledger
says `sent` of what was accepted and `uncertain` only where nobody can know.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import pytest

from newsletter.deliver.route import Route, Timeouts
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import check_truth, make_addresses, make_route, send
from tests.support.smtp_fixtures import Certificates
from tests.support.smtp_server import (
    CHANGING_CODE,
    CLOSE,
    DEAF,
    GARBAGE,
    HALF_CLOSE,
    LONG_LINE,
    RESET,
    SILENCE,
    TRICKLE,
    Action,
    Fault,
    SmtpServer,
    late,
    raw,
    reply,
)

OPENING = ("accept", "banner", "ehlo", "starttls", "ehlo2", "auth")
TRANSACTION = ("mail", "rcpt", "data", "body", "dot", "after_dot")
STAGES = (*OPENING, *TRANSACTION, "rset", "quit", "idle")
CODES = (250, 421, 450, 451, 452, 454, 500, 503, 521, 535, 550, 552, 553, 554, 556)
ACTIONS: dict[str, Action] = {
    **{f"{code}": reply(code) for code in CODES},
    **{f"{code} {code // 100}.3.0": reply(code, f"{code // 100}.3.0 so it is") for code in CODES},
    "several lines": reply(250, "2.0.0 one", "2.0.0 two", "2.0.0 three"),
    "LF alone": raw(b"250 ok\n"),
    "two replies": raw(b"250 ok\r\n354 go on\r\n"),
    "a flood": raw(b"250 ok\r\n" * 2000),
    "a long line": LONG_LINE,
    "octets of no text": raw(b"250 \x00\xff\xfe\r\n"),
    "garbage": GARBAGE,
    "a changing code": CHANGING_CODE,
    "half a line": raw(b"250 o"),
    "one octet at a time": TRICKLE,
    "late": late(0.02),
    "silence": SILENCE,
    "deaf": DEAF,
    "close": CLOSE,
    "reset": RESET,
    "half-close": HALF_CLOSE,
}
SECURE = {"starttls", "ehlo2", "auth"}
MUTE = {"silence", "deaf", "half a line"}
FIELDS = {
    "accept": "banner",
    "banner": "banner",
    "data": "data",
    "body": "dot",
    "dot": "dot",
    "after_dot": "dot",
}
SLICE = 100


@dataclass(frozen=True)
class Case:
    """One cell of the product."""

    stage: str
    name: str
    pipelining: bool
    connections: int

    @property
    def action(self) -> Action:
        return ACTIONS[self.name]

    @property
    def code(self) -> int:
        """Of a plain reply, else 0."""
        return int(self.name[:3]) if self.name[:3].isdigit() else 0

    @property
    def is_lie(self) -> bool:
        """Whether the server refuses what it then accepts: no client can see through that."""
        return (self.stage == "after_dot" and self.code >= 400) or (self.stage == "body" and self.code > 421)

    def may_be_uncertain(self) -> bool:
        shifted = self.pipelining and self.stage == "rcpt" and self.name == "two replies"
        return shifted or self.stage in {"body", "dot", "after_dot"}

    def refusals(self) -> set[str]:
        """The states that one message may end in because it was refused."""
        if self.stage == "idle" and self.code > 421:
            # Where it comes in the place of MAIL's reply, it is MAIL's reply.
            return {"deferred"}
        if self.stage not in {"mail", "rcpt", "data", "dot"} or self.code in {0, 250, 421}:
            return set()
        if self.code < 500:
            return {"deferred"}
        return set() if self.stage == "mail" else {"failed", "deferred"}


def list_cases(stages: tuple[str, ...] = STAGES) -> Iterator[Case]:
    for cell in product(stages, ACTIONS, (True, False), (1, 4)):
        if not Case(*cell).is_lie:
            yield Case(*cell)


def make_server(case: Case, certificates: Certificates) -> SmtpServer:
    script = [Fault(case.stage, 2 if case.connections == 4 else 1, case.action)]
    if case.stage == "rset":
        script = [Fault("rcpt", 2, reply(550, "5.1.1 gone")), Fault("rset", 1, case.action)]
    if case.stage in SECURE:
        return SmtpServer(script, tls="starttls", context=certificates.good, login=("me", "secret"))
    return SmtpServer(script)


def make_way(case: Case, server: SmtpServer, certificates: Certificates) -> Route:
    """The route, impatient only where the fault is that nothing comes."""
    patience = Timeouts(connect=5, banner=5, command=5, data=5, block=5, dot=5, quit=0.1)
    if case.name in MUTE:
        patience = replace(patience, **{FIELDS.get(case.stage, "command"): 0.4})
    if case.stage == "starttls":
        patience = replace(patience, connect=0.4)
    route = replace(make_route(server, patience, case.connections), pipelining=case.pipelining)
    if case.stage in SECURE:
        route = replace(route, user="me", password="secret", cafile=certificates.cafile)
    return route


def check(case: Case, certificates: Certificates) -> None:
    total = 12 if case.connections == 4 else 5
    ledger = MemoryLedger(make_addresses(total))
    with make_server(case, certificates) as server:
        outcome = send(ledger, make_way(case, server, certificates))
    counts = ledger.count()

    check_truth(ledger, server)
    assert counts["claimed"] == counts["dot_sent"] == counts["skipped"] == 0
    assert not counts["queued"] or outcome.error
    assert outcome.error is None or case.stage in OPENING
    assert (outcome.sent, outcome.deferred, outcome.failed, outcome.uncertain) == (
        *(counts[state] for state in ("sent", "deferred", "failed", "uncertain")),
    )
    assert counts["uncertain"] <= case.may_be_uncertain()
    gone = {"failed"} if case.stage == "rset" else set()
    assert {"deferred", "failed"} & set(counts) <= case.refusals() | gone
    assert counts["deferred"] + counts["failed"] <= 1
    assert outcome.error or counts["sent"] >= total - 1
    assert max(ledger.attempts.values()) <= 1


def test_a_slice_of_stages_and_actions_keeps_the_ledger_true(certificates: Certificates) -> None:
    cases = [case for case in list_cases() if case.name not in MUTE]
    mute = [case for case in list_cases() if case.name in MUTE]
    chance = random.Random(20261125)
    for case in [*chance.sample(cases, SLICE), *chance.sample(mute, 4)]:
        try:
            check(case, certificates)
        except AssertionError as error:
            raise AssertionError(f"{case}") from error


@pytest.mark.deep
@pytest.mark.parametrize("stage", STAGES)
def test_every_action_at_a_stage_keeps_the_ledger_true(stage: str, certificates: Certificates) -> None:
    failures = []
    for case in list_cases((stage,)):
        try:
            check(case, certificates)
        except AssertionError as error:
            failures.append(f"{case}: {error}")

    assert failures == []
