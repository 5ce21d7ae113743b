"""Which network addresses an outgoing request may reach."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

import httpcore2

if TYPE_CHECKING:
    from collections.abc import Iterable

_REFUSED: Final = tuple(
    ip_network(network)
    # is_global says yes to all of these: IPv4 inside IPv6 in its several forms, and ranges of no public use.
    for network in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "::/96",
        "::ffff:0:0:0/96",
        "100::/64",
        "fec0::/10",
        "5f00::/16",
        "3fff::/20",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "0.0.0.0/8",
    )
)
_MOST_TRIES: Final = 4


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    Refused are loopback, private, link-local, carrier-grade NAT, multicast, unspecified and reserved ranges
    (IANA special-purpose registries, RFC 6890), IPv4 addresses carried in IPv6 ones, and a cloud's own
    address.
    """
    ip: IPv4Address | IPv6Address = ip_address(address.split("%", 1)[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    return not any(ip in network for network in _REFUSED if network.version == ip.version)


class RefusedAddressError(httpcore2.ConnectError):
    """The address is not one of the public internet, or the port is none of the web's."""


class GuardedBackend(httpcore2.AnyIOBackend):
    """Opens connections to public addresses only.

    The name is resolved here and the connection made to the address that was judged, so a name that answers
    differently the next moment gains nothing. Every redirect and every spelling of an address comes through
    here.
    """

    def __init__(
        self, allowed_hosts: frozenset[str] = frozenset(), ports: frozenset[int] = frozenset({80, 443})
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._ports = ports

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect as the library's own backend does, or raise ConnectError with a sentence."""
        addresses = await self._resolve(host, port)
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses[:_MOST_TRIES]:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, ValueError) as error:
            message = f"the name {host} cannot be found"
            raise httpcore2.ConnectError(message) from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if "*" in self._allowed or host.lower() in self._allowed:
            return addresses
        # One private address among public ones is the sign of an attack, so all must be public.
        if private := [address for address in addresses if not is_public(address)]:
            message = (
                f"{host} is at {private[0]}, which is not a public address: allow the host if it is meant"
            )
            raise RefusedAddressError(message)
        if port not in self._ports:
            message = f"port {port} is refused: allow the host if it is meant"
            raise RefusedAddressError(message)
        return addresses
