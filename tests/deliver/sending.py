"""A send from a memory ledger to the fault server, impatient where only time would pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from newsletter.content import Claimed
from newsletter.deliver.engine import Counts, Options, Outcome, deliver
from newsletter.deliver.route import Route, Timeouts
from newsletter.deliver.session import Outgoing
from tests.deliver.memory_ledger import MemoryLedger
from tests.support.smtp_server import SmtpServer

SENDER = "news@example.org"
QUICK = Timeouts(connect=20, banner=20, command=20, data=20, block=20, dot=20, quit=0.5)
OPTIONS = Options(backoff_seconds=0.01, backoff_limit=0.05, slow_seconds=0.01, stop_seconds=0.5)

Serve = Callable[[SmtpServer], SmtpServer]


def make_route(server: SmtpServer, timeouts: Timeouts = QUICK, connections: int = 1) -> Route:
    """Make the route to a server; what else differs is for `dataclasses.replace`."""
    tls = server.tls
    return Route("main", "127.0.0.1", server.port, tls=tls, timeouts=timeouts, connections=connections)


def make_addresses(count: int, domain: str = "example.org") -> list[str]:
    """Make that many addresses, none a part of another."""
    return [f"reader-{number:05}@{domain}" for number in range(1, count + 1)]


def build(claimed: Claimed) -> Outgoing:
    """Make a message that names its delivery and holds lines that begin with dots."""
    data = f"Message-ID: <{claimed.id}@test>\r\nSubject: Weekly\r\n\r\n.one\r\n..two\r\nthree\r\n"
    return Outgoing(SENDER, claimed.recipient.email, data.encode())


def send(
    ledger: MemoryLedger,
    route: Route,
    *,
    options: Options = OPTIONS,
    build: Callable[[Claimed], Outgoing] = build,
    stop: threading.Event | None = None,
    on_progress: Callable[[Counts], None] | None = None,
) -> Outcome:
    """Run one send."""
    return deliver(ledger, [route], build, options, stop=stop, on_progress=on_progress)


def send_to(server: SmtpServer, count: int, connections: int = 1) -> tuple[MemoryLedger, Outcome]:
    """Send to so many readers."""
    ledger = MemoryLedger(make_addresses(count))
    return ledger, send(ledger, make_route(server, connections=connections))


def check_truth(ledger: MemoryLedger, server: SmtpServer) -> None:
    """Assert that ledger and server tell the same: nothing lost, nothing twice, bytes as they were made."""
    accepted = sorted(message.recipients[0] for message in server.accepted)
    sent = [ledger.addresses[key] for key, state in ledger.states.items() if state == "sent"]
    unknown = [ledger.addresses[key] for key, state in ledger.states.items() if state == "uncertain"]
    assert server.violations == []
    assert len(accepted) == len(set(accepted))
    assert set(sent) <= set(accepted) <= {*sent, *unknown}
    for message in server.accepted:
        assert len(message.recipients) == 1
        key = next(key for key, email in ledger.addresses.items() if email == message.recipients[0])
        assert message.data == build(ledger_entry(ledger, key)).data
    begun = {key for call, ids in ledger.history if call == "intend" for key in ids}
    assert {key for key, state in ledger.states.items() if state == "sent"} <= begun


def ledger_entry(ledger: MemoryLedger, key: int) -> Claimed:
    """Give a delivery as it was claimed the last time."""
    claimed = MemoryLedger([ledger.addresses[key]]).claim(1)[0]
    return replace(claimed, id=key)
