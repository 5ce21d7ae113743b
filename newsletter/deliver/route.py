"""A route: one SMTP server, how it is reached and how much one connection may carry."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import Literal

from newsletter.deliver.limits import Limit
from newsletter.errors import ConfigError

TlsMode = Literal["implicit", "starttls", "none"]
AuthKind = Literal["password", "xoauth2"]

_HOSTNAME = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for the server at each step, in seconds (RFC 5321 4.5.3.2)."""

    connect: float = 30.0
    """For the TCP connection, and again for the TLS handshake."""
    banner: float = 300.0
    command: float = 300.0
    """EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET."""
    data: float = 120.0
    block: float = 180.0
    """For the server to take in one block of the body."""
    dot: float = 600.0
    """A short one makes duplicates: the server may have accepted what was given up."""
    quit: float = 2.0

    def __post_init__(self) -> None:
        if min(self.connect, self.banner, self.command, self.data, self.block, self.dot, self.quit) <= 0:
            raise ConfigError("an SMTP timeout is zero or negative; give seconds above 0")


@dataclass(frozen=True, slots=True)
class Route:
    """One SMTP server.

    Raises:
        ConfigError: a value could not be used, or could put a second command on the wire.
    """

    name: str
    host: str
    port: int = 25
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    """The secret of the login; with `auth="xoauth2"` the access token."""
    tls: TlsMode = "starttls"
    connections: int = 4
    messages_per_connection: int = 500
    seconds_per_connection: float = 300.0
    idle_seconds: float = 5.0
    """A connection without work is closed after this; Amazon SES closes its end after about 10 s."""
    weight: int = 1
    """Its share among the routes."""
    limit: Limit = field(default_factory=Limit)
    open_seconds: float = math.inf
    """So long after the start of the send its sending window ends."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    local_hostname: str | None = None
    """What EHLO says; None: the machine's full name, or its address as a literal."""
    cafile: str | None = None
    """PEM file of the only authorities to trust; None: those of the system."""
    auth: AuthKind = "password"
    pipelining: bool = True
    """Use it where the server offers it (RFC 2920)."""

    def __post_init__(self) -> None:
        if not _HOSTNAME.fullmatch(self.host):
            raise ConfigError(
                f"route {self.name!r}: {self.host!r} is not a host name; set the host of the URL"
            )
        if not 0 < self.port < 1 << 16:
            raise ConfigError(f"route {self.name!r}: port {self.port} is not between 1 and 65535")
        if self.local_hostname is not None and not _HOSTNAME.fullmatch(self.local_hostname):
            raise ConfigError(
                f"route {self.name!r}: local_hostname {self.local_hostname!r} is not a host name"
            )
        if (
            min(self.connections, self.messages_per_connection, self.weight) < 1
            or self.seconds_per_connection <= 0
        ):
            raise ConfigError(f"route {self.name!r}: its limits must be at least 1")
        if "\0" in f"{self.user or ''}{self.password or ''}":
            raise ConfigError(f"route {self.name!r}: user and password must not hold a NUL (RFC 4616)")

    @property
    def place(self) -> str:
        """`host:port`, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its name or address alone, without asking DNS."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
