"""Many sources at once: conditional, bounded, guarded against private addresses."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpx2

from newsletter.collect.fetch.guard import GuardedBackend
from newsletter.collect.fetch.values import Fetched, FetchOptions, FetchRequest
from newsletter.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT: Final = frozenset({301, 308})
_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8,"
    " text/xml;q=0.8, text/html;q=0.6, */*;q=0.3"
)
_LONGEST_WAIT: Final = 30 * 86_400.0


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
        self._client = _make_client(options)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.enter_async_context(self._client)
        return self

    async def fetch(self, request: FetchRequest) -> Fetched | FetchError:
        """Fetch one source once there is room for it; the clock starts then."""
        host = _host(request.url)
        async with self._hosts.setdefault(host, asyncio.Semaphore(self._options.per_host)), self._slots:
            try:
                async with asyncio.timeout(self._options.timeout_seconds):
                    return await self._follow(request)
            except FetchError as error:
                return error
            except Exception as error:  # noqa: BLE001 - one bad address must never stop the others
                return self._explain(request.url, error)

    async def _follow(self, request: FetchRequest) -> Fetched:
        url, moved_to, permanent = request.url, None, True
        for _ in range(_MOST_REDIRECTS + 1):
            _check_url(url)
            answer = await self._get(url, request)
            if isinstance(answer, Fetched):
                return _as_moved(answer, request.url, moved_to, url)
            status, target = answer
            permanent = permanent and status in _PERMANENT
            url = _without_fragment(httpx2.URL(url).join(target))
            moved_to = url if permanent else moved_to
        message = f"{_shown(request.url)} redirects more than {_MOST_REDIRECTS} times: check the address"
        raise FetchError(message)

    async def _get(self, url: str, request: FetchRequest) -> Fetched | tuple[int, str]:
        headers = {}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        async with self._client.stream("GET", url, headers=headers) as response:
            location = response.headers.get("location")
            if response.status_code in _REDIRECTS and location:
                return response.status_code, location
            _check_status(url, response)
            not_modified = response.status_code == HTTPStatus.NOT_MODIFIED
            body = b"" if not_modified else await self._read(url, response)
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
                retry_after=_retry_after(response),
            )

    async def _read(self, url: str, response: httpx2.Response) -> bytes:
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
            message = f"{_shown(url)} is larger than {limit / 1e6:g} MB: is it a feed? Check the address"
            raise FetchError(message)
        return b"".join(pieces)

    def _explain(self, url: str, error: Exception) -> FetchError:
        name = _shown(url)
        if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
            seconds = self._options.timeout_seconds
            if isinstance(error, (httpx2.ConnectTimeout, httpx2.PoolTimeout)):
                seconds = self._options.connect_seconds
            text = (
                f"{name} did not answer in full within {seconds:g} seconds: the server is slow"
                f" or down; try again later"
            )
        elif isinstance(error, httpx2.ConnectError):
            cause = str(error) or "the server refuses connections"
            is_tls = isinstance(_root(error), ssl.SSLError)
            advice = (
                "its certificate or TLS is at fault; check the address" if is_tls else "check the address"
            )
            text = f"{name} cannot be reached ({cause}): {advice}"
        elif isinstance(error, httpx2.DecodingError):
            text = (
                f"{name} sent a body that is not compressed as it says: tell the publisher, or"
                f" try again later"
            )
        elif isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError)):
            text = f"{name} is not an address that can be fetched ({error}): expected http:// or https://"
        else:
            text = f"{name} broke off ({type(error).__name__}: {error}): try again later"
        failure = FetchError(text)
        failure.__cause__ = error
        return failure


def _make_client(options: FetchOptions) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(
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
            f"{_shown(url)} is not an address that can be fetched: expected http:// or https:// and a host"
        )
        raise FetchError(message)


_ADVICE: Final = {
    401: "it wants a login, which sources cannot give; use a public address",
    403: "it refuses us; ask the publisher to allow our User-Agent",
    404: "check the address or remove the source",
    410: "the publisher has closed it for good; remove the source",
    429: "it is asked too often; it will be left alone for a while",
}


def _check_status(url: str, response: httpx2.Response) -> None:
    status = response.status_code
    if response.is_success or status == HTTPStatus.NOT_MODIFIED:
        return
    try:
        reason = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        reason = str(status)
    is_server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    advice = _ADVICE.get(
        status, "the server is at fault; try again later" if is_server else "check the address"
    )
    error = FetchError(f"{_shown(url)} answered {reason}: {advice}")
    error.status = status
    error.retry_after = _retry_after(response)
    raise error


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds from now; a date counts from the server's own clock, so that ours does not matter."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value[:12]), _LONGEST_WAIT)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(response.headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return None


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


def _shown(url: str) -> str:
    """The address without a password, and not longer than a line of a log."""
    try:
        parts = urlsplit(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        bare = url
    return "".join(char if char.isprintable() else "�" for char in bare[:300])


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
