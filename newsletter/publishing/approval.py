"""Use cases: approve (freeze), schedule, stop, pause, resume and cancel an issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import BlockedError, StateError
from newsletter.publishing.checking import review
from newsletter.publishing.composition import freeze, prepare_variants
from newsletter.publishing.issues import IssueView, view_issue
from newsletter.publishing.preview import load_mail
from newsletter.store import articles, deliveries, issues
from newsletter.store.audit import record_action

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Finding
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who approves, and on what grounds."""

    actor: str
    override: str | None = None
    """Why it goes out in spite of findings that block."""
    seen_hash: str | None = None
    """The content hash that was on the editor's screen; None where nothing was shown."""
    unless_stopped: bool = False
    """Leave it alone if an editor has stopped it, be it a moment ago."""


def approve_issue(
    database: Database, settings: Settings, issue_id: int, decision: Decision, *, now: datetime
) -> IssueView:
    """Freeze a draft's content; from then on no change of template, setting or article alters it.

    Raises:
        BlockedError: Findings block it, and there is no reason given to override them.
        StateError: It is no draft, it changed since it was shown, or another issue told its articles.

    """
    variants = prepare_variants(database, settings, issue_id)
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        mail = load_mail(session, settings, issue_id)
        _, rendered, publication = mail
        if issue.state in {"approved", "scheduled"} and issue.stopped_at is None:
            return view_issue(session, issue_id)
        _require(issue, "draft", "approved", "scheduled", verb="approved")
        if decision.unless_stopped and issue.stopped_at is not None:
            return view_issue(session, issue_id)
        if {decision.seen_hash, variants.content_hash} - {None, rendered.content_hash}:
            message = f"issue {issue_id} changed since you looked at it: look again, then approve"
            raise StateError(message)
        _refuse_told(session, issue)
        blocking = review(session, settings, mail, now=now, ready=variants.rendered).blocking
        if blocking and not (decision.override or "").strip():
            raise BlockedError(_describe(issue_id, blocking))
        freeze(session, issue, rendered, publication, variants)
        if issue.state == "draft":
            issue.state = "approved"
        issue.stopped_at, issue.reason = None, None
        issue.approved_at, issue.approved_by = now, decision.actor
        issue.override_reason = decision.override if blocking else None
        overridden = ", ".join(finding.rule for finding in blocking)
        reason = f" overriding {overridden}: {decision.override}" if blocking else ""
        detail = f"{rendered.content_hash}{reason}"
        return _recorded(session, issue, "issue_approved", decision.actor, now, detail=detail)


def stop_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Keep a draft or an approved issue from going out by itself; approving it again lets it go."""
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        _require(issue, "draft", "approved", "scheduled", verb="stopped")
        issue.state, issue.stopped_at = "draft", now
        issue.reason = f"stopped by {actor}"
        issue.approved_at = issue.approved_by = issue.scheduled_at = issue.content_hash = None
        issues.thaw(session, issue_id)
        return _recorded(session, issue, "issue_stopped", actor, now)


def schedule_issue(
    database: Database, issue_id: int, at: datetime, *, actor: str, now: datetime
) -> IssueView:
    """Have an approved issue sent at a given time."""
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        _require(
            issue,
            "approved",
            "scheduled",
            verb="scheduled",
            hint=f"`newsletter issue approve {issue_id}` first",
        )
        if at <= now:
            message = f"{at.isoformat()} has passed: `newsletter issue send {issue_id}` sends it at once"
            raise StateError(message)
        issue.state, issue.scheduled_at = "scheduled", at
        return _recorded(session, issue, "issue_scheduled", actor, now, detail=at.isoformat())


def pause_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Stop a send between two messages."""
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        if issue.state != "paused":
            _require(issue, "sending", verb="paused")
        issue.state, issue.reason = "paused", f"paused by {actor}"
        return _recorded(session, issue, "issue_paused", actor, now)


def resume_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """Let a paused send go on."""
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        if issue.state != "sending":
            _require(issue, "paused", verb="resumed")
            issue.resumed_at = now
        issue.state, issue.reason, issue.waits_until = "sending", None, None
        return _recorded(session, issue, "issue_resumed", actor, now)


def cancel_issue(database: Database, issue_id: int, *, actor: str, now: datetime) -> IssueView:
    """End an issue for good; what is not yet sent is skipped."""
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        if issue.state != "cancelled":
            _require(issue, "draft", "approved", "scheduled", "sending", "paused", verb="cancelled")
        issue.state, issue.reason = "cancelled", f"cancelled by {actor}"
        deliveries.skip_deliveries_of(session, issue_id, "the issue was cancelled", now=now)
        return _recorded(session, issue, "issue_cancelled", actor, now)


def _refuse_told(session: Session, issue: Issue) -> None:
    """Two drafts may hold the same articles; the first that is approved tells them."""
    told = articles.list_told_ids(session, issue.publication_id, issue.cadence)
    again = told.intersection(issues.list_issue_article_ids(session, issue.id))
    if again:
        message = (
            f"{len(again)} article{'s' if len(again) > 1 else ''} of issue {issue.id} went into another one "
            "since it was drafted: run `newsletter issue draft` and look again"
        )
        raise StateError(message)


def _require(issue: Issue, *states: str, verb: str, hint: str = "") -> None:
    if issue.state not in states:
        message = f"issue {issue.id} is {issue.state} and cannot be {verb}"
        raise StateError(f"{message}: {hint}" if hint else message)


def _recorded(
    session: Session, issue: Issue, action: str, actor: str, now: datetime, detail: str | None = None
) -> IssueView:
    record_action(session, action, f"issue {issue.id}", actor=actor, now=now, detail=detail)
    session.flush()
    return view_issue(session, issue.id)


def _describe(issue_id: int, blocking: tuple[Finding, ...]) -> str:
    faults = "; ".join(f"{finding.rule}: {finding.message}" for finding in blocking)
    return (
        f"issue {issue_id} is blocked by {len(blocking)} finding{'s' if len(blocking) > 1 else ''}: {faults} "
        f"(`newsletter issue check {issue_id}` shows where; `--override REASON` approves all the same)"
    )
