"""Earlier articles on the same matter, shown under a card; the archive's full-text search finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.compose.words import headline_words, list_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from newsletter.content import Article

FLOOR = 0.35
"""Below it two articles share no more than their language."""
FEWEST = 2
"""Words of the headline that the other must have in its own or its summary: one in common is chance."""
MOST = 2


@dataclass(frozen=True, slots=True)
class Found:
    """An earlier article that the search for a card's headline gave."""

    article: Article
    likeness: float
    """Its score as a share of what the card's own article gets."""


def select_similar(
    story: Sequence[Article], found: Sequence[Found], exclude: AbstractSet[int]
) -> tuple[Article, ...]:
    """At most two articles like a story's first: those that its sources name, else the likest that was found.

    Args:
        story: The articles that tell one event, the lead first.
        found: What the archive's search gave for the lead, in any order.
        exclude: Ids that must not be pointed at, as the cards of the same issue.

    """
    own = {article.id for article in story}
    named = [article for teller in story for article in teller.similar if article.id not in own]
    if named:
        return tuple({article.id: article for article in named}.values())[:MOST]
    words = set(list_words(story[0].title))
    ranked = sorted(found, key=lambda each: (-each.likeness, each.article.id))
    fitting = [
        each.article
        for each in ranked
        if each.likeness >= FLOOR
        and each.article.id not in own | exclude
        and len(words & headline_words(each.article)) >= FEWEST
    ]
    return _unlike(fitting)


def _unlike(articles: Sequence[Article]) -> tuple[Article, ...]:
    """The first of each title: the same report from two papers is one thing to read."""
    by_title: dict[str, Article] = {}
    for article in articles:
        by_title.setdefault(article.title.casefold(), article)
    return tuple(by_title.values())[:MOST]
