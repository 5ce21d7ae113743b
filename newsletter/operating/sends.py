"""Use case of the clock: what is due to be sent goes out, or to the workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from newsletter.errors import NewsletterError
from newsletter.publishing.sending import SendOptions, begin_issue, send_issue
from newsletter.store import jobs, shards
from newsletter.subscribing.preferences import end_pauses

if TYPE_CHECKING:
    import threading
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database

log = structlog.get_logger("newsletter.jobs")


@dataclass(slots=True)
class SendReport:
    """What one round of sending led to."""

    sent: list[int] = field(default_factory=list)
    """Ids of issues that are sent to the end."""
    deferred: int = 0
    """Deliveries of issues under way that wait for another try."""
    errors: list[str] = field(default_factory=list)


def send_due(database: Database, settings: Settings, *, now: datetime, stop: threading.Event) -> SendReport:
    """Send the issues whose hour has come, and go on with those that were interrupted or put off.

    Where a worker runs they are only queued for it; where none does, they are sent in this process.
    """
    end_pauses(database, now=now)
    report = SendReport()
    with database.read() as session:
        ids = jobs.list_issues_to_send(session, now)
        is_handed_over = shards.has_workers(session)
    for issue_id in ids:
        if stop.is_set():
            break
        try:
            if is_handed_over:
                begin_issue(database, settings, issue_id, now=now)
                continue
            done = send_issue(database, settings, issue_id, SendOptions(stop=stop), now=now)
        except NewsletterError as error:
            report.errors.append(str(error))
            log.error("send_failed", issue=issue_id, error=str(error))  # noqa: TRY400 - one line, no traceback
            continue
        if done.state == "sent":
            report.sent.append(issue_id)
        counts = {"sent": done.sent, "deferred": done.deferred, "failed": done.failed}
        log.info("issue_sent" if done.state == "sent" else "issue_under_way", issue=issue_id, **counts)
    with database.read() as session:
        report.deferred = jobs.count_deferred(session)
    return report
