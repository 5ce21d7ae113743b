"""Use cases: list and show issues, their standing and their deliveries."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from newsletter.content import DeliveryState
from newsletter.errors import StateError
from newsletter.render.message import domain_of, message_id
from newsletter.store import deliveries, issues, publications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.store.engine import Database
    from newsletter.store.models import Delivery, Issue


MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IssueView:
    """One issue as screens and JSON show it."""

    id: int
    number: int | None
    publication: str
    """Its slug."""
    subject: str
    preheader: str
    articles: int
    state: str
    reason: str | None
    period: str | None
    cadence: str
    content_hash: str | None
    drafted_at: datetime
    due_at: datetime | None
    approved_at: datetime | None
    approved_by: str | None
    override_reason: str | None
    """Why it may go out in spite of what the checks found."""
    scheduled_at: datetime | None
    sending_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """How a send stands; the counts always add up to `recipients`."""

    state: str
    recipients: int
    queued: int = 0
    claimed: int = 0
    dot_sent: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    skipped: int = 0
    reason: str | None = None
    next_at: datetime | None = None
    """When the first that was put off is due."""
    rate: float = 0.0
    """Deliveries settled a second, by whatever process or machine, over the last minute of a send."""
    seconds_left: int | None = None
    """At that rate, for those that need not wait for another try; None where nothing moves."""


def list_issues(database: Database, slug: str | None) -> list[IssueView]:
    """The issues of a publication, newest first."""
    with database.read() as session:
        publication = publications.find_publication(session, slug)
        rows = issues.list_issues(session, publication.id)
        counts = issues.count_issue_articles(session, [row.id for row in rows])
        return [to_view(row, publication.slug, counts.get(row.id, 0)) for row in rows]


def get_issue(database: Database, issue_id: int) -> IssueView:
    """One issue.

    Raises:
        NotFoundError: There is none of that id.

    """
    with database.read() as session:
        return view_issue(session, issue_id)


def require_draft(database: Database, issue_id: int) -> None:
    """Refuse an issue whose content nobody may change any more.

    Raises:
        NotFoundError: There is none of that id.
        StateError: It is no draft.

    """
    with database.read() as session:
        state = issues.get_issue(session, issue_id).state
    if state != "draft":
        message = f"issue {issue_id} is {state}: only a draft can be changed"
        raise StateError(message)


def get_issue_status(database: Database, issue_id: int, *, now: datetime | None = None) -> IssueStatus:
    """Counts of one issue's ledger rows by state; with a time also how fast they change.

    Raises:
        NotFoundError: There is no such issue.

    """
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        counts = deliveries.count_states(session, issue_id)
        next_at = deliveries.next_attempt_at(session, issue_id) if counts.get("deferred") else None
        status = IssueStatus(
            issue.state, sum(counts.values()), **counts, reason=issue.reason, next_at=next_at
        )
        if now is None or issue.state != "sending":
            return status
        settled = deliveries.count_settled(session, issue_id, now - MINUTE, now)
    seconds = min(MINUTE, now - (issue.sending_at or now)).total_seconds()
    rate = settled / max(seconds, 1.0)
    left = status.queued + status.claimed + status.dot_sent
    return replace(status, rate=round(rate, 1), seconds_left=math.ceil(left / rate) if rate else None)


def list_deliveries(database: Database, issue_id: int, state: str | None = None) -> Iterator[dict[str, Any]]:
    """JSON-ready ledger rows: email, state, attempts, code, reply, message_id.

    Raises:
        NotFoundError: No such issue.
        StateError: No such state.

    """
    if state is not None and state not in get_args(DeliveryState):
        message = f"{state!r} is no state of a delivery: use one of {', '.join(get_args(DeliveryState))}"
        raise StateError(message)
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        domain = _find_domain(session, issue)
        for row in deliveries.list_deliveries(session, issue_id, state):
            yield {
                "email": row.email,
                "state": row.state,
                "attempts": row.attempts,
                "code": row.code,
                "reply": row.reply,
                "message_id": message_id(issue.uid, row.subscriber_id, domain),
                "variant": row.variant,
            }


def list_message_ids(session: Session, issue: Issue, state: str) -> dict[str, Delivery]:
    """The deliveries of an issue in one state by the Message-ID that they have in every attempt."""
    domain = _find_domain(session, issue)
    rows = deliveries.list_deliveries(session, issue.id, state)
    return {message_id(issue.uid, row.subscriber_id, domain): row for row in rows}


def _find_domain(session: Session, issue: Issue) -> str:
    """What the right side of every Message-ID is: of the sender as it was when the issue was frozen."""
    variant = issues.find_variant(session, issue.id)
    sender = variant.headers["sender"] if variant else None
    return domain_of(sender or publications.get_row(session, issue.publication_id).sender)


def view_issue(session: Session, issue_id: int) -> IssueView:
    """One issue, inside a transaction that is open already."""
    row = issues.get_issue(session, issue_id)
    slug = publications.get_row(session, row.publication_id).slug
    return to_view(row, slug, len(issues.list_issue_article_ids(session, issue_id)))


def to_view(row: Issue, slug: str, articles: int) -> IssueView:
    """The row as screens show it."""
    return IssueView(
        id=row.id,
        number=row.number,
        publication=slug,
        subject=row.subject,
        preheader=row.preheader,
        articles=articles,
        state=row.state,
        reason=row.reason,
        period=row.period,
        cadence=row.cadence,
        content_hash=row.content_hash,
        drafted_at=row.drafted_at,
        due_at=row.due_at,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        override_reason=row.override_reason,
        scheduled_at=row.scheduled_at,
        sending_at=row.sending_at,
        sent_at=row.sent_at,
    )
