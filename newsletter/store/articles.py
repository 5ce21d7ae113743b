"""Queries: articles, the keys that they are recognised by, and what is printed with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from newsletter import content
from newsletter.errors import NotFoundError
from newsletter.store.columns import is_id
from newsletter.store.models import Article, ArticleKey, ArticleRelation, Issue, IssueArticle, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

CHUNK = 500
"""Values in one IN list; SQLite's limit is 999 in old builds."""
OPEN_STATES = ("draft", "cancelled", "skipped")
"""Issues that have not told anything: their articles are still new."""
PINNED, DROPPED = "pinned", "dropped"
"""What an editor may say of an article."""


def find_keys(session: Session, publication_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Which of the keys are known, and whose they are."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), CHUNK):
        query = select(ArticleKey.key, ArticleKey.article_id).where(
            ArticleKey.publication_id == publication_id, ArticleKey.key.in_(keys[start : start + CHUNK])
        )
        found.update((key, article_id) for key, article_id in session.execute(query))
    return found


def add_keys(session: Session, article: Article, keys: Iterable[str]) -> None:
    """Let an article be recognised by more keys; they must be new to the publication."""
    session.add_all(
        ArticleKey(publication_id=article.publication_id, key=key, article_id=article.id) for key in keys
    )


def replace_relations(session: Session, article_id: int, kind: str, related_ids: Sequence[int]) -> None:
    """Write what a source now prints with an article, in order."""
    query = select(ArticleRelation).where(
        ArticleRelation.article_id == article_id, ArticleRelation.kind == kind
    )
    known = {relation.related_id: relation for relation in session.scalars(query)}
    wanted = list(dict.fromkeys(related_ids))
    for related_id in known.keys() - set(wanted):
        session.delete(known[related_id])
    for position, related_id in enumerate(wanted):
        if related_id in known:
            known[related_id].position = position
        else:
            session.add(
                ArticleRelation(article_id=article_id, kind=kind, position=position, related_id=related_id)
            )


def list_article_ids(
    session: Session, publication_id: int, *, since: datetime | None = None, limit: int | None = None
) -> list[int]:
    """Ids of the articles that sources gave for themselves, newest first."""
    told_at = func.coalesce(Article.published_at, Article.collected_at)
    query = (
        select(Article.id)
        .where(Article.publication_id == publication_id, Article.standalone)
        .order_by(told_at.desc(), Article.id.desc())
        .limit(limit)
    )
    if since is not None:
        query = query.where(told_at >= since)
    return list(session.scalars(query))


def list_fresh_ids(
    session: Session,
    publication_id: int,
    since: datetime | None,
    *,
    cadence: str | None = None,
    by_date_alone: bool = False,
) -> list[int]:
    """Ids of the articles that no issue (of that cadence) has told and that are dated after `since`.

    Without a date the time of collecting counts. What lies in a folder was put there to be published, so it
    is fresh whatever its date, as long as it was collected after `since`; unless the date alone is to count.
    What an editor pinned is fresh whatever its date, and what was dropped never is.
    """
    query = (
        select(Article.id)
        .outerjoin(Source, Source.id == Article.source_id)
        .where(
            Article.publication_id == publication_id,
            Article.standalone,
            Article.id.not_in(_told(publication_id, cadence)),
            or_(Article.choice.is_(None), Article.choice != DROPPED),
        )
        .order_by(Article.id)
    )
    if since is not None:
        dated = func.coalesce(Article.published_at, Article.collected_at) >= since
        in_folder = and_(Source.kind == "folder", Article.collected_at >= since)
        wanted = dated if by_date_alone else or_(dated, in_folder)
        query = query.where(or_(wanted, Article.choice == PINNED))
    return list(session.scalars(query))


def list_told_ids(session: Session, publication_id: int, cadence: str | None = None) -> set[int]:
    """Ids of the articles that issues (of that cadence) have told."""
    return set(session.scalars(_told(publication_id, cadence)))


def list_texts(session: Session, publication_id: int, since: datetime, until: datetime) -> list[str]:
    """Title and summary of every article of a span of time, in no order that matters."""
    told_at = func.coalesce(Article.published_at, Article.collected_at)
    query = select(Article.title, Article.summary).where(
        Article.publication_id == publication_id, Article.standalone, told_at >= since, told_at < until
    )
    return [f"{title}. {summary}" for title, summary in session.execute(query.order_by(Article.id))]


def load_articles(session: Session, ids: Sequence[int], publication_url: str) -> list[content.Article]:
    """The articles of those ids as values, in that order, with what is printed with them."""
    rows = _load_rows(session, ids)
    relations = _load_relations(session, list(rows))
    related = _load_rows(session, [relation.related_id for relation in relations])
    plain = {row[0].id: _to_value(row, publication_url) for row in related.values()}
    values = []
    for article_id in ids:
        if article_id not in rows:
            continue
        mine = [relation for relation in relations if relation.article_id == article_id]
        similar = tuple(plain[r.related_id] for r in mine if r.kind == "similar" and r.related_id in plain)
        trends = tuple(plain[r.related_id] for r in mine if r.kind == "trend" and r.related_id in plain)
        values.append(_to_value(rows[article_id], publication_url, similar=similar, trends=trends))
    return values


def get_article(session: Session, article_id: int) -> Article:
    """The row of one article.

    Raises:
        NotFoundError: There is none of that number.

    """
    row = session.get(Article, article_id) if is_id(article_id) else None
    if row is None:
        message = f"no article {article_id}: `newsletter article list` shows them"
        raise NotFoundError(message)
    return row


def is_public_article(session: Session, publication_id: int, article_id: int) -> bool:
    """Whether an issue that is approved or out carries the article, or prints it with one that it carries.

    An issue that was cancelled in mid-send counts: some readers hold its links.
    """
    shown = (
        select(IssueArticle.article_id)
        .join(Issue, Issue.id == IssueArticle.issue_id)
        .where(
            Issue.publication_id == publication_id,
            or_(Issue.state.not_in(OPEN_STATES), Issue.sending_at.is_not(None)),
        )
    )
    near = select(ArticleRelation.related_id).where(ArticleRelation.article_id.in_(shown))
    query = select(Article.id).where(
        Article.id == article_id, or_(Article.id.in_(shown), Article.id.in_(near))
    )
    return session.scalars(query).first() is not None


def _told(publication_id: int, cadence: str | None = None) -> Select[int]:
    query = (
        select(IssueArticle.article_id)
        .join(Issue, Issue.id == IssueArticle.issue_id)
        .where(Issue.publication_id == publication_id, Issue.state.not_in(OPEN_STATES))
    )
    return query if cadence is None else query.where(Issue.cadence == cadence)


_Row = tuple[Article, str | None, int]
"""An article with the title and weight of its source."""


def _load_rows(session: Session, ids: Sequence[int]) -> dict[int, _Row]:
    rows: dict[int, _Row] = {}
    wanted = list(filter(is_id, dict.fromkeys(ids)))
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(Article, Source.title, Source.weight)
            .outerjoin(Source, Source.id == Article.source_id)
            .where(Article.id.in_(wanted[start : start + CHUNK]))
        )
        rows.update({row.id: (row, name, weight or 1) for row, name, weight in session.execute(query)})
    return rows


def _load_relations(session: Session, ids: Sequence[int]) -> list[ArticleRelation]:
    relations: list[ArticleRelation] = []
    for start in range(0, len(ids), CHUNK):
        query = (
            select(ArticleRelation)
            .where(ArticleRelation.article_id.in_(ids[start : start + CHUNK]))
            .order_by(ArticleRelation.kind, ArticleRelation.position)
        )
        relations.extend(session.scalars(query))
    return relations


def _to_value(
    found: _Row,
    publication_url: str,
    *,
    similar: tuple[content.Article, ...] = (),
    trends: tuple[content.Article, ...] = (),
) -> content.Article:
    row, source, weight = found
    return content.Article(
        id=row.id,
        title=row.title,
        url=row.url,
        page_url=f"{publication_url}/archive/articles/{row.id}",
        source=source,
        source_id=row.source_id,
        published_at=_with_offset(row.published_at, row.published_offset),
        collected_at=row.collected_at,
        author=row.author,
        category=row.category,
        status=row.status,
        language=row.language,
        image=_image_url(row, publication_url),
        image_alt=row.image_alt,
        image_credit=row.image_credit,
        image_width=row.image_width or 0,
        image_height=row.image_height or 0,
        summary=row.summary,
        text=row.text,
        html=row.html,
        words=row.words,
        weight=weight,
        pinned=row.choice == PINNED,
        similar=similar,
        trends=trends,
    )


def _image_url(row: Article, publication_url: str) -> str | None:
    """The address of its picture, or of our copy of that."""
    return f"{publication_url}/archive/images/{row.image_copy}" if row.image_copy else row.image


def _with_offset(instant: datetime | None, minutes: int | None) -> datetime | None:
    if instant is None:
        return None
    return instant.astimezone(timezone(timedelta(minutes=minutes)) if minutes else UTC)
