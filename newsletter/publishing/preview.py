"""Use cases: show an issue exactly as a subscriber gets it, and check it before it goes out."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from newsletter.content import Recipient
from newsletter.errors import NotFoundError, StateError
from newsletter.publishing.composition import load_rendered
from newsletter.publishing.recipients import make_recipient
from newsletter.render.message import IssueIdentity, build_message, personalise
from newsletter.review.facts import Facts
from newsletter.review.rules import check_mail
from newsletter.store import deliveries, issues, subscribers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Finding, Publication, RenderedIssue
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue

SAMPLE_EMAIL = "reader@example.org"


@dataclass(frozen=True, slots=True)
class Preview:
    """The mail of one issue for one subscriber."""

    subject: str
    html: str
    text: str
    eml: bytes
    """The whole message, byte for byte as it goes out."""
    headers: tuple[tuple[str, str], ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Pre-flight findings."""

    blocking: tuple[Finding, ...]
    advisory: tuple[Finding, ...]


def preview_issue(
    database: Database, settings: Settings, issue_id: int, *, now: datetime, email: str | None = None
) -> Preview:
    """The mail as the subscriber of that address would get it, or a sample reader.

    Raises:
        NotFoundError: No such issue or subscriber.
        StateError: The issue was skipped, so there is no mail.

    """
    with database.read() as session:
        issue, rendered, publication = load_mail(session, settings, issue_id)
        recipient = _find_recipient(session, settings, publication, email)
    mail = build(settings, issue, rendered, publication, recipient, date=now)
    personal = personalise(rendered, recipient)
    parsed = message_from_bytes(mail, policy=policy.default)
    return Preview(
        subject=personal.subject,
        html=personal.html,
        text=personal.text,
        eml=mail,
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        content_hash=rendered.content_hash,
    )


def check_issue(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> CheckReport:
    """Run every pre-flight rule over the mail.

    Raises:
        NotFoundError: No such issue.
        StateError: The issue was skipped, so there is no mail.

    """
    with database.read() as session:
        issue, rendered, publication = load_mail(session, settings, issue_id)
        return review(session, settings, issue, rendered, publication, now=now)


def load_mail(
    session: Session, settings: Settings, issue_id: int
) -> tuple[Issue, RenderedIssue, Publication]:
    """An issue with its mail; a skipped one has none."""
    issue = issues.get_issue(session, issue_id)
    if not issue.content:
        message = f"issue {issue_id} has no mail: {issue.reason or issue.state}"
        raise StateError(message)
    rendered, publication = load_rendered(session, settings, issue)
    return issue, rendered, publication
