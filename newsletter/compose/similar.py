"""Earlier articles on the same matter, shown under a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.compose.words import headline_words, likeness, weigh_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from newsletter.content import Article

FLOOR = 0.12
"""Below it two texts share no more than their language."""
MOST = 2


class SimilarArticles:
    """An index of earlier articles; built once for an issue."""

    def __init__(self, archive: Sequence[Article]) -> None:
        """Take the articles that may be pointed at, in any order."""
        self._archive = sorted(archive, key=lambda article: article.id)
        self._words = {article.id: headline_words(article) for article in self._archive}
        self._weights = weigh_words(self._words.values())

    def find(self, story: Sequence[Article], exclude: AbstractSet[int]) -> tuple[Article, ...]:
        """At most two articles like a story's first: those that its source names, then the archive's likest.

        Args:
            story: The articles that tell one event, the lead first.
            exclude: Ids that must not be pointed at, as the cards of the same issue.

        """
        named = tuple(article for teller in story for article in teller.similar)
        own = {article.id for article in story}
        if named:
            return _first_of_each(named, own)
        lead = headline_words(story[0])
        scored = [
            (likeness(lead, self._words[article.id], self._weights), article)
            for article in self._archive
            if article.id not in exclude and article.id not in own
        ]
        likest = sorted(
            (pair for pair in scored if pair[0] >= FLOOR), key=lambda pair: (-pair[0], pair[1].id)
        )
        return tuple(article for _, article in likest[:MOST])


def _first_of_each(named: Sequence[Article], own: AbstractSet[int]) -> tuple[Article, ...]:
    unique = {article.id: article for article in reversed(named) if article.id not in own}
    return tuple(unique[article.id] for article in dict.fromkeys(named) if article.id in unique)[:MOST]
