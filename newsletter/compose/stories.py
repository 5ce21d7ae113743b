"""Which articles tell the same event; a wrong merge is worse than a missed one."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import TYPE_CHECKING

from newsletter.compose.words import headline_words, likeness, list_words, weigh_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from newsletter.content import Article

WINDOW = timedelta(days=7)
SAME_EVENT = 0.36
"""Cosine at and above which articles are merged; docs/quality.md has what that misses and mixes up."""
POSSIBLE = 0.2
"""From here on an editor is asked."""
SAME_TITLE = 0.5
"""Jaccard similarity of the words of titles: on news a precision of about 0.97 by itself."""
FEWEST = 3
"""Two words in common are chance, as in `Weekly review`."""
FEWEST_IN_FULL = 6
"""Below it there is not more to go by than a title, whose own rule is stricter."""
TITLE_WEIGHT = 1.5

Pair = tuple[int, int]
"""Two ids of articles, the smaller first."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What editors said about pairs of articles; it goes before any likeness."""

    same: frozenset[Pair] = frozenset()
    different: frozenset[Pair] = frozenset()


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Two stories that may be one, by the ids of their first articles."""

    one: int
    other: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Grouping:
    """Stories, each with its fullest article first, ordered by the smallest id in them."""

    stories: tuple[tuple[Article, ...], ...]
    possible: tuple[PossibleDuplicate, ...] = ()
    """The likest first."""


def group_stories(articles: Sequence[Article], verdicts: Verdicts | None = None) -> Grouping:
    """Put articles of different sources on the same event together, by average link.

    Args:
        articles: Any order; the result does not depend on it.
        verdicts: What editors decided.

    """
    verdicts = verdicts or Verdicts()
    ordered = {article.id: article for article in sorted(articles, key=lambda article: article.id)}
    likenesses = _compare_all(ordered)
    groups = _Groups(ordered, likenesses, verdicts)
    groups.join_decided()
    groups.join_alike()
    stories = sorted(groups.members.values(), key=min)
    return Grouping(
        stories=tuple(
            tuple(sorted((ordered[number] for number in story), key=_fullest_first)) for story in stories
        ),
        possible=groups.list_possible(),
    )


class _Groups:
    """Groups of articles that grow by joining the two likest; a group is named by its smallest id."""

    def __init__(
        self, articles: Mapping[int, Article], likenesses: Mapping[Pair, float], verdicts: Verdicts
    ) -> None:
        self._articles = articles
        self._likenesses = likenesses
        self._verdicts = verdicts
        self.members: dict[int, list[int]] = {number: [number] for number in articles}
        self._group_of = {number: number for number in articles}

    def join_decided(self) -> None:
        """Join what an editor said is the same."""
        for one, other in sorted(self._verdicts.same):
            if one in self._group_of and other in self._group_of:
                self._join(self._group_of[one], self._group_of[other])

    def join_alike(self) -> None:
        """Join the two likest groups until none are alike enough."""
        while pairs := self._rank(SAME_EVENT):
            joined: set[int] = set()
            for _, one, other in pairs:
                # A group that has just grown is another one: it is compared anew.
                if joined.isdisjoint((one, other)):
                    self._join(one, other)
                    joined.update((one, other))

    def list_possible(self) -> tuple[PossibleDuplicate, ...]:
        """Groups that are alike, though not enough to be joined."""
        return tuple(
            PossibleDuplicate(self._lead(one), self._lead(other), round(mean, 2))
            for mean, one, other in self._rank(POSSIBLE)
        )

    def _lead(self, group: int) -> int:
        return min((self._articles[number] for number in self.members[group]), key=_fullest_first).id

    def _join(self, one: int, other: int) -> None:
        one, other = min(one, other), max(one, other)
        if one == other:
            return
        for number in self.members.pop(other):
            self.members[one].append(number)
            self._group_of[number] = one

    def _rank(self, floor: float) -> list[tuple[float, int, int]]:
        """Pairs of groups that may be one, by their mean likeness, the likest first."""
        touching = {
            (min(groups), max(groups))
            for one, other in self._likenesses
            if len(groups := {self._group_of[one], self._group_of[other]}) > 1
        }
        ranked = [(self._mean(one, other), one, other) for one, other in touching if self._fit(one, other)]
        return sorted((rank for rank in ranked if rank[0] >= floor), key=lambda rank: (-rank[0], *rank[1:]))

    def _mean(self, one: int, other: int) -> float:
        pairs = [_pair(*pair) for pair in product(self.members[one], self.members[other])]
        return sum(self._likenesses.get(pair, 0.0) for pair in pairs) / len(pairs)

    def _fit(self, one: int, other: int) -> bool:
        """Whether nothing forbids them to be one: a common source, too long between them, an editor."""
        both = [self._articles[number] for number in (*self.members[one], *self.members[other])]
        sources = [article.source_id for article in both]
        times = [_told_at(article) for article in both]
        forbidden = self._verdicts.different
        return (
            len(set(sources)) == len(sources)
            and max(times) - min(times) <= WINDOW
            and (
                not forbidden
                or all(
                    _pair(*pair) not in forbidden for pair in product(self.members[one], self.members[other])
                )
            )
        )


def _compare_all(articles: Mapping[int, Article]) -> dict[Pair, float]:
    """The likeness of every two articles that are at all alike."""
    words = {number: headline_words(article) for number, article in articles.items()}
    titles = {number: frozenset(list_words(article.title)) for number, article in articles.items()}
    weights = weigh_words(words.values())
    vectors = {number: _point(words[number], titles[number], weights) for number in articles}
    likenesses: dict[Pair, float] = defaultdict(float)
    for word, holders in sorted(_index(vectors).items()):
        for one, other in combinations(holders, 2):
            likenesses[one, other] += vectors[one][word] * vectors[other][word]
    alike = {}
    for (one, other), cosine in likenesses.items():
        found = _judge(cosine, titles[one], titles[other], len(words[one] & words[other]))
        if found >= POSSIBLE:
            alike[one, other] = found
    return alike


def _judge(cosine: float, one: frozenset[str], other: frozenset[str], common: int) -> float:
    if len(one & other) >= FEWEST and (jaccard := likeness(one, other, {})) >= SAME_TITLE:
        return max(cosine, jaccard)
    return cosine if common >= FEWEST_IN_FULL else 0.0


def _point(words: frozenset[str], title: frozenset[str], weights: Mapping[str, float]) -> dict[str, float]:
    raw = {word: weights[word] * (TITLE_WEIGHT if word in title else 1.0) for word in sorted(words)}
    length = math.sqrt(sum(weight * weight for weight in raw.values()))
    return {word: weight / length for word, weight in raw.items()}


def _index(vectors: Mapping[int, Mapping[str, float]]) -> dict[str, list[int]]:
    holders: dict[str, list[int]] = defaultdict(list)
    for number, vector in vectors.items():
        for word in vector:
            holders[word].append(number)
    return holders


def _pair(one: int, other: int) -> Pair:
    return (min(one, other), max(one, other))


def list_pairs(groups: Iterable[Collection[int]]) -> set[Pair]:
    """Every pair of ids that share a group, as verdicts speak of them."""
    return {_pair(*pair) for group in groups for pair in combinations(group, 2)}


def _told_at(article: Article) -> datetime:
    return article.published_at or article.collected_at


def _fullest_first(article: Article) -> tuple[int, int, int]:
    return (-bool(article.image), -article.words, article.id)
