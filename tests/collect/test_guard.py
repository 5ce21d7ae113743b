"""Which addresses may be reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import httpcore2
import pytest

from newsletter.collect.fetch import FetchOptions, FetchRequest, fetch_sources
from newsletter.collect.fetch.guard import GuardedBackend, is_public
from newsletter.errors import FetchError
from tests.collect.corpus import list_items


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.192",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "0.1.2.3",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.5",
        "192.88.99.1",
        "168.63.129.16",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
)
def test_addresses_of_the_public_internet_are_not(address: str) -> None:
    assert is_public(address)


def test_a_port_of_no_web_server_is_refused() -> None:
    with pytest.raises(httpcore2.ConnectError, match="port 25 is refused"):
        asyncio.run(GuardedBackend().connect_tcp("93.184.216.34", 25, timeout=1))


@pytest.mark.parametrize(("place", "is_reached"), [(4, True), (5, False)])
def test_of_many_addresses_four_are_tried(
    monkeypatch: pytest.MonkeyPatch, place: int, *, is_reached: bool
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", partial(resolve, socket.getaddrinfo))

    async def connect(port: int) -> None:
        stream = await GuardedBackend(frozenset({"many.example"})).connect_tcp(
            "many.example", port, timeout=5
        )
        await stream.aclose()

    with socket.create_server((f"127.0.0.{place}", 0)) as server:
        reaching = nullcontext() if is_reached else pytest.raises(httpcore2.ConnectError)
        with reaching:
            asyncio.run(connect(server.getsockname()[1]))


def resolve(really: Callable[..., Any], host: str, port: int, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - as the socket module's
    """Tell that one name has eight addresses; only loopback can be reached from here."""
    if host != "many.example":
        return really(host, port, *rest, **more)
    return [really(f"127.0.0.{number}", port, *rest, **more)[0] for number in range(1, 9)]


def test_addresses_that_attackers_write_are_refused_without_a_connection() -> None:
    urls = [
        item["url"]
        for item in list_items("hostile-urls-ssrf")
        if item["must_refuse"] and "://" in item["url"]
    ]
    found = fetch_sources([FetchRequest(url) for url in urls], FetchOptions("test", timeout_seconds=5))

    assert len(urls) > 50
    assert [url for url, result in zip(urls, found, strict=True) if not isinstance(result, FetchError)] == []
