"""How a send goes on while it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.publishing.issues import IssueStatus, get_issue_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.deliver.engine import Counts
    from newsletter.store.engine import Database


def follow_issue(
    database: Database, issue_id: int, show: Callable[[IssueStatus], None] | None
) -> Callable[[Counts], None] | None:
    """Counts for a progress bar: those at the start, moved on by the verdicts of this run."""
    if show is None:
        return None
    before = get_issue_status(database, issue_id)

    def follow(counts: Counts) -> None:
        done = counts.sent + counts.deferred + counts.failed + counts.uncertain
        waiting = before.queued + before.deferred - done
        show(
            replace(
                before,
                queued=max(0, waiting - before.deferred),
                sent=before.sent + counts.sent,
                deferred=min(max(0, waiting), before.deferred) + counts.deferred,
                failed=before.failed + counts.failed,
                uncertain=before.uncertain + counts.uncertain,
            )
        )

    return follow
