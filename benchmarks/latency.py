"""A send through a proxy that adds a round trip of 50 ms: how many messages fit in one."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.mailing import make_mailing
from benchmarks.proxy import run_proxy
from benchmarks.servers import run_sink

ROUND_TRIP = 0.05
CONNECTIONS = 10


def measure_latency(messages: int, rounds: int) -> Iterator[Figure]:
    """Messages per second over ten connections, of which a round trip each would allow 200."""
    with make_mailing(messages) as mailing, run_sink() as sink, run_proxy(sink.port, ROUND_TRIP) as port:
        url, flags = f"smtp://127.0.0.1:{port}?tls=none", ("--connections", str(CONNECTIONS))
        mailing.send(url, *flags)
        mailing.reopen()
        _, idle = mailing.send(url, *flags)
        rates = []
        for _ in range(rounds):
            sink.count()
            mailing.reset()
            status, used = mailing.send(url, *flags)
            assert status["sent"] == sink.count() == messages, f"the ledger says {status}"
            rates.append(messages / (used - idle).seconds)
        note = f"{messages} mails, {rounds} rounds, the best"
        yield Figure("round trip of 50 ms, 10 connections", max(rates), 190, "per second", note=note)
