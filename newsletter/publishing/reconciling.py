"""Use case: settle uncertain deliveries by what the mail server's log says became of them."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.deliver.replies import CAUSES, Reply, Stage, classify_reply
from newsletter.errors import ParseError
from newsletter.publishing.issues import list_message_ids
from newsletter.publishing.maillog import MailLog, Sighting
from newsletter.publishing.retrying import reopen
from newsletter.store import deliveries, issues
from newsletter.store.audit import record_action
from newsletter.store.workers import take_over_dead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo
    from pathlib import Path

    from newsletter.store.engine import Database
    from newsletter.store.models import Delivery

GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class ReconcileReport:
    """What came of the uncertain deliveries; the numbers add up to `uncertain`."""

    uncertain: int = 0
    """Those that there were."""
    sent: int = 0
    """The server took them; it may still try some."""
    failed: int = 0
    """The server took them and could not deliver them."""
    requeued: int = 0
    """The log covers their time and does not know them: they are sent again."""
    missing: int = 0
    """The same, and nobody asked for them to be sent again."""
    outside: int = 0
    """The log does not reach over their time, so nothing can be said."""
    changed: int = 0
    """Another process decided on them meanwhile."""
    deliveries: list[dict[str, object]] = field(default_factory=list)
    """Each with its address, what came of it, and the server's words."""

    def add(self, email: str, outcome: str, words: str | None) -> None:
        """Count one delivery in the field that its outcome names."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.deliveries.append({"email": email, "outcome": outcome, "reply": words})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which logs are looked at, and what follows from their silence."""

    logs: Sequence[Path]
    resend_missing: bool
    zone: tzinfo
    """Of lines that name none."""


def reconcile_issue(
    database: Database, issue_id: int, evidence: Evidence, *, actor: str, now: datetime
) -> ReconcileReport:
    """Settle the uncertain deliveries of an issue by what a Postfix or Exim log says about their Message-IDs.

    Args:
        database: The handle.
        issue_id: The issue, in whatever state.
        evidence: The logs, plain or gzipped, of any size.
        actor: For the audit trail.
        now: The time.

    Raises:
        NotFoundError: There is no such issue.
        ParseError: A log is damaged.
        OSError: A log cannot be read.

    """
    with database.write() as session:
        take_over_dead(database, session)
        issue = issues.get_issue(session, issue_id)
        rows = list_message_ids(session, issue, "uncertain")
    log = MailLog(rows.keys(), now=now, zone=evidence.zone)
    # What came later counts: the content filter's copy is sent before the message itself bounces.
    seen = {each.message_id: each for path in evidence.logs for each in log.read(_read_lines(path))}
    report = ReconcileReport(uncertain=len(rows))
    with database.write() as session:
        issues.take_issue(session, issue_id)
        for message_id, row in rows.items():
            sighting = seen.get(message_id)
            outcome = _decide(row, sighting, log, evidence)
            values = _to_values(outcome, sighting)
            if values and not deliveries.settle_uncertain(session, row.id, values, now=now):
                outcome = "changed"
            report.add(row.email, outcome, sighting.words if sighting else None)
        if report.requeued:
            reopen(session, issue_id, now=now)
        detail = f"{report.sent} sent, {report.failed} failed, {report.requeued} queued again"
        record_action(session, "issue_reconciled", f"issue {issue_id}", actor=actor, now=now, detail=detail)
    return report


def _decide(row: Delivery, sighting: Sighting | None, log: MailLog, evidence: Evidence) -> str:
    """The field of the report that a delivery counts in."""
    if sighting is not None:
        return "failed" if sighting.outcome == "bounced" else "sent"
    began = row.first_attempt_at
    if began is None or not log.covers(began, row.finished_at or began):
        return "outside"
    return "requeued" if evidence.resend_missing else "missing"


def _to_values(outcome: str, sighting: Sighting | None) -> dict[str, object]:
    """What is written on the row; nothing where it stays uncertain."""
    if sighting is None:
        return {"state": "queued", "finished_at": None, "reply": None} if outcome == "requeued" else {}
    words = sighting.words or "the server's log says that it took the message"
    reply = Reply(sighting.code or 0, f"{sighting.enhanced or ''} {words}".strip())
    cause = CAUSES.get(classify_reply(Stage.RCPT, reply)) if outcome == "failed" else None
    said = {"code": sighting.code, "enhanced": sighting.enhanced, "reply": reply.words, "cause": cause}
    return {"state": outcome, **said}


def _read_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if is_packed else file
        with io.TextIOWrapper(stream, encoding="utf-8", errors="replace") as lines:
            try:
                yield from lines
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                message = f"log {path} is damaged ({error}): give what `gunzip` can still get out of it"
                raise ParseError(message) from error
