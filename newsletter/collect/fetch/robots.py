"""robots.txt (RFC 9309): which pages a host lets us read, and how slowly."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from newsletter.collect.fetch.faults import shown
from newsletter.collect.fetch.values import Fetched, FetchOptions, FetchRequest
from newsletter.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from protego import Protego

_MOST_BYTES: Final = 500 * 2**10
"""RFC 9309, 2.5: what a reader must be able to read of it."""
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_LONGEST_DELAY: Final = 30.0
_MOST_HOSTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class _Rules:
    """What one host says; `protego` is None where it says nothing, `why` where nothing may be read."""

    until: float
    protego: Protego | None = None
    why: str | None = None


KNOWN: dict[tuple[str, str], _Rules] = {}
"""By origin and our name, for a day (RFC 9309, 2.4); of this process."""


class Robots:
    """Asks each host once what may be read, and keeps requests for pages apart."""

    def __init__(self, follow: Callable[[FetchRequest], Awaitable[Fetched]], options: FetchOptions) -> None:
        self._follow = follow
        self._options = options
        self._name = options.user_agent.split("/", 1)[0].split(" ", 1)[0]
        self._locks: dict[str, asyncio.Lock] = {}
        self._free_at: dict[str, float] = {}

    async def check(self, url: str) -> None:
        """Raise FetchError where the host does not want the page to be read."""
        rules = await self._find_rules(url)
        if rules.why:
            raise FetchError(rules.why)
        if rules.protego is not None and not rules.protego.can_fetch(url, self._name):
            message = (
                f"{shown(url)} is not to be read by programs, says robots.txt; ask the publisher for a feed"
            )
            raise FetchError(message)

    async def wait(self, url: str) -> None:
        """Wait until the host has had its pause since the page before."""
        origin = _origin(url)
        rules = await self._find_rules(url)
        delay = self._options.page_delay_seconds
        if rules.protego is not None:
            delay = max(delay, min(float(rules.protego.crawl_delay(self._name) or 0), _LONGEST_DELAY))
        now = asyncio.get_running_loop().time()
        turn = max(now, self._free_at.get(origin, now))
        self._free_at[origin] = turn + delay
        await asyncio.sleep(turn - now)

    async def _find_rules(self, url: str) -> _Rules:
        origin = _origin(url)
        async with self._locks.setdefault(origin, asyncio.Lock()):
            known = KNOWN.get((origin, self._name))
            if known is None or known.until < time.monotonic():
                if len(KNOWN) >= _MOST_HOSTS:
                    KNOWN.clear()
                known = KNOWN[origin, self._name] = await self._fetch(origin)
            return known

    async def _fetch(self, origin: str) -> _Rules:
        from protego import Protego

        now = time.monotonic()
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                fetched = await self._follow(FetchRequest(f"{origin}/robots.txt"))
            text = fetched.body[:_MOST_BYTES].decode("utf-8", "replace")
            return _Rules(now + _DAY, Protego.parse(text))
        except Exception as error:  # noqa: BLE001 - whatever it is, what the host wants is not known
            status = error.status if isinstance(error, FetchError) else None
            is_none = status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR
            if is_none and status != HTTPStatus.TOO_MANY_REQUESTS:
                # RFC 9309, 2.3.1.3: none there means that all may be read.
                return _Rules(now + _DAY)
            # RFC 9309, 2.3.1.4: one that cannot be had means that nothing may, for now.
            why = f"{origin}/robots.txt cannot be had ({error or type(error).__name__}); pages wait"
            return _Rules(now + _HOUR, why=why)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
