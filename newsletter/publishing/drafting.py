"""Use case: draft an issue from what is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.compose.digest import CategoryStatus, Material, compose_digest
from newsletter.errors import StateError
from newsletter.publishing.comparison import keep_outline
from newsletter.publishing.composition import to_content
from newsletter.publishing.issues import IssueView, view_issue
from newsletter.store import articles, categories, issues, publications
from newsletter.store.engine import take_turn

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Article, Publication
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue

CADENCES = ("daily", "weekly", "monthly")
ARCHIVE_DAYS = 180
"""How far back a card may point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """Which issue to draft: of a period of the schedule, or by hand."""

    slug: str | None = None
    since: datetime | None = None
    """Take in everything published or, without a date, collected after it; None is since the last issue."""
    cadence: str = "weekly"
    period: str | None = None
    due_at: datetime | None = None


def draft_issue(database: Database, settings: Settings, request: DraftRequest, *, now: datetime) -> IssueView:
    """Compose and keep a draft; nothing new gives an issue in state `skipped` with the reason.

    A draft that still waits is drawn up again rather than doubled, and a period has one issue, ever.

    Raises:
        StateError: No such cadence.
        NotFoundError: No such publication.

    """
    if request.cadence not in CADENCES:
        message = f"{request.cadence!r} is no cadence: use one of {', '.join(CADENCES)}"
        raise StateError(message)
    with database.write() as session:
        row = publications.find_publication(session, request.slug)
        publication = publications.load_publication(session, settings.base_url, row.id)
        take_turn(session, "draft", row.id)
        if request.period is not None:
            issue = issues.find_issue_of_period(session, row.id, request.period)
            if issue is not None and issue.state != "draft":
                return view_issue(session, issue.id)
        issue = _open_issue(session, row.id, request, now)
        fresh = _list_fresh(session, settings, publication, issue, now)
        if fresh:
            _compose(session, settings, publication, issue, fresh, now)
        else:
            _skip(session, issue)
        session.flush()
        return view_issue(session, issue.id)


def _open_issue(session: Session, publication_id: int, request: DraftRequest, now: datetime) -> Issue:
    """The draft to draw up: that of the period, else the one that waits, else a new one.

    One that was drafted by hand becomes the period's, so that its articles are not told twice.
    """
    issue = None
    if request.period is not None:
        issue = issues.find_issue_of_period(session, publication_id, request.period)
    if issue is None:
        issue = issues.find_open_draft(session, publication_id, request.cadence)
    if issue is None or request.period not in {None, issue.period or request.period}:
        issue = issues.add_issue(session, publication_id, request.cadence, "draft", now=now)
    issue.period = issue.period or request.period
    issue.drafted_at, issue.since_at = now, request.since
    issue.due_at = request.due_at or issue.due_at
    return issue


def _list_fresh(
    session: Session, settings: Settings, publication: Publication, issue: Issue, now: datetime
) -> list[Article]:
    """What no issue has told, dated after the last issue or shortly before it, as late posts are.

    A first issue that would find nothing so recent takes the newest that there is. Where an editor says since
    when, that is all that counts.
    """
    last = issues.find_last_told(session, publication.id)
    if issue.since_at is not None:
        ids = articles.list_fresh_ids(session, publication.id, issue.since_at, by_date_alone=True)
        return articles.load_articles(session, ids, publication.url)
    since = (last.drafted_at if last else now) - timedelta(days=settings.lookback_days)
    issue.since_at = since
    ids = articles.list_fresh_ids(session, publication.id, since)
    if not ids and last is None:
        ids = articles.list_article_ids(session, publication.id, limit=settings.max_cards)
    return articles.load_articles(session, ids, publication.url)


def _compose(
    session: Session,
    settings: Settings,
    publication: Publication,
    issue: Issue,
    fresh: list[Article],
    now: datetime,
) -> None:
    fresh_ids = {article.id for article in fresh}
    earlier = articles.list_article_ids(session, publication.id, since=now - timedelta(days=ARCHIVE_DAYS))
    archive = articles.load_articles(session, [n for n in earlier if n not in fresh_ids], publication.url)
    told_before = articles.list_told_ids(session, publication.id)
    issue.number = issue.number or issues.next_number(session, publication.id)
    material = Material(
        number=issue.number,
        date=(issue.due_at or now).astimezone(ZoneInfo(publication.timezone)),
        fresh=fresh,
        # Without a link of its own an article leads to its page here, and only told ones have one.
        archive=[article for article in archive if article.url or article.id in told_before],
        categories=_list_categories(session, publication.id),
        most_cards=settings.max_cards,
    )
    digest = compose_digest(material, now=now)
    issue.state, issue.reason = "draft", None
    issue.subject, issue.preheader = digest.subject, digest.preheader
    issue.content = to_content(digest)
    keep_outline(session, settings, issue, now=now)
    told = [article.id for card in digest.cards for article in (card.article, *card.also)]
    issues.set_articles(session, issue.id, told)


def _list_categories(session: Session, publication_id: int) -> list[CategoryStatus]:
    last = issues.find_last_told(session, publication_id)
    return [
        CategoryStatus(
            name=row.name,
            status=row.status,
            changed=bool(last and row.status_changed_at and row.status_changed_at > last.drafted_at),
        )
        for row in categories.list_categories(session, publication_id)
    ]


def _skip(session: Session, issue: Issue) -> None:
    """Nobody is mailed an empty issue; the reason says what would have made one."""
    since = f"{issue.since_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if issue.since_at else "the beginning"
    collected = articles.list_article_ids(session, issue.publication_id, limit=1)
    issue.state, issue.number, issue.content = "skipped", None, {}
    issue.reason = (
        f"nothing new since {since}: every collected article is older or was in an earlier issue; "
        "`--since` takes in older ones"
        if collected
        else "no article has been collected yet: add a source and run `newsletter collect`"
    )
    issues.set_articles(session, issue.id, [])
