"""Sends what an editor approves while the demo runs, and the mails to single persons."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import structlog

from newsletter.errors import NewsletterError
from newsletter.publishing.issues import IssueView, list_issues
from newsletter.publishing.notices import send_notices
from newsletter.publishing.sending import SendOptions, send_issue

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store.engine import Database

PAUSE_SECONDS = 0.5

_log = structlog.get_logger("newsletter.demo")


class Clerk:
    """A thread that looks twice a second; unlike the scheduler it waits for no Monday and drafts nothing."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Start looking."""
        self._database = database
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, a send between two messages."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                self._send_due(datetime.now(UTC))
            except NewsletterError as error:
                _log.warning("not_sent", error=str(error))

    def _send_due(self, now: datetime) -> None:
        for issue in list_issues(self._database, None):
            if _is_due(issue, now):
                send_issue(self._database, self._settings, issue.id, SendOptions(stop=self._stop), now=now)
        send_notices(self._database, self._settings, now=now, stop=self._stop)


def _is_due(issue: IssueView, now: datetime) -> bool:
    is_late = issue.scheduled_at is not None and issue.scheduled_at <= now
    return issue.state in {"approved", "sending"} or (issue.state == "scheduled" and is_late)
