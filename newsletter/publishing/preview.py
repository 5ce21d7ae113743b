"""Use case: show an issue exactly as a subscriber gets it."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from newsletter.config import read_keys
from newsletter.content import Recipient
from newsletter.errors import NotFoundError, StateError
from newsletter.publishing.composition import load_rendered
from newsletter.publishing.recipients import make_recipient, with_attributes
from newsletter.publishing.signing import make_signer
from newsletter.render.headers import mailbox
from newsletter.render.message import IssueIdentity, build_message, personalise
from newsletter.store import issues, subscribers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Publication, RenderedIssue
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue

    LoadedMail = tuple[Issue, RenderedIssue, Publication]

SAMPLE_EMAIL = "reader@example.org"
LONGEST_EMAIL = f"{'x' * 64}@{'.'.join(['y' * 61] * 3)}.example"
"""As long as RFC 5321 4.5.3.1 allows: 64 octets before the @, and nearly 255 behind it."""
LONGEST_NAME = "Ф" * 80


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
    """Of the whole issue, which is what is approved."""


def preview_issue(
    database: Database, settings: Settings, issue_id: int, *, now: datetime, email: str | None = None
) -> Preview:
    """The mail as the subscriber of that address would get it, or a sample reader.

    Raises:
        NotFoundError: No such issue or subscriber.
        StateError: The issue was skipped, so there is no mail.

    """
    with database.read() as session:
        whole = mail = load_mail(session, settings, issue_id)
        recipient = _find_recipient(session, settings, mail[2], email)
        if categories := _find_choice(session, mail[2], email):
            mail = load_mail(session, settings, issue_id, categories)
    message = build_mail(settings, mail, recipient, date=now)
    rendered = mail[1]
    personal = personalise(rendered, recipient)
    parsed = message_from_bytes(message, policy=policy.default)
    return Preview(
        subject=personal.subject,
        html=personal.html,
        text=personal.text,
        eml=message,
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        content_hash=whole[1].content_hash,
    )


def load_mail(
    session: Session, settings: Settings, issue_id: int, categories: Sequence[str] | None = None
) -> LoadedMail:
    """An issue with its mail, or the selection for a reader of those categories.

    Raises:
        StateError: It was skipped or holds nothing of those categories, so there is none.

    """
    issue = issues.get_issue(session, issue_id)
    if not issue.content:
        message = f"issue {issue_id} has no mail: {issue.reason or issue.state}"
        raise StateError(message)
    rendered, publication = load_rendered(session, settings, issue, categories)
    return issue, rendered, publication


def build_mail(settings: Settings, mail: LoadedMail, recipient: Recipient, *, date: datetime) -> bytes:
    """The whole message of one reader."""
    issue, rendered, publication = mail
    data = build_message(
        rendered,
        publication,
        recipient,
        issue=IssueIdentity(issue.uid, issue.number or 0),
        base_url=settings.base_url,
        date=date,
    )
    return make_signer(settings)(data, mailbox(publication.sender).address, date)


def _find_recipient(
    session: Session, settings: Settings, publication: Publication, email: str | None
) -> Recipient:
    """A real subscriber, or a made-up one whose links lead nowhere."""
    if email is None:
        return make_reader(settings, SAMPLE_EMAIL, None)
    subscriber = subscribers.find_subscriber(session, email.strip().lower())
    subscription = subscriber and subscribers.find_subscription(session, publication.id, subscriber.id)
    if not subscriber or not subscription:
        message = f"{email} is no subscriber of {publication.slug}: `newsletter subscriber export` lists them"
        raise NotFoundError(message)
    recipient = make_recipient(
        subscription.id,
        subscriber.id,
        subscriber.email,
        subscriber.name,
        base_url=settings.base_url,
        keys=read_keys(settings),
    )
    return with_attributes(recipient, subscriber.attributes)


def _find_choice(session: Session, publication: Publication, email: str | None) -> Sequence[str]:
    """The categories that the subscriber of that address chose; none for all of them."""
    subscriber = subscribers.find_subscriber(session, email.strip().lower()) if email else None
    subscription = subscriber and subscribers.find_subscription(session, publication.id, subscriber.id)
    return (subscription and subscription.categories) or ()


def make_reader(settings: Settings, email: str, name: str | None) -> Recipient:
    """A reader who is none: the links lead nowhere."""
    return make_recipient(0, 0, email, name, base_url=settings.base_url, keys=read_keys(settings))
