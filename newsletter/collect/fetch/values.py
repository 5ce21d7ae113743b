"""What the client is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch, and what the last answer said of its version."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    is_page: bool = False
    """A page rather than a feed: robots.txt counts, and pages of one host are fetched with a pause."""
    most_bytes: int | None = None
    """The beginning is enough, up to about so many bytes; None for the whole."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch; sizes in bytes after decompression, times in seconds."""

    user_agent: str
    """A name with a way to reach the operator, such as `Newsletter/1.0 (+https://example.org/about)`."""
    timeout_seconds: float = 20.0
    """For one source in all, redirects and body included."""
    connect_seconds: float = 5.0
    max_bytes: int = 10 * 10**6
    connections: int = 20
    per_host: int = 2
    page_delay_seconds: float = 1.0
    """Between two pages of a host, unless its robots.txt asks for more."""
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that may have private addresses and any port; "*" for all."""
    ports: frozenset[int] = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server gave."""

    url: str
    """As asked for."""
    status: int
    body: bytes
    """Decoded; empty where `not_modified`."""
    content_type: str | None = None
    charset: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    not_modified: bool = False
    moved_to: str | None = None
    """Where the source lives from now on (301 or 308), None where it has not moved for good."""
    final_url: str | None = None
    """Where the body came from after all redirects: the base of relative links."""
    retry_after: float | None = None
    """Seconds, where the server says so with a good answer."""
    max_age: float | None = None
    """Seconds for which there will be nothing new, as Cache-Control says."""
