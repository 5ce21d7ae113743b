"""A digest tells every story once, the best first, by section, whatever the order of its articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.compose.digest import (
    MOST_SECTIONS,
    MOST_TRENDS,
    PREHEADER_LENGTH,
    SUBJECT_LENGTH,
    CategoryStatus,
    Material,
    compose_digest,
    select_categories,
    shorten,
)
from newsletter.compose.rules import Rules
from newsletter.compose.select import score_story, select_stories
from newsletter.compose.similar import FLOOR, MOST, Found, select_similar
from newsletter.compose.stories import Verdicts
from newsletter.content import Article, Digest
from tests.compose.builders import NOW, TITLES, article_lists, read_samples
from tests.support.mail_builders import make_article

STANDING = (CategoryStatus("Economy", "Growth slows."), CategoryStatus("Security", "Calm.", changed=True))


def compose(
    fresh: Sequence[Article],
    most_cards: int = 40,
    archive: Sequence[Article] = (),
    **changes: Any,  # noqa: ANN401 - what Material takes
) -> Digest:
    """Every article of `archive` is what a search found for every card."""
    values = {"categories": STANDING, **changes}
    material = Material(number=7, date=NOW, fresh=fresh, most_cards=most_cards, **values)
    found = [Found(article, 0.5) for article in archive]
    return compose_digest(material, now=NOW, similar=dict.fromkeys(range(1, 100), found))


def outline(digest: Digest) -> list[tuple[str | None, list[int]]]:
    return [(section.category, [card.article.id for card in section.cards]) for section in digest.sections]


def list_told(digest: Digest) -> list[int]:
    return sorted(article.id for card in digest.cards for article in (card.article, *card.also))


@given(article_lists(), article_lists(4), st.integers(0, 2**32))
def test_the_order_of_the_material_makes_no_difference(
    fresh: list[Article], old: list[Article], seed: int
) -> None:
    archive = [make_article(100 + article.id, title=article.title) for article in old]
    digest = compose(fresh, archive=archive)
    for material in (fresh, archive):
        Random(seed).shuffle(material)

    assert compose(fresh, archive=archive) == digest


@given(article_lists(12), st.integers(1, 12))
def test_every_fresh_article_is_told_once_up_to_the_limit(fresh: list[Article], most: int) -> None:
    everything, some = compose(fresh, most_cards=100), compose(fresh, most_cards=most)

    assert list_told(everything) == [article.id for article in fresh]
    assert len(some.cards) == min(most, len(everything.cards))
    assert len(set(list_told(some))) == len(list_told(some))
    assert {card.article.id for card in some.cards} <= {card.article.id for card in everything.cards}


@given(article_lists(12))
def test_the_best_story_comes_first_and_gives_the_subject(fresh: list[Article]) -> None:
    digest = compose(fresh)
    totals = {card.article.id: float(card.reason.split()[1].rstrip(":")) for card in digest.cards}

    assert totals[digest.cards[0].article.id] == max(totals.values())
    assert digest.subject == shorten(digest.cards[0].article.title, SUBJECT_LENGTH)
    for section in digest.sections:
        scores = [totals[card.article.id] for card in section.cards]
        assert scores == sorted(scores, reverse=True)


@given(article_lists(), article_lists(5))
def test_a_card_points_at_no_story_of_its_own_issue(fresh: list[Article], old: list[Article]) -> None:
    digest = compose(fresh, archive=[*fresh, *(make_article(50 + a.id, title=a.title) for a in old)])

    for card in digest.cards:
        assert len(card.similar) <= MOST
        assert {article.id for article in card.similar}.isdisjoint(list_told(digest))


def test_ties_go_to_the_smaller_id() -> None:
    same = [make_article(number, title=f"t{number}", published_at=NOW) for number in (3, 1, 2)]

    assert [each.story[0].id for each in select_stories([(a,) for a in same], now=NOW, most=9)] == [1, 2, 3]


def test_two_tellers_are_one_card_with_also() -> None:
    fresh = [make_article(1, title=TITLES[0], source_id=1), make_article(2, title=TITLES[1], source_id=2)]

    (card,) = compose(fresh).cards

    assert (card.article.id, [article.id for article in card.also]) == (1, [2])


def test_fresher_fuller_pictured_and_wider_told_stories_count_more() -> None:
    plain = make_article(1, published_at=NOW, words=100, image=None)
    older = make_article(2, published_at=NOW - timedelta(days=3), words=100)
    fuller = make_article(3, published_at=NOW, words=300)
    pictured = make_article(4, published_at=NOW, words=100, image="https://example.org/a.png")
    total = score_story([plain], NOW).total

    assert score_story([older], NOW).total == pytest.approx(total - 0.5)
    assert score_story([fuller], NOW).total > total
    assert score_story([pictured], NOW).total == pytest.approx(total + 0.25)
    assert score_story([plain, make_article(5, source_id=2, published_at=NOW)], NOW).total == pytest.approx(
        total + 1
    )
    future = make_article(6, published_at=NOW + timedelta(days=9), words=100)
    assert score_story([future], NOW).total == pytest.approx(total)
    assert str(score_story([plain], NOW)).startswith(f"score {total:.2f}: freshness 1.00, length 0.17")


def test_the_leads_section_comes_first_then_the_publications_order() -> None:
    fresh = [
        make_article(1, title="a", category="Security", published_at=NOW - timedelta(days=4)),
        make_article(2, title="b", category="economy", published_at=NOW - timedelta(days=5)),
        make_article(3, title="c", category="Culture", published_at=NOW),
        make_article(4, title="d", category=None, published_at=NOW - timedelta(days=1)),
    ]
    digest = compose(fresh)

    assert outline(digest) == [("Culture", [3]), ("Economy", [2]), ("Security", [1]), (None, [4])]
    assert [(s.status, s.status_changed) for s in digest.sections] == [
        (None, False),
        ("Growth slows.", False),
        ("Calm.", True),
        (None, False),
    ]


def test_a_lead_without_a_category_stays_first() -> None:
    fresh = [
        make_article(1, title="a", published_at=NOW - timedelta(days=4)),
        make_article(2, title="b", category=None, published_at=NOW),
    ]

    assert outline(compose(fresh)) == [(None, [2]), ("Security", [1])]


def test_one_category_in_two_spellings_is_one_section() -> None:
    fresh = [
        make_article(1, title="a", category="Culture", published_at=NOW),
        make_article(2, title="b", category="CULTURE", published_at=NOW - timedelta(days=1)),
    ]

    assert outline(compose(fresh)) == [("Culture", [1, 2])]


def test_sections_beyond_the_limit_share_one_without_a_name() -> None:
    fresh = [make_article(n, title=f"t{n}", category=f"c{n:02}", published_at=NOW) for n in range(1, 13)]
    known = [CategoryStatus(f"c{n:02}", None) for n in range(1, 13)]
    digest = compose(fresh, categories=known)

    assert len(digest.sections) == MOST_SECTIONS + 1
    name, ids = outline(digest)[-1]
    assert (name, sorted(ids)) == (None, [9, 10, 11, 12])


def test_a_tag_over_a_single_card_of_a_long_issue_is_no_section() -> None:
    fresh = [make_article(n, title=f"t{n}", category=None, published_at=NOW) for n in range(1, 10)]
    fresh += [
        make_article(n, title=f"u{n}", category=tag, published_at=NOW)
        for n, tag in enumerate(("sysadmin", "Economy", "ferries", "ferries"), 10)
    ]

    assert {name for name, _ in outline(compose(fresh))} == {None, "Economy", "ferries"}
    assert {name for name, _ in outline(compose(fresh[8:]))} == {None, "sysadmin", "Economy", "ferries"}
    standing = replace(fresh[9], status="All quiet.")
    assert "sysadmin" in {name for name, _ in outline(compose([*fresh[:9], standing, *fresh[10:]]))}


def test_a_category_the_publication_does_not_know_takes_its_line_from_an_article() -> None:
    fresh = [
        make_article(1, category="Culture", status="Busy."),
        make_article(2, title="b", category="Culture"),
    ]

    assert compose(fresh).sections[0].status == "Busy."


def test_what_the_source_names_as_similar_goes_before_what_looks_alike() -> None:
    named = make_article(90, title="Unlike")
    fresh = [make_article(1, similar=(named, named), title=TITLES[0])]
    alike = make_article(91, title=TITLES[1])

    assert compose(fresh, archive=[alike]).cards[0].similar == (named,)
    assert compose([make_article(1, title=TITLES[0])], archive=[alike]).cards[0].similar == (alike,)


def test_similar_articles_are_the_likest_above_the_floor_and_each_title_once() -> None:
    lead = make_article(1)
    found = [
        Found(make_article(9, title="Military dialogue a"), FLOOR - 0.01),
        Found(make_article(8, title="Military dialogue b"), FLOOR),
        Found(make_article(7, title="Military dialogue c"), 0.9),
        Found(make_article(6, title="Military dialogue C"), 0.9),
        Found(make_article(5, title="Military dialogue d"), 0.4),
        Found(make_article(1, title="Military dialogue itself"), 1.0),
        Found(make_article(4, title="Military dialogue told in this issue"), 1.0),
        Found(make_article(3, title="Minsk", summary="One word in common."), 1.0),
    ]

    assert [each.id for each in select_similar([lead], found, exclude={4})] == [6, 5]
    assert select_similar([lead], found[:1], exclude=set()) == ()


def test_an_event_that_was_told_is_no_news_in_another_paper() -> None:
    before = make_article(50, title=TITLES[0], source_id=1, published_at=NOW - timedelta(days=3))
    late = make_article(1, title=TITLES[1], source_id=2, published_at=NOW - timedelta(days=2))
    other = make_article(2, title="Harbour levy passes first reading", source_id=2)

    assert list_told(compose([late, other], told=[before])) == [2]
    pinned = replace(late, pinned=True)
    assert list_told(compose([pinned, other], told=[before])) == [1, 2]


def test_editors_verdicts_go_before_the_words() -> None:
    one, other = make_article(1, title=TITLES[0], source_id=1), make_article(2, title=TITLES[1], source_id=2)
    apart = Verdicts(different=frozenset({(1, 2)}))
    unlike = make_article(3, title="Harbour levy passes first reading", summary="", source_id=3)
    together = Verdicts(same=frozenset({(1, 3)}))

    assert len(compose([one, other], verdicts=apart).cards) == 2
    assert [[a.id for a in card.also] for card in compose([one, unlike], verdicts=together).cards] == [[3]]


@given(article_lists(12), st.integers(1, 5), st.data())
def test_pins_are_never_dropped_and_come_first(fresh: list[Article], most: int, data: st.DataObject) -> None:
    pins = data.draw(st.lists(st.sampled_from(fresh), max_size=most, unique=True))
    ids = {article.id for article in pins}
    articles = [replace(article, pinned=article.id in ids) for article in fresh]
    rules = Rules(per_source=1, categories={"Security": {"most": 0}})  # type: ignore[dict-item] # as TOML has it
    digest = compose(articles, most_cards=most, rules=rules)

    assert ids <= set(list_told(digest))
    if pins:
        assert any(article.pinned for article in (digest.cards[0].article, *digest.cards[0].also))


@given(article_lists(12), st.integers(1, 12), st.integers(1, 3), st.integers(0, 4))
def test_quotas_hold(fresh: list[Article], most: int, per_source: int, at_most: int) -> None:
    rules = Rules.model_validate(
        {"per_source": per_source, "categories": {"security": {"most": at_most}, "economy": {"least": 2}}}
    )
    chosen = [
        each.story[0] for each in select_stories([(a,) for a in fresh], now=NOW, most=most, rules=rules)
    ]
    categories = Counter((article.category or "").casefold() for article in chosen)
    sources = Counter(article.source_id for article in chosen if article.source_id is not None)

    assert len(chosen) <= most
    assert categories["security"] <= at_most
    assert max(sources.values(), default=0) <= per_source


def test_places_are_kept_for_a_category_that_wants_them() -> None:
    better = [make_article(n, title=f"t{n}", category="Security", published_at=NOW) for n in range(1, 6)]
    worse = [
        make_article(n, title=f"u{n}", category="Culture", published_at=NOW - timedelta(days=9), source_id=2)
        for n in range(6, 9)
    ]
    rules = Rules.model_validate({"diversity": 0, "categories": {"culture": {"least": 2}}})
    chosen = select_stories([(a,) for a in [*better, *worse]], now=NOW, most=4, rules=rules)

    assert [each.story[0].category for each in chosen] == ["Security", "Security", "Culture", "Culture"]


def test_what_is_like_the_card_above_moves_down_and_says_so() -> None:
    first = make_article(1, title=TITLES[0], published_at=NOW, words=300)
    again = make_article(2, title=TITLES[0], published_at=NOW, words=299)
    another = make_article(
        3, title="Harbour levy passes", summary="", source_id=2, category="x", published_at=NOW, words=280
    )
    stories = [(first,), (again,), (another,)]
    plain = select_stories(stories, now=NOW, most=3, rules=Rules(diversity=0))
    diverse = select_stories(stories, now=NOW, most=3)

    assert [each.story[0].id for each in plain] == [1, 2, 3]
    assert [each.story[0].id for each in diverse] == [1, 3, 2]
    assert diverse[2].score.repetition < 0
    assert "repetition -" in str(diverse[2].score)
    # Who pins two that are alike wants both.
    pinned = [tuple(replace(article, pinned=True) for article in story) for story in stories[:2]]
    assert [each.score.repetition for each in select_stories([*pinned, (another,)], now=NOW, most=2)] == [
        0,
        0,
    ]


def test_weights_of_source_and_category_count_as_sources_do() -> None:
    plain = make_article(1, published_at=NOW)
    rules = Rules.model_validate({"categories": {"SECURITY": {"weight": 4}}})
    total = score_story([plain], NOW).total

    assert score_story([replace(plain, weight=2)], NOW).total == pytest.approx(total + 1)
    assert score_story([plain], NOW, rules).total == pytest.approx(total + 2)
    assert sum(part for _, part in score_story([plain], NOW, rules).parts) == pytest.approx(
        total + 2, abs=0.01
    )


@given(article_lists(12), st.sampled_from(["Security", "ECONOMY", "none"]))
def test_a_readers_categories_are_all_that_is_in(fresh: list[Article], wanted: str) -> None:
    digest = compose(fresh, most_cards=100)
    chosen = select_categories(digest, [wanted])
    expected = [
        card for card in digest.cards if (card.article.category or "").casefold() == wanted.casefold()
    ]

    assert list(chosen.cards if chosen else ()) == expected
    if chosen is not None:
        assert chosen.subject == shorten(expected[0].article.title, SUBJECT_LENGTH)
        assert select_categories(digest, ["security", "economy", ""]) is digest


def test_trends_are_shown_once_the_leads_first() -> None:
    trends = [make_article(200 + n) for n in range(8)]
    lead = make_article(1, title="a", published_at=NOW, trends=tuple(trends[2:4]))
    other = make_article(2, title="b", published_at=NOW - timedelta(days=3), trends=tuple(trends))

    assert [trend.id for trend in compose([other, lead]).trends] == [202, 203, 200, 201, 204]
    assert len(compose([other, lead]).trends) == MOST_TRENDS


def test_the_samples_make_a_digest() -> None:
    samples = read_samples()
    digest = compose(samples)

    assert list_told(digest) == [article.id for article in samples]
    assert len(digest.cards) == len(samples) - 1
    assert digest.reading_minutes > 0


@given(st.text(), st.integers(2, 120))
def test_a_shortened_text_is_one_line_of_at_most_that_length(text: str, length: int) -> None:
    line = shorten(text, length)

    assert len(line) <= length
    assert line == " ".join(line.split())
    assert (line == " ".join(text.split())) or line.endswith("…")


def test_a_text_is_cut_at_the_end_of_a_word() -> None:
    assert shorten("Ferry accord, initialled", 16) == "Ferry accord…"
    assert shorten("Donaudampfschifffahrt", 10) == "Donaudamp…"
    assert PREHEADER_LENGTH > SUBJECT_LENGTH
