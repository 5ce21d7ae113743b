"""Random scripts of faults: whatever the server does, its truth and the ledger agree."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.content import Claimed
from newsletter.deliver.session import Outgoing
from tests.deliver.memory_ledger import MemoryLedger
from tests.deliver.sending import OPTIONS, build, check_truth, make_addresses, make_route, send
from tests.support.smtp_server import (
    CHANGING_CODE,
    CLOSE,
    GARBAGE,
    RESET,
    TRICKLE,
    Action,
    Fault,
    SmtpServer,
    reply,
)

COUNT = 15
# With few messages and many faults the route would be given up, pipelined or not.
PATIENT = replace(OPTIONS, connect_failures=100)
NEGATIVE = [
    reply(421, "4.3.2 closing"),
    reply(450, "4.2.0 later"),
    reply(451),
    reply(452, "4.5.3 too many"),
    reply(550, "5.1.1 gone"),
    reply(552),
    reply(554, "5.7.1 policy"),
]
BROKEN = [GARBAGE, CHANGING_CODE, CLOSE, RESET, TRICKLE]


def make_faults(stages: list[str], actions: list[Action]) -> st.SearchStrategy[Fault]:
    return st.builds(Fault, st.sampled_from(stages), st.integers(1, COUNT), st.sampled_from(actions))


FAULTS = st.one_of(
    make_faults(["rcpt", "data", "dot"], NEGATIVE + BROKEN),
    make_faults(["accept", "banner", "ehlo", "mail", "body", "after_dot", "rset", "quit", "idle"], BROKEN),
)


@given(st.lists(FAULTS, max_size=8), st.integers(1, 4))
def test_server_and_ledger_agree_after_any_script(script: list[Fault], connections: int) -> None:
    with SmtpServer(script) as server:
        ledger = MemoryLedger(make_addresses(COUNT))
        outcome = send(ledger, make_route(server, connections=connections))

    check_truth(ledger, server)
    counts = ledger.count()
    assert counts["claimed"] == counts["dot_sent"] == 0
    assert not counts["queued"] or outcome.error
    assert (outcome.sent, outcome.deferred, outcome.failed, outcome.uncertain) == (
        counts["sent"],
        counts["deferred"],
        counts["failed"],
        counts["uncertain"],
    )
    lost = sum(fault.stage in {"body", "dot", "after_dot"} for fault in script)
    assert counts["uncertain"] <= lost


def build_with_own_sender(claimed: Claimed) -> Outgoing:
    """A message whose MAIL command, too, tells whose it is."""
    return replace(build(claimed), sender=f"news-for-{claimed.recipient.email}")


FATES = st.one_of(
    st.tuples(st.just("mail"), st.sampled_from([reply(451, "4.3.0 later"), reply(452)])),
    st.tuples(st.sampled_from(["rcpt", "data", "dot"]), st.sampled_from(NEGATIVE[1:])),
    st.tuples(st.sampled_from(["rcpt", "dot", "after_dot"]), st.sampled_from([CLOSE, RESET])),
)


@settings(max_examples=settings().max_examples // 3)
@given(st.dictionaries(st.integers(1, COUNT), FATES, max_size=COUNT), st.integers(1, 4))
def test_pipelined_and_in_lockstep_the_same_verdicts_make_the_same_ledger(
    fates: dict[int, tuple[str, Action]], connections: int
) -> None:
    addresses = make_addresses(COUNT)
    script = [Fault(stage, addresses[key - 1], action) for key, (stage, action) in fates.items()]
    ends = []
    for pipelining in (True, False):
        with SmtpServer(script) as server:
            ledger = MemoryLedger(addresses)
            route = replace(make_route(server, connections=connections), pipelining=pipelining)
            send(ledger, route, build=build_with_own_sender, options=PATIENT)
        check_truth(ledger, server)
        said = {key: (verdict.code, verdict.enhanced) for key, verdict in ledger.verdicts.items()}
        ends.append((ledger.states, said, ledger.attempts))

    assert ends[0] == ends[1]
