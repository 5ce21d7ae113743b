"""How a send goes on while it goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.deliver.engine import Counts
from newsletter.publishing.issues import IssueStatus, get_issue_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.engine import Database

PAUSE_SECONDS = 2.0
"""Between two looks at the ledger, for what other processes and machines send."""
SHARE = 50
"""Nor is more than a fiftieth of the time spent on looking: a million rows take a while to count."""


def follow_issue(
    database: Database, issue_id: int, show: Callable[[IssueStatus], None] | None
) -> Callable[[Counts], None] | None:
    """What the engine tells its counts to, so that a progress bar shows them with those of other senders."""
    return _Follower(database, issue_id, show) if show else None


class _Follower:
    def __init__(self, database: Database, issue_id: int, show: Callable[[IssueStatus], None]) -> None:
        self._database, self._issue_id, self._show = database, issue_id, show
        self._counts = Counts()
        self._base = self._read(), self._counts
        """What the ledger said, and the counts of this run that were in it."""
        self._next_at = time.monotonic() + PAUSE_SECONDS
        self._thread: threading.Thread | None = None

    def __call__(self, counts: Counts) -> None:
        """Called by the engine's own thread, which must not wait for the database."""
        self._counts = counts
        self._show(_move_on(*self._base, counts))
        if time.monotonic() >= self._next_at and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        began = time.monotonic()
        try:
            status = self._read()
        except Exception:  # noqa: BLE001 - the send itself meets the same fault and tells of it
            return
        # A little too few for what was written meanwhile, and never too many.
        self._base = status, self._counts
        ended = time.monotonic()
        self._next_at = ended + max(PAUSE_SECONDS, SHARE * (ended - began))

    def _read(self) -> IssueStatus:
        return get_issue_status(self._database, self._issue_id, now=datetime.now(UTC))


def _move_on(base: IssueStatus, before: Counts, now: Counts) -> IssueStatus:
    """The ledger's numbers with the verdicts since."""
    sent, deferred = now.sent - before.sent, now.deferred - before.deferred
    failed, uncertain = now.failed - before.failed, now.uncertain - before.uncertain
    open_before = base.queued + base.claimed + base.dot_sent
    waiting = open_before + base.deferred - sent - deferred - failed - uncertain
    return replace(
        base,
        queued=max(0, waiting - base.deferred),
        claimed=0,
        dot_sent=0,
        sent=base.sent + sent,
        deferred=min(max(0, waiting), base.deferred) + deferred,
        failed=base.failed + failed,
        uncertain=base.uncertain + uncertain,
    )
