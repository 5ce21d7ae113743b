"""Signed messages, built beside the engine from when they are claimed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from newsletter.content import Claimed
    from newsletter.deliver.session import Outgoing
    from newsletter.publishing.mailing import Mailing

MOST_AHEAD = 1000
"""Messages kept that nobody has asked for yet; most octets of each are those of all."""
_THREADS = 4
"""More than one core can sign while the engine sends, for each waits for the interpreter again and again."""


class Workshop:
    """Builds messages in threads: an RSA signature takes longer than all else, and needs no interpreter.

    What is not begun, or was given up, is built when it is asked for.
    """

    def __init__(self, mailing: Mailing, clock: Callable[[], datetime]) -> None:
        """Take what messages are made of, and the clock that dates them."""
        self._mailing, self._clock = mailing, clock
        self._threads = ThreadPoolExecutor(_THREADS, "build") if mailing.is_signed else None
        self._begun: dict[int, Future[Outgoing]] = {}

    def begin(self, batch: Iterable[Claimed]) -> None:
        """Build these by and by, where they are signed."""
        if self._threads is None:
            return
        for claimed in batch:
            self._begun[claimed.id] = self._threads.submit(self._build, claimed)
        for key in list(self._begun)[:-MOST_AHEAD]:
            # The engine may have asked for it just now.
            if begun := self._begun.pop(key, None):
                begun.cancel()

    def finish(self, claimed: Claimed) -> Outgoing:
        """The message of a delivery; raises what building it raised."""
        begun = self._begun.pop(claimed.id, None)
        return begun.result() if begun else self._build(claimed)

    def close(self) -> None:
        """End the threads; what is not built stays so."""
        if self._threads:
            self._threads.shutdown(cancel_futures=True)

    def _build(self, claimed: Claimed) -> Outgoing:
        return self._mailing.build(claimed, self._clock())
