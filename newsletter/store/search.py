"""Queries: earlier articles like one of now, by the full-text index that triggers keep in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from newsletter.store.columns import Instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

MOST = 12

_SQLITE = """
    SELECT article_search.rowid AS id, -bm25(article_search, 5.0, 1.0, 1.0) AS score
    FROM article_search JOIN articles ON articles.id = article_search.rowid
    WHERE article_search MATCH :query AND {which}
    ORDER BY score DESC, id LIMIT :most
"""
# PostgreSQL has no BM25: a word counts by how rare it is, a place by its weight and by its text's length.
_POSTGRESQL = """
    WITH words AS (
        SELECT plainto_tsquery('simple', word) AS query FROM unnest(CAST(:words AS text[])) AS word
    ), weighed AS (
        SELECT query, ln(1 + (SELECT count(*) FROM article_search) / (0.5 + (
            SELECT count(*) FROM article_search WHERE document @@ query
        ))) AS weight FROM words WHERE numnode(query) > 0 ORDER BY weight DESC LIMIT 8
    )
    SELECT article_search.article_id AS id,
        sum(weight * ts_rank('{{0.2, 0.2, 0.2, 1.0}}', document, query, 1)) AS score
    FROM article_search JOIN articles ON articles.id = article_search.article_id
        JOIN weighed ON document @@ query
    WHERE {which}
    GROUP BY article_search.article_id ORDER BY score DESC, id LIMIT :most
"""
_EARLIER = (
    "articles.publication_id = :publication AND articles.standalone AND articles.id != :self "
    "AND coalesce(articles.published_at, articles.collected_at) >= :since"
)
_SELF = "articles.id = :self"


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and where."""

    publication_id: int
    article_id: int
    words: Sequence[str]
    """Of its headline."""
    since: datetime


def find_similar(session: Session, query: Query) -> list[tuple[int, float]]:
    """Ids of earlier articles that share words with a headline, the likest first.

    Each with its score as a share of what the article itself gets, so that it means the same in any archive.
    """
    if not query.words:
        return []
    whole = _search(session, query, _SELF)
    if not whole or whole[0][1] <= 0:
        return []
    return [(number, score / whole[0][1]) for number, score in _search(session, query, _EARLIER)]


def _search(session: Session, query: Query, which: str) -> list[tuple[int, float]]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = text((_SQLITE if is_sqlite else _POSTGRESQL).format(which=which))
    values: dict[str, Any] = {"self": query.article_id, "most": MOST}
    if is_sqlite:
        values["query"] = " OR ".join('"' + word.replace('"', '""') + '"' for word in query.words)
    else:
        values["words"] = list(query.words)
    if which == _EARLIER:
        statement = statement.bindparams(bindparam("since", type_=Instant()))
        values |= {"publication": query.publication_id, "since": query.since}
    return [(row.id, float(row.score)) for row in session.execute(statement, values)]
