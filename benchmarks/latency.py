"""A send through a proxy that adds a round trip of 50 ms: how many messages fit in one."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.mailing import make_mailing
from benchmarks.proxy import measure_round_trip, run_proxy
from benchmarks.servers import run_sink

ROUND_TRIP = 0.05
CONNECTIONS = 10


def measure_latency(messages: int, rounds: int) -> Iterator[Figure]:
    """Messages over ten connections per round trip of each: at 50 ms one would be 200 per second."""
    with make_mailing(messages) as mailing, run_sink() as sink, run_proxy(sink.port, ROUND_TRIP) as port:
        url, flags = f"smtp://127.0.0.1:{port}?tls=none", ("--connections", str(CONNECTIONS))
        mailing.send(url, *flags)
        mailing.reopen()
        _, idle = mailing.send(url, *flags)
        rates, took = [], measure_round_trip(port)
        for _ in range(rounds):
            sink.count()
            mailing.reset()
            status, used = mailing.send(url, *flags)
            assert status["sent"] == sink.count() == messages, f"the ledger says {status}"
            rates.append(messages / (used - idle).seconds)
        per_trip = max(rates) * took / CONNECTIONS
        note = f"{max(rates):.1f} per second, a round trip measured {took * 1000:.1f} ms; {messages} mails"
        yield Figure("messages per round trip and connection", per_trip, 0.95, note=note)
