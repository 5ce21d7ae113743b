"""What delivery asks of the ledger, which is the truth about who got the issue."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from newsletter.content import Claimed, Verdict


class Ledger(Protocol):
    """One row per (issue, subscriber), seen through one process's claims.

    All calls are plain functions, come from one thread of the engine's own, never two at once, and
    are durable when they return, or at the end of the transaction around them. Each may raise
    DatabaseError: the engine then begins nothing new, keeps in memory what it knows, and makes the
    same call again; so each must be safe to repeat.
    """

    def transaction(self) -> AbstractContextManager[object]:
        """Have all calls inside be one commit, or none of them where one raises.

        A call outside is a commit by itself; inside, what it says is durable only after the end.
        """
        ...

    def claim(self, limit: int) -> list[Claimed]:
        """Take at most `limit` deliveries that are due, as `claimed` under this process's token.

        Returns:
            Nothing where nothing is due now or the issue is paused; never what this process holds.
        """
        ...

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        """Record what became of deliveries, and that the bodies of others are about to be written.

        Of one that is among both, as where a server refused its recipient, the verdict alone counts.

        Args:
            verdicts: `sent`, `deferred`, `failed` or `uncertain`, from `claimed` and from `dot_sent`. One
                whose claim no longer holds is dropped.
            ids: `claimed` to `dot_sent`.

        Returns:
            The ids whose claim still holds, those already `dot_sent` by this process among them. Any
            other is not sent but released: its subscriber left, the issue was paused or cancelled, or
            another process took it over.
        """
        ...

    def release(self, ids: Collection[int]) -> None:
        """Give back what certainly did not go out, from `claimed` or `dot_sent`: to `queued` at once.

        The attempt does not count. A delivery whose claim no longer holds is left as it is.
        """
        ...

    def postpone(self, waits: Mapping[int, float]) -> None:
        """The same, but none may be claimed again before so many seconds are over: from id to those."""
        ...

    def should_stop(self) -> bool:
        """Tell whether the issue was paused or cancelled; asked about once a second."""
        ...
