"""Trends are named where terms rise, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from newsletter.compose.trends import (
    CHANCE,
    FEWEST_ARTICLES,
    FEWEST_BEFORE,
    SIGNIFICANT,
    Period,
    chance_of,
    find_rises,
    weigh_rise,
)
from newsletter.content import Article, Rise
from tests.support.mail_builders import make_article

WORDS = tuple(
    f"{start}{end}"
    for start in ("bar", "cel", "dor", "fin", "gal", "hem")
    for end in (
        "ack",
        "ebo",
        "ilt",
        "oma",
        "unt",
        "est",
        "ard",
        "isk",
        "oph",
        "ule",
        "ane",
        "oft",
        "ing",
        "ode",
        "umb",
    )
)
USUAL = 400
NOW = 60


def make_texts(count: int, seed: int) -> list[str]:
    """Texts of words of which some are common and most are rare, as in any language."""
    random = Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [" ".join(random.choices(WORDS, weights, k=14)) for _ in range(count)]


def make_articles(texts: Sequence[str], sources: int = 6) -> list[Article]:
    return [
        make_article(number, title=" ".join(text.split()[:6]), summary=text, source_id=number % sources)
        for number, text in enumerate(texts, 1)
    ]


def plant(texts: list[str], term: str, count: int) -> list[str]:
    """The term in the first so many of the texts."""
    return [f"{term} {text}" if place < count else text for place, text in enumerate(texts)]


def find(texts: Sequence[str], before: Sequence[str], sources: int = 6) -> tuple[Rise, ...]:
    return find_rises(Period(make_articles(texts, sources), before, days=7), {})


def test_a_name_that_was_not_there_before_is_found_with_its_articles() -> None:
    (rise,) = find(plant(make_texts(NOW, 1), "Kettle Bay bridge", 8), make_texts(USUAL, 2))

    assert (rise.term, len(rise.articles), rise.sources, rise.days, rise.before) == (
        "Kettle Bay bridge",
        8,
        6,
        7,
        0.0,
    )
    assert [article.id for article in rise.articles] == list(range(1, 9))


def test_a_word_that_doubles_and_more_is_found_with_what_was_usual() -> None:
    before = plant(make_texts(USUAL, 2), "ferries", 24)
    (rise,) = find(plant(make_texts(NOW, 1), "ferries", 15), before)

    assert (rise.term, len(rise.articles), rise.before) == ("ferries", 15, 3.0)


@pytest.mark.parametrize("seed", range(5))
def test_every_planted_rise_is_found_and_nothing_else(seed: int) -> None:
    texts = make_texts(NOW, seed)
    terms = ["Ruta Holm", "Norvik Steel"]
    for place, term in enumerate(terms):
        texts = texts[: place * 20] + plant(texts[place * 20 :], term, 7)

    assert sorted(rise.term for rise in find(texts, make_texts(USUAL, 100 + seed))) == sorted(terms)


def test_shuffled_texts_have_no_trend(*, is_deep: bool) -> None:
    runs, named = 200 if is_deep else 10, 0
    for seed in range(runs):
        texts = make_texts(USUAL + NOW, seed)
        Random(seed).shuffle(texts)
        named += len(find(texts[:NOW], texts[NOW:]))

    assert named <= CHANCE * runs


def test_too_few_articles_sources_or_stories_are_no_trend() -> None:
    usual = make_texts(USUAL, 2)
    few = plant(make_texts(NOW, 1), "Kettle Bay", FEWEST_ARTICLES - 1)
    many = plant(make_texts(NOW, 1), "Kettle Bay", 8)

    assert find(few, usual) == ()
    assert find(many, usual, sources=2) == ()
    articles = make_articles(many)
    one_story = dict.fromkeys([article.id for article in articles[:8]], 1)
    assert find_rises(Period(articles, usual, days=7), one_story) == ()
    most = plant(make_texts(NOW, 1), "Kettle Bay", 20)
    assert [len(find(most, usual[:count])) for count in (FEWEST_BEFORE - 1, FEWEST_BEFORE)] == [0, 1]


def test_days_and_months_are_no_trend() -> None:
    assert find(plant(make_texts(NOW, 1), "Monday November 2026", 30), make_texts(USUAL, 2)) == ()


def test_log_odds_are_those_of_the_paper() -> None:
    # Monroe, Colaresi and Quinn 2008, eq. 16, 19 and 22, by hand with a prior of 2 of 100:
    # (log(10 / 190) - log(4 / 496)) / sqrt(1 / 10 + 1 / 4) = 1.876 / 0.592
    assert weigh_rise(8, 2, 100, 400) == pytest.approx(3.171, abs=0.001)
    assert weigh_rise(2, 8, 100, 400) < SIGNIFICANT
    assert weigh_rise(5, 20, 100, 400) == pytest.approx(0, abs=0.01)


def test_chance_is_that_of_fishers_exact_test() -> None:
    # Of ten balls three are red; both of two drawn: 3/10 * 2/9.
    assert chance_of(2, 1, 2, 8) == pytest.approx(1 / 15)
    assert chance_of(0, 3, 2, 8) == pytest.approx(1.0)
