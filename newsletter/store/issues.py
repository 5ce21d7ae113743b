"""Queries: issues, the articles in them and their frozen variants."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from newsletter.errors import NotFoundError
from newsletter.store.articles import OPEN_STATES
from newsletter.store.columns import is_id
from newsletter.store.models import Issue, IssueArticle, IssueVariant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.content import RenderedIssue

WHOLE = "all"
"""The variant that holds every article."""
EMPTY = "none"
"""Stands for a selection without an article: there is no such variant, and nobody is sent it."""
PUBLIC_STATES = ("sending", "sent", "paused")


def get_issue(session: Session, issue_id: int) -> Issue:
    """The row of one issue.

    Raises:
        NotFoundError: There is none of that id.

    """
    issue = session.get(Issue, issue_id) if is_id(issue_id) else None
    if issue is None:
        message = f"no issue {issue_id}: `newsletter issue list` shows them"
        raise NotFoundError(message)
    return issue


def take_issue(session: Session, issue_id: int) -> Issue:
    """The row of one issue, which no other transaction can change until this one ends.

    Raises:
        NotFoundError: There is none of that id.

    """
    get_issue(session, issue_id)
    return session.get_one(Issue, issue_id, with_for_update=True, populate_existing=True)


def list_issues(session: Session, publication_id: int, states: Sequence[str] = ()) -> list[Issue]:
    """Newest first."""
    query = select(Issue).where(Issue.publication_id == publication_id).order_by(Issue.id.desc())
    return list(session.scalars(query.where(Issue.state.in_(states)) if states else query))


def list_ids_in_state(session: Session, state: str) -> list[int]:
    """Of every publication, oldest first."""
    return list(session.scalars(select(Issue.id).where(Issue.state == state).order_by(Issue.id)))


def find_issue_of_period(session: Session, publication_id: int, period: str) -> Issue | None:
    """The issue of one period of the schedule, or None."""
    query = select(Issue).where(Issue.publication_id == publication_id, Issue.period == period)
    return session.scalars(query).one_or_none()


def find_open_draft(session: Session, publication_id: int, cadence: str) -> Issue | None:
    """The draft that still waits for approval, or None."""
    query = (
        select(Issue)
        .where(Issue.publication_id == publication_id, Issue.state == "draft", Issue.cadence == cadence)
        .order_by(Issue.id.desc())
    )
    return session.scalars(query.limit(1)).one_or_none()


def find_last_told(session: Session, publication_id: int, cadence: str | None = None) -> Issue | None:
    """The newest issue (of that cadence) that was approved or more, or None."""
    query = (
        select(Issue)
        .where(Issue.publication_id == publication_id, Issue.state.not_in(OPEN_STATES))
        .order_by(Issue.id.desc())
    )
    if cadence is not None:
        query = query.where(Issue.cadence == cadence)
    return session.scalars(query.limit(1)).one_or_none()


def find_told_before(session: Session, publication_id: int, issue_id: int) -> Issue | None:
    """The issue of the same cadence that went out before this one, or None."""
    cadence = select(Issue.cadence).where(Issue.id == issue_id).scalar_subquery()
    query = (
        select(Issue)
        .where(Issue.publication_id == publication_id, Issue.state.not_in(OPEN_STATES), Issue.id < issue_id)
        .where(Issue.cadence == cadence)
        .order_by(Issue.id.desc())
    )
    return session.scalars(query.limit(1)).one_or_none()


def next_number(session: Session, publication_id: int) -> int:
    """The number after the highest; skipped issues have none, so readers see no gap."""
    query = select(func.max(Issue.number)).where(Issue.publication_id == publication_id)
    return (session.scalar(query) or 0) + 1


def add_issue(session: Session, publication_id: int, cadence: str, state: str, *, now: datetime) -> Issue:
    """A new issue with an identity of its own, without content."""
    issue = Issue(
        uid=secrets.token_hex(8), publication_id=publication_id, cadence=cadence, state=state, drafted_at=now
    )
    session.add(issue)
    session.flush()
    return issue


def set_articles(session: Session, issue_id: int, article_ids: Sequence[int]) -> None:
    """Write which articles an issue tells, in order."""
    session.execute(delete(IssueArticle).where(IssueArticle.issue_id == issue_id))
    session.add_all(
        IssueArticle(issue_id=issue_id, article_id=article_id, position=position)
        for position, article_id in enumerate(dict.fromkeys(article_ids))
    )


def list_issue_article_ids(session: Session, issue_id: int) -> list[int]:
    """The articles that an issue tells, in order."""
    query = select(IssueArticle.article_id).where(IssueArticle.issue_id == issue_id)
    return list(session.scalars(query.order_by(IssueArticle.position)))


def count_issue_articles(session: Session, issue_ids: Sequence[int]) -> dict[int, int]:
    """How many articles each issue tells."""
    query = (
        select(IssueArticle.issue_id, func.count())
        .where(IssueArticle.issue_id.in_(issue_ids))
        .group_by(IssueArticle.issue_id)
    )
    return {issue_id: count for issue_id, count in session.execute(query)}  # noqa: C416 - a Row is no tuple to mypy


def find_variant(session: Session, issue_id: int, key: str = WHOLE) -> IssueVariant | None:
    """A frozen variant, or None while the issue is a draft."""
    query = select(IssueVariant).where(IssueVariant.issue_id == issue_id, IssueVariant.key == key)
    return session.scalars(query).one_or_none()


def thaw(session: Session, issue_id: int) -> None:
    """Forget what an approval had frozen, so that the draft may change again."""
    session.execute(delete(IssueVariant).where(IssueVariant.issue_id == issue_id))


def list_variants(session: Session, issue_id: int) -> list[IssueVariant]:
    """All frozen variants of an issue; none while it is a draft."""
    query = select(IssueVariant).where(IssueVariant.issue_id == issue_id)
    return list(session.scalars(query.order_by(IssueVariant.id)))


def freeze_variants(
    session: Session, issue_id: int, rendered: Mapping[str, RenderedIssue], headers: dict[str, object]
) -> None:
    """Keep what goes out, by key, replacing what an approval that was taken back had kept."""
    thaw(session, issue_id)
    session.add_all(
        IssueVariant(
            issue_id=issue_id,
            key=key,
            subject=each.subject,
            preheader=each.preheader,
            html=each.html,
            text=each.text,
            # The archive shows the whole issue alone.
            archive_html=each.archive_html if key == WHOLE else "",
            mime=each.mime,
            headers=headers,
            content_hash=each.content_hash,
        )
        for key, each in rendered.items()
    )
