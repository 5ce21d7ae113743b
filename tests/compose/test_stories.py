"""Articles of different sources on one event become one story, and no others do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.detect import parse_source
from newsletter.compose.stories import POSSIBLE, WINDOW, Verdicts, group_stories, list_pairs
from newsletter.compose.words import list_words
from newsletter.content import Article, ParsedSource
from newsletter.errors import ParseError
from tests.compose.builders import NOW, article_lists, read_samples, to_articles
from tests.compose.reports import is_held, make_paraphrases
from tests.support.mail_builders import make_article

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
ACCORD = (
    "Ferry accord with Sarrow Isles initialled after eleven months of talks",
    "Port Arden and the Sarrow Isles initial ferry accord after eleven months",
)


def tell(number: int, title: str, source_id: int, **changes: object) -> Article:
    return make_article(number, title=title, source_id=source_id, **{"summary": ""} | changes)


def group_ids(*articles: Article) -> list[list[int]]:
    return [sorted(article.id for article in story) for story in group_stories(articles).stories]


def test_two_sources_on_one_event_are_one_story() -> None:
    assert group_ids(tell(1, ACCORD[0], 1), tell(2, ACCORD[1], 2)) == [[1, 2]]


def test_articles_of_one_source_are_never_merged() -> None:
    assert group_ids(tell(1, ACCORD[0], 1), tell(2, ACCORD[0], 1)) == [[1], [2]]


def test_other_articles_on_the_same_topic_are_not_merged() -> None:
    talks = "Ferry talks with the Sarrow Isles break off over a single pier"

    assert group_ids(tell(1, ACCORD[0], 1), tell(2, talks, 2)) == [[1], [2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Weekly review", "Weekly review"),
        ("Election results: Minsk", "Election results: Vilnius"),
        ("Apple reports record profits for the quarter", "Google reports record losses for the year"),
        ("", ""),
        ("مينسك", "مينسك"),
    ],
)
def test_titles_that_say_too_little_are_not_merged(one: str, other: str) -> None:
    assert group_ids(tell(1, one, 1), tell(2, other, 2)) == [[1], [2]]


@pytest.mark.parametrize(
    ("apart", "merged"), [(WINDOW, [[1, 2]]), (WINDOW + timedelta(seconds=1), [[1], [2]])]
)
def test_the_same_words_long_after_are_another_event(apart: timedelta, merged: list[list[int]]) -> None:
    first, second = tell(1, ACCORD[0], 1, published_at=NOW - apart), tell(2, ACCORD[0], 2, published_at=NOW)

    assert group_ids(first, second) == merged


def test_the_fullest_article_leads() -> None:
    short = tell(1, ACCORD[0], 1, words=90)
    pictured = tell(2, ACCORD[0], 2, words=10, image="https://example.org/a.png")
    full = tell(3, ACCORD[0], 3, words=900)

    assert [
        [article.id for article in story] for story in group_stories([short, pictured, full]).stories
    ] == [[2, 3, 1]]


def test_the_samples_tell_one_event_twice_and_nothing_else() -> None:
    stories = [story for story in group_stories(read_samples()).stories if len(story) > 1]

    assert [sorted(article.title for article in story) for story in stories] == [sorted(ACCORD)]


def test_what_is_alike_but_not_enough_is_shown_to_the_editor_until_one_decides() -> None:
    halves = [report.article for report in make_paraphrases(60) if not is_held(report.event)]
    found = group_stories(halves)
    pairs = sorted(list_pairs((each.one, each.other) for each in found.possible))

    assert pairs
    assert all(each.likeness >= POSSIBLE for each in found.possible)
    again = group_stories(halves, Verdicts(same=frozenset(pairs[:1]), different=frozenset(pairs[1:])))
    assert pairs[0] in list_pairs([article.id for article in story] for story in again.stories)
    assert {(min(each.one, each.other), max(each.one, each.other)) for each in again.possible}.isdisjoint(
        pairs
    )


def test_what_an_editor_parts_stays_apart_however_alike() -> None:
    one, other = tell(1, ACCORD[0], 1), tell(2, ACCORD[1], 2)

    assert len(group_stories([one, other], Verdicts(different=frozenset({(1, 2)}))).stories) == 2


@given(article_lists(), st.randoms(use_true_random=False))
def test_the_order_of_the_articles_makes_no_difference(articles: list[Article], random: object) -> None:
    shuffled = list(articles)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random

    assert group_stories(shuffled) == group_stories(articles)


@given(article_lists())
def test_every_article_is_in_one_story(articles: list[Article]) -> None:
    stories = group_stories(articles).stories

    assert sorted(article.id for story in stories for article in story) == [
        article.id for article in articles
    ]
    for story in stories:
        assert len({article.source_id for article in story}) == len(story)
    assert [min(article.id for article in story) for story in stories] == sorted(
        min(article.id for article in story) for story in stories
    )


def read_captured() -> list[ParsedSource]:
    """Captured feeds of at least five entries."""
    feeds = []
    for cases in sorted(CORPORA.glob("feeds-*/cases.jsonl")):
        for case in map(json.loads, cases.read_text(encoding="utf-8").splitlines()):
            inputs = [file["path"] for file in case["files"] if file["role"] == "input"]
            for path in inputs if case["kind"].startswith("captured") else []:
                try:
                    parsed = parse_source(
                        (cases.parent / path).read_bytes(), location="https://x.example/feed"
                    )
                except ParseError:
                    continue
                if len(parsed.entries) > 4:
                    feeds.append(parsed)
    return feeds


@pytest.mark.deep
def test_unrelated_articles_of_captured_feeds_are_not_merged() -> None:
    if not CORPORA.is_dir():
        pytest.skip(f"{CORPORA} is not there: captured feeds are not part of the repository")
    articles: list[Article] = []
    for source_id, parsed in enumerate(read_captured(), 1):
        entries = [*parsed.entries[:25]]
        # All on one day, so that only the words part them.
        articles += [
            make_article(
                article.id,
                title=article.title,
                source_id=source_id,
                summary=article.summary,
                published_at=NOW,
            )
            for article in to_articles(entries, source_id, len(articles) + 1)
        ]

    merged = [story for story in group_stories(articles).stories if len(story) > 1]

    assert len(articles) > 500
    assert merged
    for story in merged:
        assert len({frozenset(list_words(article.title)) for article in story}) == 1, story
