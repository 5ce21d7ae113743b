"""Use cases of the clock; each may run twice, or be killed anywhere, and does its work once per period."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from newsletter.errors import NewsletterError
from newsletter.operating.periods import Ask, decide_periods, make_rhythm, may_approve_itself
from newsletter.publishing import hand_over
from newsletter.publishing.approval import Decision, approve_issue
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.rules import load_rules, make_schedule
from newsletter.store import issues, jobs, paces, publications, users
from newsletter.subscribing.preferences import end_pauses
from newsletter.subscribing.subscribers import forget_counts

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue, Publication

ACTOR = "schedule"
SUPERSEDED = "not approved before the next issue was due"

log = structlog.get_logger("newsletter.jobs")


@dataclass(slots=True)
class TickReport:
    """What one look at the clock led to: ids of issues, and notes on periods."""

    drafted: list[int] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    approved: list[int] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def tick_publications(database: Database, settings: Settings, *, now: datetime) -> TickReport:
    """Draft what is due soon, tell the editors, approve what needs none of them; a failure stops no other."""
    report = TickReport()
    with database.read() as session:
        rows = publications.list_publications(session)
    for row in rows:
        try:
            tick_publication(database, settings, row, report, now=now)
        except NewsletterError as error:
            report.errors.append(f"publication {row.slug}: {error}")
            log.error("tick_failed", publication=row.slug, error=str(error))  # noqa: TRY400 - one line, no traceback
    return report


def tick_publication(
    database: Database, settings: Settings, row: Publication, report: TickReport, *, now: datetime
) -> None:
    """Do what the schedule of one publication asks for now."""
    rules = load_rules(row)
    for cadence in rules.cadences or (rules.cadence,):
        schedule = make_schedule(rules, cadence, row.schedule)
        rhythm = make_rhythm(settings, schedule, row.timezone, row.created_at)
        for ask in decide_periods(rhythm, now=now):
            other = None if cadence == rules.cadence else cadence
            _answer(database, settings, row, replace(ask, cadence=other), report, now=now)
    with database.read() as session:
        drafts = jobs.list_drafts(session, row.id)
    for issue in drafts:
        try:
            hand_over.tell_of_draft(database, settings, issue.id, now=now)
        except NewsletterError as error:
            # Editors who cannot be told are no reason to hold back what needs no editor.
            report.errors.append(f"issue {issue.id}: {error}")
            log.error("editors_not_told", issue=issue.id, error=str(error))  # noqa: TRY400 - one line, no traceback
        if may_approve_itself(row.approval, issue.due_at, issue.stopped_at, grace=rhythm.grace, now=now):
            _approve(database, settings, issue, report, now=now)


def _answer(
    database: Database, settings: Settings, row: Publication, ask: Ask, report: TickReport, *, now: datetime
) -> None:
    job, key = f"draft:{row.id}", ask.key
    with database.read() as session:
        handled = jobs.find_job_run(session, job, key)
        begun = issues.find_issue_of_period(session, row.id, key)
    if handled is not None:
        return
    if begun is None and ask.action == "skip":
        _record(database, job, key, "skipped", now=now, note=ask.note)
        report.skipped.append(f"{row.slug} {key}: {ask.note}")
        log.warning("period_skipped", publication=row.slug, period=key, note=ask.note)
        return
    request = DraftRequest(slug=row.slug, cadence=ask.cadence, period=key, due_at=ask.period.at)
    _supersede(database, row.id, request)
    made = draft_issue(database, settings, request, now=now)
    if made.state == "skipped":
        hand_over.tell_of_skip(database, settings, made.id, now=now)
    _record(database, job, key, "drafted" if made.state == "draft" else made.state, now=now, note=made.reason)
    report.drafted.append(made.id)
    log.info("issue_drafted", publication=row.slug, period=key, issue=made.id, state=made.state)


def _supersede(database: Database, publication_id: int, request: DraftRequest) -> None:
    """Let go of drafts of earlier periods of the same cadence, so that their articles go into the next."""
    with database.write() as session:
        cadence = request.cadence or load_rules(publications.get_row(session, publication_id)).cadence
        for issue in jobs.list_drafts(session, publication_id):
            if issue.cadence == cadence and issue.period is not None and issue.period < str(request.period):
                # Skipped issues have no number, so that readers see no gap.
                issue.state, issue.reason, issue.number = "skipped", SUPERSEDED, None
                log.warning("issue_skipped", issue=issue.id, reason=SUPERSEDED)


def _approve(
    database: Database, settings: Settings, issue: Issue, report: TickReport, *, now: datetime
) -> None:
    decision = Decision(actor=ACTOR, unless_stopped=True)
    try:
        made = approve_issue(database, settings, issue.id, decision, now=now)
    except NewsletterError as error:
        _keep_back(database, settings, issue, str(error), now=now)
        report.blocked.append(issue.id)
        return
    if made.state != "draft":
        report.approved.append(issue.id)
        log.info("issue_approved", issue=issue.id, actor=ACTOR)


def _keep_back(database: Database, settings: Settings, issue: Issue, reason: str, *, now: datetime) -> None:
    """Leave a draft as it is, with the reason on it, and tell the editors once."""
    if issue.reason == reason:
        return
    with database.write() as session:
        issues.get_issue(session, issue.id).reason = reason
    log.warning("issue_blocked", issue=issue.id, reason=reason)
    hand_over.tell_of_draft(database, settings, issue.id, now=now, event=hand_over.BLOCKED)


def _record(
    database: Database, job: str, period: str, outcome: str, *, now: datetime, note: str | None
) -> None:
    with database.write() as session:
        jobs.record_job_run(session, job, period, outcome, now=now, note=note)


def clean_up(database: Database, *, now: datetime) -> None:
    """Forget sessions that are over and counts that no limit looks at any more; end pauses that are over."""
    with database.write() as session:
        users.forget_sessions_before(session, now)
        paces.forget_old(session, now=now)
    forget_counts(database, now=now)
    end_pauses(database, now=now)


def collect_every(settings: Settings) -> timedelta:
    """How often to look for sources that are due; each has an interval of its own."""
    return min(timedelta(minutes=settings.collect_minutes), timedelta(minutes=1))
