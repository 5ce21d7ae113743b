"""How good stories, similar articles and trends are, where nothing was tuned; docs/quality.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from random import Random

import pytest
from sqlalchemy import text

from newsletter.compose.stories import group_stories, list_pairs
from newsletter.compose.trends import Period, find_rises
from newsletter.compose.words import likeness, list_search_words, list_words
from newsletter.content import Article as Value
from newsletter.store.engine import Database
from newsletter.store.models import Article
from newsletter.store.search import Query, find_similar
from tests.compose.reports import (
    Report,
    is_held,
    list_pages,
    list_true_pairs,
    make_paraphrases,
    measure,
    read_halves,
    read_pairs,
)
from tests.support.mail_builders import make_article
from tests.support.store_builders import NOW, make_article_row, make_publication_row

Record = Callable[[str, object], None]


def group(reports: list[Report]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The pairs that are merged, and those that are merged or shown to an editor."""
    grouping = group_stories([report.article for report in reports])
    merged = list_pairs([article.id for article in story] for story in grouping.stories)
    return merged, merged | list_pairs((each.one, each.other) for each in grouping.possible)


def match_titles(reports: list[Report], floor: float) -> set[tuple[int, int]]:
    """What shared words of titles alone would merge, as MinHash estimates it."""
    words = {report.article.id: frozenset(list_words(report.article.title)) for report in reports}
    return {
        (one, other)
        for one, other in combinations(sorted(words), 2)
        if likeness(words[one], words[other], {}) >= floor
    }


@pytest.mark.parametrize(
    ("name", "read", "precision", "recall"),
    [
        ("captured pages of one event", read_pairs, 0.97, 0.5),
        ("captured pages in halves", read_halves, 0.97, 0.0),
        ("made reports", lambda: make_paraphrases(150), 0.97, 0.85),
    ],
)
def test_merges_are_right_and_more_than_titles_would_give(
    record_property: Record,
    name: str,
    read: Callable[[], list[Report]],
    precision: float,
    recall: float,
) -> None:
    everything = read()
    reports = [report for report in everything if read is read_pairs or is_held(report.event)]
    true = list_true_pairs(reports)
    merged, shown = group(reports)
    found, titles = measure(merged, true), measure(match_titles(reports, 0.4), true)
    record_property(
        "figure",
        f"stories, {name}: {len(reports)} reports, {len(true)} pairs, "
        f"merged P {found[0]:.3f} R {found[1]:.3f}, "
        f"with possible ones P {measure(shown, true)[0]:.3f} R {measure(shown, true)[1]:.3f}; "
        f"titles at 0.4 P {titles[0]:.3f} R {titles[1]:.3f}",
    )

    assert found[0] >= precision
    assert found[1] >= max(recall, titles[1])


def rank_bare(database: Database, words: list[str]) -> int | None:
    """The body that bare bm25 puts first, without weights, stop words or anything else of ours."""
    query = " OR ".join(f'"{word}"' for word in words)
    statement = text(
        "SELECT rowid FROM article_search WHERE article_search MATCH :query ORDER BY rank, rowid LIMIT 1"
    )
    with database.read() as session:
        found: int | None = session.scalar(statement, {"query": f"text : ({query})"})
    return found


def test_headlines_find_their_bodies_no_worse_than_bare_bm25(
    either_database: Database, record_property: Record, *, is_deep: bool
) -> None:
    known = [page for page in list_pages() if len(page.text.split()) >= 50 and list_search_words(page.title)]
    pages = known if is_deep else known[:60]
    headlines: list[tuple[int, str, int]] = []
    with either_database.write() as session:
        publication = make_publication_row(session)
        for number, page in enumerate(pages):
            body = make_article_row(session, publication, f"Page {number}", text=page.text, summary="")
            # The headline is an article of its own, long ago, so that it is never found itself.
            headline = make_article_row(
                session, publication, page.title, text="", summary="", published_at=NOW - timedelta(days=999)
            )
            session.flush()
            headlines.append((headline.id, page.title, body.id))
    right = bare = 0
    for number, title, body_id in headlines:
        with either_database.read() as session:
            publication_id = session.get_one(Article, number).publication_id
            query = Query(publication_id, number, list_search_words(title), NOW - timedelta(days=180))
            found = find_similar(session, query)
        right += bool(found) and found[0][0] == body_id
        if either_database.dialect == "sqlite":
            bare += rank_bare(either_database, list_search_words(title)) == body_id
    share, share_bare = right / len(headlines), bare / len(headlines)
    record_property(
        "figure",
        f"similar, {either_database.dialect}: {len(headlines)} headlines, P@1 {share:.3f}"
        + (f", bare bm25 {share_bare:.3f}" if bare else ""),
    )

    assert share >= max(share_bare, 0.7)


@pytest.mark.deep
def test_planted_rises_are_found_in_captured_text_and_none_when_it_is_shuffled(
    record_property: Record, *, is_deep: bool
) -> None:
    pages = list(list_pages())
    sentences = [
        sentence for page in pages for sentence in page.text.split(". ") if 8 < len(sentence.split()) < 60
    ]
    told = found = false = 0
    for seed in range(100 if is_deep else 10):
        random = Random(seed)
        texts = random.sample(sentences, 460)
        now, before = texts[:60], texts[60:]
        articles = [report_of(number, said) for number, said in enumerate(now)]
        false += len(find_rises(Period(articles, before, days=7), {}))
        planted = [report_of(n, f"{said} Vellin tram" if n < 6 else said) for n, said in enumerate(now)]
        rises = find_rises(Period(planted, before, days=7), {})
        told += len(rises)
        found += any("Vellin" in rise.term for rise in rises)
    runs = seed + 1
    record_property(
        "figure",
        f"trends: {runs} weeks of 60 in 460 captured sentences, planted rises found {found} of {runs}, "
        f"others named beside them {told - found}, named in shuffled weeks {false}",
    )

    assert found == runs
    assert false <= runs * 0.02


def report_of(number: int, said: str) -> Value:
    """A text of one of five sources."""
    return make_article(number + 1, title=" ".join(said.split()[:8]), summary=said, source_id=number % 5)
