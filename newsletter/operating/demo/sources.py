"""The sample sources over real HTTP on this machine: feeds, pictures and a page for every article."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from newsletter.operating.demo.edition import Document, Edition

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
IDLE_SECONDS = 10
_NOT_FOUND = b"<!doctype html><title>Not found</title><p>No such page in Port Arden.\n"


class SampleServer:
    """Serves an edition of the samples on a free port until it is closed."""

    def __init__(self, root: Path, *, now: datetime) -> None:
        """Listen at once; `now` is aware and in the publication's zone."""
        self._server = _Server((HOST, 0), BaseHTTPRequestHandler)
        self.base = f"http://{HOST}:{self._server.server_address[1]}"
        self.edition = Edition(root, now=now, base=self.base)
        self._server.RequestHandlerClass = partial(_Handler, self.edition)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="samples", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; safe to repeat."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A reader that keeps its connection open must not hold up the end.
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "PortArden/1"
    timeout = IDLE_SECONDS

    def __init__(self, edition: Edition, *args: object) -> None:
        self._edition = edition
        super().__init__(*args)  # type: ignore[arg-type] # what the server gives to every handler

    def do_GET(self) -> None:
        """Answer with the document, or with 304 where the reader has it already."""
        document = self._edition.find_document(unquote(urlsplit(self.path).path).lstrip("/"))
        if document is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", _NOT_FOUND)
        elif self._has(document):
            self._answer(HTTPStatus.NOT_MODIFIED, None, b"", document)
        else:
            self._answer(HTTPStatus.OK, document.media_type, document.body, document)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _has(self, document: Document) -> bool:
        """Whether the reader's copy is this one (RFC 9110 13.2.2: the tag goes before the date)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return document.etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        since = self.headers.get("If-Modified-Since")
        modified = document.modified_at.replace(microsecond=0)
        try:
            return since is not None and modified <= parsedate_to_datetime(since)
        except (ValueError, TypeError, OverflowError):
            return False

    def _answer(
        self, status: HTTPStatus, media_type: str | None, body: bytes, document: Document | None = None
    ) -> None:
        self.send_response(status)
        if document is not None:
            self.send_header("ETag", document.etag)
            self.send_header(
                "Last-Modified", format_datetime(document.modified_at.astimezone(UTC), usegmt=True)
            )
            self.send_header("Cache-Control", "no-cache")
        if media_type is not None:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the terminal belongs to the demo's own lines."""
