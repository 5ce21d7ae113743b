"""Many sources at once: conditional, bounded, guarded against private addresses."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpx2

from newsletter.collect.fetch.faults import check_status, explain, read_retry_after, shown
from newsletter.collect.fetch.guard import GuardedBackend
from newsletter.collect.fetch.robots import Robots
from newsletter.collect.fetch.values import Fetched, FetchOptions, FetchRequest
from newsletter.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TOO_MANY: Final = HTTPStatus.TOO_MANY_REQUESTS
_TOO_MUCH: Final = frozenset({_TOO_MANY, HTTPStatus.SERVICE_UNAVAILABLE})
_LONGEST_AGE: Final = 10
_PERMANENT: Final = frozenset({301, 308})
_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8,"
    " text/xml;q=0.8, text/html;q=0.6, */*;q=0.3"
)


def fetch_sources(requests: Sequence[FetchRequest], options: FetchOptions) -> list[Fetched | FetchError]:
    """Fetch many sources at once.

    Args:
        requests: any number; `options.connections` at most are under way together, `options.per_host` to a
            host.
        options: limits and the name to go by.

    Returns:
        One result per request, in order. A failure is a `FetchError` in its place, whose message names the
        address, what happened and what to do; it is never raised.
    """
    return asyncio.run(_fetch_all(requests, options))


async def _fetch_all(requests: Sequence[FetchRequest], options: FetchOptions) -> list[Fetched | FetchError]:
    async with _Fetcher(options) as fetcher:
        return list(await asyncio.gather(*(fetcher.fetch(request) for request in requests)))


class _Fetcher(AsyncExitStack):
    def __init__(self, options: FetchOptions) -> None:
        super().__init__()
        self._options = options
        self._slots = asyncio.Semaphore(options.connections)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._closed: dict[str, FetchError] = {}
        self._client = _make_client(options)
        self._robots = Robots(self._follow, options)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.enter_async_context(self._client)
        return self

    async def fetch(self, request: FetchRequest) -> Fetched | FetchError:
        """Fetch one source once there is room for it; the clock starts then."""
        host = _host(request.url)
        async with self._hosts.setdefault(host, asyncio.Semaphore(self._options.per_host)), self._slots:
            try:
                if host in self._closed:
                    return _left_alone(request.url, host, self._closed[host])
                if request.is_page:
                    await self._robots.wait(request.url)
                async with asyncio.timeout(self._options.timeout_seconds):
                    return await self._follow(request)
            except FetchError as error:
                if error.status in _TOO_MUCH and (error.retry_after or error.status == _TOO_MANY):
                    self._closed[host] = error
                return error
            except Exception as error:  # noqa: BLE001 - one bad address must never stop the others
                return explain(request.url, error, self._options)

    async def _follow(self, request: FetchRequest) -> Fetched:
        url, moved_to, permanent = request.url, None, True
        for _ in range(_MOST_REDIRECTS + 1):
            _check_url(url)
            if request.is_page:
                await self._robots.check(url)
            answer = await self._get(url, request)
            if isinstance(answer, Fetched):
                return _as_moved(answer, request.url, moved_to, url)
            status, target = answer
            permanent = permanent and status in _PERMANENT
            url = _without_fragment(httpx2.URL(url).join(target))
            moved_to = url if permanent else moved_to
        message = f"{shown(request.url)} redirects more than {_MOST_REDIRECTS} times: check the address"
        raise FetchError(message)

    async def _get(self, url: str, request: FetchRequest) -> Fetched | tuple[int, str]:
        headers = {}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        if request.most_bytes:
            headers |= {"Range": f"bytes=0-{request.most_bytes - 1}", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", url, headers=headers) as response:
            location = response.headers.get("location")
            if response.status_code in _REDIRECTS and location:
                return response.status_code, location
            check_status(url, response)
            not_modified = response.status_code == HTTPStatus.NOT_MODIFIED
            body = b"" if not_modified else await self._read(url, response, request.most_bytes)
            content_type = response.headers.get("content-type")
            return Fetched(
                url=url,
                status=response.status_code,
                body=body,
                content_type=content_type,
                charset=_charset(content_type),
                etag=response.headers.get("etag") or (request.etag if not_modified else None),
                last_modified=response.headers.get("last-modified")
                or (request.last_modified if not_modified else None),
                not_modified=not_modified,
                retry_after=read_retry_after(response),
                max_age=_max_age(response),
            )

    async def _read(self, url: str, response: httpx2.Response, enough: int | None) -> bytes:
        if enough:
            return await _read_beginning(response, enough)
        limit = self._options.max_bytes
        length = response.headers.get("content-length", "")
        pieces: list[bytes] = []
        size = int(length) if length.isdecimal() and len(length) < len(str(limit)) + 9 else 0
        if size <= limit:
            size = 0
            # Decoding is lazy, so that a bomb is never unpacked beyond the limit.
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > limit:
                    break
                pieces.append(piece)
        if size > limit:
            message = f"{shown(url)} is larger than {limit / 1e6:g} MB: is it a feed? Check the address"
            raise FetchError(message)
        return b"".join(pieces)


async def _read_beginning(response: httpx2.Response, enough: int) -> bytes:
    """Read no further than is asked for, as a server need not heed the range."""
    pieces: list[bytes] = []
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        if sum(map(len, pieces)) >= enough:
            break
    return b"".join(pieces)


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Once in a process: reading the certificates of all authorities takes as long as ten requests."""
    return httpx2.create_ssl_context(trust_env=False)


def _make_client(options: FetchOptions) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(
        verify=_tls_context(),
        trust_env=False,
        limits=httpx2.Limits(
            max_connections=options.connections, max_keepalive_connections=options.connections
        ),
    )
    # Private, so a test proves that the guard is called.
    transport._pool._network_backend = GuardedBackend(options.allowed_hosts, options.ports)  # noqa: SLF001 - the one way in; a test proves that it is called
    client = httpx2.AsyncClient(
        transport=transport,
        headers={"User-Agent": options.user_agent, "Accept": _ACCEPT, "A-IM": "feed"},
        timeout=httpx2.Timeout(options.timeout_seconds, connect=options.connect_seconds),
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        message = (
            f"{shown(url)} is not an address that can be fetched: expected http:// or https:// and a host"
        )
        raise FetchError(message)


def _left_alone(url: str, host: str, cause: FetchError) -> FetchError:
    error = FetchError(f"{shown(url)} is not asked: {host} answered {cause.status} before; tried again later")
    error.status, error.retry_after = cause.status, cause.retry_after
    return error


def _max_age(response: httpx2.Response) -> float | None:
    """Seconds for which the answer stays fresh (RFC 9111, 5.2.2.1)."""
    said = response.headers.get("cache-control", "")
    found = re.search(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", said, re.IGNORECASE)
    if not found or re.search(r"no-(?:cache|store)", said, re.IGNORECASE):
        return None
    age = response.headers.get("age", "")
    return max(0.0, float(found[1]) - (float(age) if age.isdecimal() and len(age) < _LONGEST_AGE else 0.0))


def _charset(content_type: str | None) -> str | None:
    header = Message()
    header["content-type"] = content_type or ""
    return header.get_content_charset() if content_type else None


def _as_moved(answer: Fetched, asked: str, moved_to: str | None, final: str) -> Fetched:
    return replace(answer, url=asked, moved_to=moved_to, final_url=final)


def _without_fragment(url: httpx2.URL) -> str:
    return str(url.copy_with(fragment=None))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
