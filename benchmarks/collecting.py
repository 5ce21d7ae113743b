"""How fast 1,000 feeds are collected: `python benchmarks/collecting.py [--feeds N] [--corpora DIR]`.

Against a bare httpx2 client making the same requests, and parsing against bare feedparser.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import feedparser
import httpx2

from newsletter.collect.feeds import parse_feed
from newsletter.config import Settings
from newsletter.errors import ParseError
from newsletter.publishing.collection import CollectReport, collect_sources
from newsletter.publishing.publications import PublicationChanges, add_publication
from newsletter.publishing.sources import NewSource, add_source
from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ITEMS = 10
ROUNDS = 3
_TAG = '"1"'


def make_feed(number: int) -> bytes:
    """A feed of ten articles."""
    items = "".join(
        f"<item><title>Story {item} of paper {number}</title>"
        f"<link>https://paper{number}.example/{item}</link>"
        f"<guid>{number}-{item}</guid><pubDate>{format_datetime(NOW)}</pubDate>"
        f"<description>&lt;p&gt;{'The council votes on the new quay. ' * 14}&lt;/p&gt;</description></item>"
        for item in range(ITEMS)
    )
    channel = f"<channel><title>Paper {number}</title>{items}</channel>"
    return f'<?xml version="1.0"?><rss version="2.0">{channel}</rss>'.encode()


class _Server(asyncio.Protocol):
    """Answers 304 to whoever knows the version, in as little as Python can."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while b"\r\n\r\n" in self.data:
            head, self.data = self.data.split(b"\r\n\r\n", 1)
            self.transport.write(_answer(head))  # type: ignore[attr-defined]  # a transport of a socket


def _answer(head: bytes) -> bytes:
    if _TAG.encode() in head:
        return f"HTTP/1.1 304 Not Modified\r\nETag: {_TAG}\r\nContent-Length: 0\r\n\r\n".encode()
    number = int(head.split(b" ", 2)[1].lstrip(b"/") or 0)
    body = make_feed(number)
    kind, size = "Content-Type: application/rss+xml", f"Content-Length: {len(body)}"
    return f"HTTP/1.1 200 OK\r\nETag: {_TAG}\r\n{kind}\r\n{size}\r\n\r\n".encode() + body


def _serve(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def run_server() -> Iterator[int]:
    """Serve feeds from a process of their own; the port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join(10)


async def ask_bare(urls: list[str], connections: int) -> None:
    """The same conditional requests with nothing around them."""
    slots = asyncio.Semaphore(connections)
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:

        async def ask(url: str) -> None:
            async with slots:
                answer = await client.get(url, headers={"If-None-Match": _TAG})
                assert answer.status_code == httpx2.codes.NOT_MODIFIED

        await asyncio.gather(*map(ask, urls))


def measure(
    work: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of the fastest of some rounds."""
    found = []
    for _ in range(rounds):
        start = clock()
        work()
        found.append(clock() - start)
    return min(found)


def compare_collecting(folder: Path, feeds: int) -> dict[str, float]:
    """Collect from so many feeds that have nothing new."""
    settings = Settings(database_url=f"sqlite:///{folder / 'feeds.db'}", secret_key="k" * 32)  # type: ignore[arg-type]  # pydantic makes it secret
    database = Database(settings.database_url)
    upgrade_schema(database)
    changes = PublicationChanges(name="Papers", sender="Papers <desk@example.org>")
    add_publication(database, settings, "papers", changes, now=NOW)
    with run_server() as port:
        urls = [f"http://127.0.0.1:{port}/{number}" for number in range(feeds)]
        for url in urls:
            add_source(database, settings, None, NewSource(url), now=NOW)

        def collect() -> CollectReport:
            return collect_sources(database, settings, None, now=NOW)

        first = measure(collect, 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ours = measure(collect)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        report = collect()
        assert (report.new, report.unchanged, report.failed) == (0, feeds * ITEMS, [])
        bare = measure(lambda: asyncio.run(ask_bare(urls, 20)))
    return {
        "feeds": feeds,
        "new, seconds": first,
        "304, seconds": ours,
        "bare httpx2, seconds": bare,
        "share of the bare rate": bare / ours,
        "memory grown by, MiB": (after - before) / 1024,
    }


def compare_parsing(documents: list[bytes]) -> dict[str, float]:
    """Parse the same feeds as bare feedparser does: bytes in, with its own cleaning."""

    def ours() -> None:
        for data in documents:
            try:
                parse_feed(data)
            except ParseError:
                continue

    def theirs() -> None:
        for data in documents:
            feedparser.parse(io.BytesIO(data))

    # Of the processor: what else the machine does makes no difference then.
    mine, bare = (measure(work, clock=time.process_time) for work in (ours, theirs))
    return {
        "documents": len(documents),
        "ours, seconds": mine,
        "feedparser, seconds": bare,
        "ratio": mine / bare,
    }


def read_corpora(folder: Path) -> list[bytes]:
    """The captured feeds among the shared test material."""
    found = []
    for corpus in sorted(folder.glob("feeds-*")):
        for line in (corpus / "cases.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            if case["kind"] == "captured":
                found += [
                    (corpus / each["path"]).read_bytes() for each in case["files"] if each["role"] == "input"
                ]
    return found


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--corpora", type=Path, help="captured feeds to parse too")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        figures = {"collecting": compare_collecting(Path(folder), chosen.feeds)}
    figures["parsing"] = compare_parsing([make_feed(number) for number in range(50)])
    if chosen.corpora:
        figures["parsing captured feeds"] = compare_parsing(read_corpora(chosen.corpora))
    for name, values in figures.items():
        for label, value in values.items():
            sys.stdout.write(f"{name}: {label}: {value:.3g}\n")


if __name__ == "__main__":
    main()
