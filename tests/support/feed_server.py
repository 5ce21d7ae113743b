"""A real HTTP server on loopback that serves sources, and misbehaves when told to."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What a path answers; `etag` and `last_modified` make it conditional."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    wait_seconds: float = 0.0
    """Before the status line."""
    drip_seconds: float = 0.0
    """Between the bytes of the body."""
    endless: bool = False
    """The body is sent over and over."""
    cut_at: int | None = None
    """The connection closes after so many bytes of the body."""


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    path: str
    headers: dict[str, str]


class FeedServer:
    """Serves `answers`; a path that is not there is 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[Seen] = []
        self.busy = 0
        self.busiest = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.feeds = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes = b"", **options: Any) -> str:  # noqa: ANN401 - what Answer takes
        """Set what a path answers, and give its URL."""
        self.answers[path] = Answer(body, **options)
        return self.url(path)

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        return self.serve(path, status=status, headers={"Location": target})

    @contextmanager
    def running(self) -> Iterator[FeedServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Threads that drip for ever must not hold the end of a test.
    block_on_close = False
    feeds: FeedServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away early is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        feeds = self.server.feeds
        with feeds.lock:
            feeds.seen.append(Seen(self.path, {name.lower(): value for name, value in self.headers.items()}))
            feeds.busy += 1
            feeds.busiest = max(feeds.busiest, feeds.busy)
        try:
            self._answer(feeds.answers.get(self.path, Answer(b"nothing here", 404)))
        finally:
            with feeds.lock:
                feeds.busy -= 1

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, answer: Answer) -> None:
        if answer.wait_seconds:
            self.server.feeds.closing.wait(answer.wait_seconds)
        if self._is_known(answer):
            self._send_head(304, answer, 0)
            return
        is_plain = not answer.endless and answer.cut_at is None
        self._send_head(answer.status, answer, len(answer.body) if is_plain else None)
        self._send_body(answer)

    def _is_known(self, answer: Answer) -> bool:
        if answer.etag and self.headers.get("If-None-Match") == answer.etag:
            return True
        return bool(answer.last_modified) and self.headers.get("If-Modified-Since") == answer.last_modified

    def _send_head(self, status: int, answer: Answer, length: int | None) -> None:
        self.send_response(status)
        headers = dict(answer.headers)
        if answer.etag:
            headers["ETag"] = answer.etag
        if answer.last_modified:
            headers["Last-Modified"] = answer.last_modified
        if answer.cut_at is not None:
            headers["Content-Length"] = str(len(answer.body))
        elif length is not None:
            headers.setdefault("Content-Length", str(length))
        else:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, answer: Answer) -> None:
        if self.command == "HEAD":
            return
        if answer.drip_seconds:
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.feeds.closing.wait(answer.drip_seconds):
                    return
        elif answer.endless:
            while not self.server.feeds.closing.is_set():
                self.wfile.write(answer.body)
        else:
            self.wfile.write(answer.body[: answer.cut_at])
        if answer.cut_at is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        """Say nothing."""


def make_bomb(size: int, encoding: str) -> bytes:
    """Make a body that unpacks to `size` zero bytes."""
    packers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        "deflate": lambda: zlib.compressobj(9),
    }
    if encoding == "gzip, gzip":
        return gzip.compress(make_bomb(size, "gzip"))
    packer = packers[encoding]()
    packed = [packer.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*packed, packer.flush()])


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()
