"""Which articles tell the same event; a wrong merge is worse than a missed one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.compose.words import headline_words, likeness, list_words, weigh_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.content import Article

WINDOW = timedelta(days=7)
SAME_EVENT = 0.5
"""Jaccard similarity of words: on news titles a precision of about 0.97."""
SAME_EVENT_IN_FULL = 0.4
"""For weighted words of title and summary together, where there is more to go by."""
FEWEST = 3
"""Two words in common are chance, as in `Weekly review`."""
FEWEST_IN_FULL = 6
"""Below it there is not more to go by than a title, whose own rule is stricter."""


def group_stories(articles: Sequence[Article]) -> list[tuple[Article, ...]]:
    """Put articles of different sources on the same event together.

    Args:
        articles: Any order; the result does not depend on it.

    Returns:
        Stories, each with its fullest article first, ordered by the smallest id in them.

    """
    ordered = sorted(articles, key=lambda article: article.id)
    words = {article.id: headline_words(article) for article in ordered}
    weights = weigh_words(words.values())
    stories: list[list[_Told]] = []
    for article in ordered:
        told = _Told(article, frozenset(list_words(article.title)), words[article.id])
        for story in stories:
            if all(_is_same_event(told, other, weights) for other in story):
                story.append(told)
                break
        else:
            stories.append([told])
    return [tuple(sorted((told.article for told in story), key=_fullest_first)) for story in stories]


@dataclass(frozen=True, slots=True)
class _Told:
    """An article with its words, which are compared with those of all others."""

    article: Article
    title: frozenset[str]
    words: frozenset[str]


def _is_same_event(one: _Told, other: _Told, weights: Mapping[str, float]) -> bool:
    if one.article.source_id == other.article.source_id:
        return False
    if abs(_told_at(one.article) - _told_at(other.article)) > WINDOW:
        return False
    if len(one.title & other.title) >= FEWEST and likeness(one.title, other.title, {}) >= SAME_EVENT:
        return True
    if len(one.words & other.words) < FEWEST_IN_FULL:
        return False
    return likeness(one.words, other.words, weights) >= SAME_EVENT_IN_FULL


def _told_at(article: Article) -> datetime:
    return article.published_at or article.collected_at


def _fullest_first(article: Article) -> tuple[int, int, int]:
    return (-bool(article.image), -article.words, article.id)
