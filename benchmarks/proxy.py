"""A TCP proxy that gives what passes it later, each way by half of a round trip; bandwidth is not limited."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import cast

from benchmarks.servers import find_port, wait_for


def measure_round_trip(port: int, times: int = 20) -> float:
    """The seconds from a command to its reply, as the median of so many."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as replies:
        replies.readline()
        took = []
        for _ in range(times):
            began = time.perf_counter()
            connection.sendall(b"NOOP\r\n")
            replies.readline()
            took.append(time.perf_counter() - began)
    return median(took)


@contextmanager
def run_proxy(target: int, seconds: float) -> Iterator[int]:
    """Start a proxy before a port of this machine, in a process of its own; its port."""
    port = find_port()
    command = [sys.executable, "-m", "benchmarks.proxy", str(port), str(target), str(seconds)]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1])
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class _Side(asyncio.Protocol):
    """One side of a connection; what it hears the other side says later."""

    def __init__(self, delay: float, target: int | None = None) -> None:
        self.other: _Side | None = None
        self.transport: asyncio.Transport | None = None
        self._delay, self._target = delay, target
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._target is not None:
            self._connecting = asyncio.create_task(self._connect(self._target))

    async def _connect(self, target: int) -> None:
        other = _Side(self._delay)
        other.other, self.other = self, other
        await asyncio.get_running_loop().create_connection(lambda: other, "127.0.0.1", target)
        for data in self._early:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            asyncio.get_running_loop().call_later(self._delay, self.other.say, data)

    def say(self, data: bytes) -> None:
        """Pass on what the other side heard."""
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.other and self.other.transport:
            asyncio.get_running_loop().call_later(self._delay, self.other.transport.close)


async def _serve(port: int, target: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Side(seconds / 2, target), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
