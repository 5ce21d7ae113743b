"""Asks every address of a mail whether it is there: side by side, and never inside the own network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from newsletter.collect.fetch.guard import GuardedBackend, RefusedAddressError
from newsletter.review.outside import LinkAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_HOPS: Final = 8
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BAD: Final = 400


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How to ask; times in seconds."""

    user_agent: str
    each_seconds: float = 8.0
    """For one address, redirects included."""
    total_seconds: float = 20.0
    """For all of them."""
    connections: int = 12
    per_host: int = 2
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that may have private addresses and any port; "*" for all."""


def probe_links(urls: Sequence[str], options: ProbeOptions) -> list[LinkAnswer]:
    """Ask each address once.

    HEAD first; where a site answers that badly, GET for the first octet. The body is never read.

    Args:
        urls: http and https addresses.
        options: limits and the name to go by.

    Returns:
        One answer per address, in order. What had no turn within the total time says so as its error.
    """
    return asyncio.run(_probe_all(urls, options))


async def _probe_all(urls: Sequence[str], options: ProbeOptions) -> list[LinkAnswer]:
    slots = asyncio.Semaphore(options.connections)
    hosts: dict[str, asyncio.Semaphore] = {}
    async with _make_client(options) as client:

        async def probe(url: str) -> LinkAnswer:
            host = _host(url)
            async with hosts.setdefault(host, asyncio.Semaphore(options.per_host)), slots:
                return await _probe_one(client, url, options.each_seconds)

        tasks = [asyncio.create_task(probe(url)) for url in urls]
        if tasks:
            await asyncio.wait(tasks, timeout=options.total_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    late = f"it had no turn within {options.total_seconds:g} seconds for all links"
    return [
        LinkAnswer(url, error=late) if task.cancelled() else task.result()
        for url, task in zip(urls, tasks, strict=True)
    ]


async def _probe_one(client: httpx2.AsyncClient, url: str, seconds: float) -> LinkAnswer:
    try:
        async with asyncio.timeout(seconds):
            answer = await _follow(client, "HEAD", url)
            if answer.status is not None and answer.status >= _BAD:
                answer = await _follow(client, "GET", url)
            return answer
    except Exception as error:  # noqa: BLE001 - one bad address must never stop the others
        return _explain(url, error, seconds)


async def _follow(client: httpx2.AsyncClient, method: str, url: str) -> LinkAnswer:
    hops: list[str] = []
    at = url
    while True:
        headers = {"Range": "bytes=0-0"} if method == "GET" else {}
        async with client.stream(method, at, headers=headers) as response:
            target = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not target:
                return _as_answer(url, tuple(hops), response)
        at = str(httpx2.URL(at).join(target).copy_with(fragment=None))
        if at in hops or len(hops) == _MOST_HOPS:
            return LinkAnswer(url, hops=tuple(hops), error=f"it redirects without end, to {at}")
        hops.append(at)


def _as_answer(url: str, hops: tuple[str, ...], response: httpx2.Response) -> LinkAnswer:
    # `Content-Range: bytes 0-0/81234` tells the whole size where only one octet was asked for.
    whole = response.headers.get("content-range", "").rpartition("/")[2]
    length = whole or response.headers.get("content-length", "")
    return LinkAnswer(
        url,
        status=response.status_code,
        hops=hops,
        content_type=response.headers.get("content-type"),
        size=int(length) if length.isdecimal() and len(length) < 16 else None,  # noqa: PLR2004 - a size, not a joke
    )


def _explain(url: str, error: Exception, seconds: float) -> LinkAnswer:
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        return LinkAnswer(url, error=f"it did not answer within {seconds:g} seconds")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RefusedAddressError):
            return LinkAnswer(url, error=str(cause).partition(": allow")[0], is_refused=True)
        cause = cause.__cause__ or cause.__context__
    return LinkAnswer(url, error=str(error) or type(error).__name__)


def _make_client(options: ProbeOptions) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(
        trust_env=False, limits=httpx2.Limits(max_connections=options.connections)
    )
    transport._pool._network_backend = GuardedBackend(options.allowed_hosts)  # noqa: SLF001 - the one way in; a test proves that it is called
    client = httpx2.AsyncClient(
        transport=transport,
        headers={"User-Agent": options.user_agent, "Accept": "*/*"},
        timeout=httpx2.Timeout(options.each_seconds),
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
