"""Use cases: tell the editors by mail what the clock has done, each thing once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.errors import NewsletterError
from newsletter.publishing.checking import check_issue
from newsletter.publishing.publications import parse_mailbox
from newsletter.store import issues, jobs, publications
from newsletter.store.notices import NewNotice, add_notice

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True)
class _Word:
    """What the editors are told: the event, the mail's template, and the values in it."""

    event: str
    template: str
    values: dict[str, object]


WAITS = "draft-waits"
BLOCKED = "draft-blocked"
SKIPPED = "issue-skipped"


def tell_of_draft(
    database: Database, settings: Settings, issue_id: int, *, now: datetime, event: str = WAITS
) -> int:
    """Mail every editor that a draft waits, or that its hour came and something blocks it.

    Returns:
        How many mails were laid down; 0 where that was done before.

    Raises:
        RenderError: The templates of the notice are at fault.

    """
    with database.read() as session:
        if jobs.find_job_run(session, event, str(issue_id)):
            return 0
        issue = issues.get_issue(session, issue_id)
        publication = publications.load_publication(session, settings.base_url, issue.publication_id)
        articles = len(issues.list_issue_article_ids(session, issue_id))
    blocking, advisory = _count_findings(database, settings, issue_id, now)
    sends = event == WAITS and publication.approval == "unless-stopped" and issue.due_at is not None
    values: dict[str, object] = {
        "number": issue.number or 0,
        "issue_subject": issue.subject,
        "articles": articles,
        "editor_url": locate_issue(settings, issue_id),
        "blocking": blocking,
        "advisory": advisory,
        "sends_at": issue.due_at.astimezone(ZoneInfo(publication.timezone))
        if sends and issue.due_at
        else None,
    }
    return _tell(database, settings, _Word(event, WAITS, values), issue_id, now=now)


def tell_of_skip(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> int:
    """Mail every editor that there is no issue this time, and why; returns how many mails that makes."""
    with database.read() as session:
        if jobs.find_job_run(session, SKIPPED, str(issue_id)):
            return 0
        reason = issues.get_issue(session, issue_id).reason or ""
    values: dict[str, object] = {"reason": reason, "editor_url": locate_issue(settings, issue_id)}
    return _tell(database, settings, _Word(SKIPPED, SKIPPED, values), issue_id, now=now)


def locate_issue(settings: Settings, issue_id: int) -> str:
    """Where editors look at an issue."""
    return f"{settings.base_url}/editor/issues/{issue_id}"


def _count_findings(database: Database, settings: Settings, issue_id: int, now: datetime) -> tuple[int, int]:
    try:
        report = check_issue(database, settings, issue_id, now=now)
    except NewsletterError:
        # The mail cannot even be made: the editor's page says why.
        return 1, 0
    return len(report.blocking), len(report.advisory)


def _tell(database: Database, settings: Settings, word: _Word, issue_id: int, *, now: datetime) -> int:
    from newsletter.render.environment import make_environment
    from newsletter.render.message import build_notice
    from newsletter.render.notice import render_notice

    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        publication = publications.load_publication(session, settings.base_url, issue.publication_id)
    environment = make_environment([settings.templates_dir])
    notice = render_notice(word.template, publication, environment, word.values)
    _, sender = parse_mailbox(publication.sender)
    with database.write() as session:
        told = 0
        for user in jobs.list_editors(session):
            uid = f"{word.event}.{issue.uid}.{user.id}"
            data = build_notice(notice, publication, user.email, uid=uid, date=now)
            new = NewNotice(f"{word.event}:{issue_id}:{user.id}", word.event, user.email, sender, data)
            told += add_notice(session, new, now=now)
        jobs.record_job_run(session, word.event, str(issue_id), "done", now=now, note=f"{told} told")
    return told
