"""Use cases: draft an issue from what is new, and draw a draft up again after an editor's choice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

from newsletter.compose.digest import compose_digest, plan_issue
from newsletter.compose.rules import Cadence
from newsletter.errors import StateError
from newsletter.publishing.comparison import keep_outline
from newsletter.publishing.composition import to_content
from newsletter.publishing.issues import IssueView, view_issue
from newsletter.publishing.material import Desk, find_similar, load_material
from newsletter.publishing.rules import load_rules
from newsletter.store import articles, issues, publications
from newsletter.store.engine import take_turn

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.compose.rules import Rules
    from newsletter.config import Settings
    from newsletter.content import Article
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue, Publication

CADENCES = get_args(Cadence)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """Which issue to draft: of a period of the schedule, or by hand."""

    slug: str | None = None
    since: datetime | None = None
    """Take in everything published or, without a date, collected after it; None is since the last issue."""
    cadence: str | None = None
    """None is the publication's own."""
    period: str | None = None
    due_at: datetime | None = None


def draft_issue(database: Database, settings: Settings, request: DraftRequest, *, now: datetime) -> IssueView:
    """Compose and keep a draft; nothing new gives an issue in state `skipped` with the reason.

    A draft that still waits is drawn up again rather than doubled, and a period has one issue, ever.

    Raises:
        StateError: No such cadence, or readers cannot choose it.
        NotFoundError: No such publication.

    """
    with database.write() as session:
        row = publications.find_publication(session, request.slug)
        rules = load_rules(row)
        cadence = _choose_cadence(request, rules)
        take_turn(session, "draft", row.id)
        if request.period is not None:
            issue = issues.find_issue_of_period(session, row.id, request.period)
            if issue is not None and issue.state != "draft":
                return view_issue(session, issue.id)
        issue = _open_issue(session, row.id, request, cadence, now)
        _draw_up(session, settings, row, issue, now)
        return view_issue(session, issue.id)


def redraft_issue(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> IssueView:
    """Draw a draft up again, since when and for when it was; what editors chose meanwhile counts.

    Raises:
        StateError: It is no draft any more.

    """
    with database.write() as session:
        issue = issues.take_issue(session, issue_id)
        if issue.state != "draft":
            message = f"issue {issue_id} is {issue.state}: only a draft can be drawn up again"
            raise StateError(message)
        take_turn(session, "draft", issue.publication_id)
        row = publications.get_row(session, issue.publication_id)
        issue.drafted_at = now
        _draw_up(session, settings, row, issue, now)
        return view_issue(session, issue_id)


def _choose_cadence(request: DraftRequest, rules: Rules) -> str:
    cadence = request.cadence or rules.cadence
    if cadence not in CADENCES:
        message = f"{cadence!r} is no cadence: use one of {', '.join(CADENCES)}"
        raise StateError(message)
    if rules.cadences and cadence not in rules.cadences:
        message = f"no reader gets a {cadence} issue: the rules offer {', '.join(rules.cadences)}"
        raise StateError(message)
    return cadence


def _open_issue(
    session: Session, publication_id: int, request: DraftRequest, cadence: str, now: datetime
) -> Issue:
    """The draft to draw up: that of the period, else the one that waits, else a new one.

    One that was drafted by hand becomes the period's, so that its articles are not told twice.
    """
    issue = None
    if request.period is not None:
        issue = issues.find_issue_of_period(session, publication_id, request.period)
    if issue is None:
        issue = issues.find_open_draft(session, publication_id, cadence)
    if issue is None or request.period not in {None, issue.period or request.period}:
        issue = issues.add_issue(session, publication_id, cadence, "draft", now=now)
    issue.period = issue.period or request.period
    issue.drafted_at, issue.since_at, issue.asked_since = now, request.since, request.since is not None
    issue.due_at = request.due_at or issue.due_at
    return issue


def _draw_up(session: Session, settings: Settings, row: Publication, issue: Issue, now: datetime) -> None:
    desk = Desk(session, settings, row, load_rules(row), issue.cadence)
    fresh = _list_fresh(desk, issue, now)
    if fresh:
        _compose(desk, issue, fresh, now)
    else:
        _skip(session, issue, _explain_nothing(session, issue))
    session.flush()


def _list_fresh(desk: Desk, issue: Issue, now: datetime) -> list[Article]:
    """What no issue of its cadence has told, dated after the last or shortly before it, as late posts are.

    A first issue that would find nothing so recent takes the newest that there is. Where an editor says since
    when, that is all that counts.
    """
    session, publication_id = desk.session, desk.row.id
    if issue.asked_since:
        ids = articles.list_fresh_ids(
            session, publication_id, issue.since_at, cadence=issue.cadence, by_date_alone=True
        )
        return desk.load(ids)
    last = issues.find_last_told(session, publication_id, issue.cadence)
    lookback = timedelta(days=desk.rules.lookback_days or desk.settings.lookback_days)
    since = (last.drafted_at if last else now) - lookback
    issue.since_at = since
    ids = articles.list_fresh_ids(session, publication_id, since, cadence=issue.cadence)
    if not ids and last is None:
        ids = articles.list_article_ids(session, publication_id, limit=desk.settings.max_cards)
    return desk.load(ids)


def _compose(desk: Desk, issue: Issue, fresh: list[Article], now: datetime) -> None:
    session = desk.session
    number = issue.number or issues.next_number(session, desk.row.id)
    date = (issue.due_at or now).astimezone(ZoneInfo(desk.row.timezone))
    material = load_material(desk, fresh, number=number, date=date, now=now)
    plan = plan_issue(material, now=now)
    if len(plan.chosen) < desk.rules.minimum:
        _skip(session, issue, _explain_few(len(plan.chosen), desk.rules.minimum))
        return
    digest = compose_digest(material, now=now, plan=plan, similar=find_similar(desk, plan, fresh, now=now))
    issue.state, issue.reason, issue.number = "draft", None, number
    issue.subject, issue.preheader = digest.subject, digest.preheader
    issue.content = to_content(digest, plan.possible)
    keep_outline(session, desk.settings, issue, now=now)
    told = [article.id for card in digest.cards for article in (card.article, *card.also)]
    issues.set_articles(session, issue.id, told)


def _skip(session: Session, issue: Issue, reason: str) -> None:
    """Nobody is mailed an empty issue; the reason says what would have made one."""
    issue.state, issue.number, issue.content, issue.reason = "skipped", None, {}, reason
    issues.set_articles(session, issue.id, [])


def _explain_nothing(session: Session, issue: Issue) -> str:
    since = f"{issue.since_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if issue.since_at else "the beginning"
    if articles.list_article_ids(session, issue.publication_id, limit=1):
        return (
            f"nothing new since {since}: every collected article is older or was in an earlier issue; "
            "`--since` takes in older ones"
        )
    return "no article has been collected yet: add a source and run `newsletter collect`"


def _explain_few(found: int, minimum: int) -> str:
    if not found:
        return "nothing new: the articles since the last issue only tell what it told"
    return f"{found} new {'story' if found == 1 else 'stories'}, and the rules ask for {minimum}: they wait"
