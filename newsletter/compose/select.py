"""Which stories go into an issue, and in which order; every place can be accounted for."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.compose.rules import Rules
from newsletter.compose.words import headline_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.content import Article

HALF_LIFE_DAYS = 3.0
"""A story counts half as much every three days."""
FULL_LENGTH_WORDS = 300
UNDATED = timedelta(days=HALF_LIFE_DAYS)
"""A text without a date is taken to be older than its collecting, so that it does not lead every issue."""
PINNED = 10.0
"""More than everything else together."""
SAME_SOURCE = 0.3
SAME_CATEGORY = 0.15
"""How alike two stories are that share no more than that."""
NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Score:
    """Why a story stands where it does; the parts add up."""

    freshness: float
    tellers: float
    length: float
    picture: float
    source: float = 0.0
    category: float = 0.0
    pin: float = 0.0
    repetition: float = 0.0
    """Below zero: how much it is like what stands above it."""

    @property
    def total(self) -> float:
        """The higher, the earlier in the issue."""
        return math.fsum(getattr(self, name) for name in PARTS)

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """Those that make a difference, by name."""
        return tuple((name, round(part, 3)) for name in PARTS if (part := getattr(self, name)))

    def __str__(self) -> str:
        """The parts in words, for the editor."""
        parts = ", ".join(f"{_WORDS.get(name, name)} {part:.2f}" for name, part in self.parts)
        return f"score {self.total:.2f}: {parts}"


PARTS = tuple(field.name for field in fields(Score))
_WORDS = {"tellers": "sources", "source": "weight of the source", "category": "weight of the category"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One story of the issue, its lead first."""

    story: tuple[Article, ...]
    score: Score


def score_story(story: Sequence[Article], now: datetime, rules: Rules = NO_RULES) -> Score:
    """Rate a story by itself.

    Args:
        story: The articles that tell it, the lead first.
        now: When the issue is drawn up; a date in the future counts as now.
        rules: What the publication wants.

    """
    told_at = max(article.published_at or article.collected_at - UNDATED for article in story)
    days = max(0.0, (now - told_at).total_seconds() / 86400)
    sources = len({article.source_id for article in story})
    return Score(
        freshness=2.0 ** (-days / HALF_LIFE_DAYS),
        tellers=math.log2(sources),
        length=0.5 * min(1.0, story[0].words / FULL_LENGTH_WORDS),
        picture=0.25 * bool(story[0].image),
        source=math.log2(max(1, *(article.weight for article in story))),
        category=math.log2(rules.of_category(story[0].category).weight),
        pin=PINNED * any(article.pinned for article in story),
    )


def select_stories(
    stories: Sequence[tuple[Article, ...]], *, now: datetime, most: int, rules: Rules = NO_RULES
) -> list[Chosen]:
    """The best stories, each next one unlike those before it; ties go to the smaller id.

    Maximal marginal relevance (Carbonell and Goldstein 1998) within the rules' quotas; what is pinned is in
    whatever they say, up to `most`.
    """
    shelf = _Shelf([Chosen(story, score_story(story, now, rules)) for story in stories], rules, most)
    while shelf.has_room and (best := shelf.find_best()) is not None:
        shelf.take(best)
    return shelf.chosen


class _Shelf:
    """The stories that are in, and those that may yet come."""

    def __init__(self, stories: Sequence[Chosen], rules: Rules, most: int) -> None:
        self.chosen: list[Chosen] = []
        self._rules, self._most = rules, most
        self._waiting = {each.story[0].id: each for each in stories}
        self._words = {each.story[0].id: headline_words(each.story[0]) for each in stories}
        self._likest = dict.fromkeys(self._waiting, 0.0)
        """How like each is to the likest of those that are in."""
        unpinned = [each.score.total for each in stories if not each.score.pin]
        self._scale = max(unpinned, default=0.0) * rules.diversity / (1.0 - rules.diversity)
        self._taken: Counter[str] = Counter()
        self._sources: Counter[int | None] = Counter()
        self._wanted = {name.casefold(): rule.least for name, rule in rules.categories.items() if rule.least}

    @property
    def has_room(self) -> bool:
        return len(self.chosen) < self._most

    def find_best(self) -> Chosen | None:
        """The best of those that the rules let in."""
        waiting = list(self._waiting.values())
        pinned = [each for each in waiting if each.score.pin]
        fitting = pinned or [each for each in waiting if self._fits(each)]
        kept_for = self._list_kept(fitting)
        if kept_for and not pinned:
            fitting = [each for each in fitting if _category(each) in kept_for]
        rated = [self._rate(each) for each in fitting]
        return min(rated, key=lambda each: (-each.score.total, each.story[0].id), default=None)

    def take(self, best: Chosen) -> None:
        """Put it in, and see what it is like."""
        lead = best.story[0]
        self.chosen.append(best)
        del self._waiting[lead.id]
        self._taken[_category(best)] += 1
        self._sources[lead.source_id] += 1
        for number, other in self._waiting.items():
            alike = _likeness(lead, other.story[0], self._words[lead.id], self._words[number])
            self._likest[number] = max(self._likest[number], alike)

    def _rate(self, each: Chosen) -> Chosen:
        if each.score.pin:
            return each
        repetition = -self._scale * self._likest[each.story[0].id]
        return replace(each, score=replace(each.score, repetition=repetition))

    def _fits(self, each: Chosen) -> bool:
        rule, lead = self._rules.of_category(each.story[0].category), each.story[0]
        if rule.most is not None and self._taken[_category(each)] >= rule.most:
            return False
        limit = self._rules.per_source
        return limit is None or lead.source_id is None or self._sources[lead.source_id] < limit

    def _list_kept(self, fitting: Sequence[Chosen]) -> set[str]:
        """The categories for which the places that are left are kept."""
        there = Counter(map(_category, fitting))
        missing = {
            name: min(least - self._taken[name], there[name])
            for name, least in self._wanted.items()
            if self._taken[name] < least and there[name]
        }
        return set(missing) if self._most - len(self.chosen) <= sum(missing.values()) else set()


def _category(each: Chosen) -> str:
    return (each.story[0].category or "").casefold()


def _likeness(one: Article, other: Article, words: frozenset[str], others: frozenset[str]) -> float:
    common = len(words & others)
    text = common / (len(words) + len(others) - common) if common else 0.0
    source = SAME_SOURCE if one.source_id is not None and one.source_id == other.source_id else 0.0
    category = SAME_CATEGORY if one.category and one.category == other.category else 0.0
    return max(text, source, category)
