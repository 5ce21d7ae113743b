"""What stands before every route: sizes, host names, where a form came from, headers, the access log."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.config import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from newsletter.config import Settings

LONGEST_BODY = 65536
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
TOKENED = re.compile(r"^(/(?:confirm|unsubscribe|preferences)/)[^/]+")
ONE_CLICK = re.compile(r"^/unsubscribe/[^/]+/?$")

_log = structlog.get_logger("newsletter.web")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Guard:
    """Lets a request through to the routes, or answers for them."""

    def __init__(self, app: ASGIApp, settings: Settings, show_crash: Callable[[Request], Response]) -> None:
        """Take what comes behind, whose addresses are ours, and what is shown when a route fails."""
        self._app = app
        self._show_crash = show_crash
        base = urlsplit(settings.base_url)
        self._origin = f"{base.scheme}://{base.netloc}".lower()
        self._is_https = base.scheme == "https"
        self._hosts = {(base.hostname or "").lower(), settings.host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; a stop of the server comes by here too."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        path: str = scope["path"]
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(path, MutableHeaders(scope=message))
            await send(message)

        try:
            await self._handle(scope, receive, send_guarded)
        except Exception:  # noqa: BLE001 - a door: whatever fails is logged and shown as a page
            # Starlette would catch it further out, where neither our headers nor the access log reach.
            _log.exception("request_failed", path=TOKENED.sub(r"\1***", path))
            if not status:
                await self._show_crash(Request(scope))(scope, receive, send_guarded)
        finally:
            _log.info(
                "request",
                method=scope["method"],
                path=TOKENED.sub(r"\1***", path),
                status=int(status),
                milliseconds=round((time.monotonic() - began) * 1000),
            )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._find_refusal(scope, headers)
        if refusal is None and scope["method"] not in SAFE_METHODS:
            body = await _read_body(headers, receive)
            if body is None:
                refusal = PlainTextResponse("This is more than a form of this site holds.\n", 413)
            else:
                receive = _replay(body, receive)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # Both spellings lead to the same page without a redirect, which RFC 8058 forbids for one click.
        if len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await self._app(scope, receive, send)

    def _find_refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        path = scope["path"]
        host = headers.get("host", "").lower()
        name = urlsplit(f"//{host}").hostname or "" if _is_host(host) else ""
        if path not in {"/healthz", "/readyz"} and not self._knows(name):
            return PlainTextResponse("This server is not known by that name: see base_url.\n", 400)
        if scope["method"] in SAFE_METHODS or ONE_CLICK.match(path):
            return None
        if not self._is_ours(f"{scope['scheme']}://{host}", path, headers):
            return PlainTextResponse("This form was sent from another site, so nothing was done.\n", 403)
        return None

    def _knows(self, name: str) -> bool:
        return name in self._hosts or is_loopback(name)

    def _is_ours(self, here: str, path: str, headers: Headers) -> bool:
        """Whether a form came from a page of ours; programs that are no browsers say nothing and pass."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = headers.get("origin")
        # `null` is what browsers send from pages with no-referrer; there the token in the path is the proof.
        if origin is None or (origin == "null" and TOKENED.match(path)):
            return True
        return origin.lower() in {self._origin, here}

    def _add_headers(self, path: str, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if headers["Content-Security-Policy"].startswith("sandbox"):
            # Browsers refuse a page of its own that is both sandboxed and cut off from its opener.
            del headers["Cross-Origin-Opener-Policy"]
        if self._is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if TOKENED.match(path):
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cache-Control"] = "no-store"
            headers["X-Robots-Tag"] = "noindex"


def _is_host(host: str) -> bool:
    return re.fullmatch(r"[a-z0-9.\-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", host) is not None


async def _read_body(headers: Headers, receive: Receive) -> bytes | None:
    """Read a form whole; None where it is too large. Forms here are small, so this is simplest and safe."""
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LONGEST_BODY:
        return None
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if len(body) > LONGEST_BODY:
            return None
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
