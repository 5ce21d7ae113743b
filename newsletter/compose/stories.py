"""Which articles tell the same event; a wrong merge is worse than a missed one."""

from __future__ import annotations

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
    stories: list[list[Article]] = []
    for article in ordered:
        for story in stories:
            if all(_is_same_event(article, other, words, weights) for other in story):
                story.append(article)
                break
        else:
            stories.append([article])
    return [tuple(sorted(story, key=_fullest_first)) for story in stories]


def _is_same_event(
    one: Article, other: Article, words: Mapping[int, frozenset[str]], weights: Mapping[str, float]
) -> bool:
    if one.source_id == other.source_id or abs(_told_at(one) - _told_at(other)) > WINDOW:
        return False
    titles = (frozenset(list_words(one.title)), frozenset(list_words(other.title)))
    if likeness(*titles, {}) >= SAME_EVENT and len(titles[0] & titles[1]) > 2:  # noqa: PLR2004 - two words in common is chance
        return True
    return likeness(words[one.id], words[other.id], weights) >= SAME_EVENT_IN_FULL


def _told_at(article: Article) -> datetime:
    return article.published_at or article.collected_at


def _fullest_first(article: Article) -> tuple[int, int, int]:
    return (-bool(article.image), -article.words, article.id)
