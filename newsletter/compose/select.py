"""Which stories go into an issue, and in which order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.content import Article

HALF_LIFE_DAYS = 3.0
"""A story counts half as much every three days."""
FULL_LENGTH_WORDS = 300
UNDATED = timedelta(days=HALF_LIFE_DAYS)
"""A text without a date is taken to be older than its collecting, so that it does not lead every issue."""


@dataclass(frozen=True, slots=True)
class Score:
    """Why a story stands where it does; the parts add up."""

    freshness: float
    tellers: float
    length: float
    picture: float

    @property
    def total(self) -> float:
        """The higher, the earlier in the issue."""
        return self.freshness + self.tellers + self.length + self.picture

    def __str__(self) -> str:
        """The parts in words, for the editor."""
        return (
            f"score {self.total:.2f}: freshness {self.freshness:.2f}, sources {self.tellers:.2f}, "
            f"length {self.length:.2f}, picture {self.picture:.2f}"
        )


def score_story(story: Sequence[Article], now: datetime) -> Score:
    """Rate a story.

    Args:
        story: The articles that tell it, the lead first.
        now: When the issue is drawn up; a date in the future counts as now.

    """
    told_at = max(article.published_at or article.collected_at - UNDATED for article in story)
    days = max(0.0, (now - told_at).total_seconds() / 86400)
    sources = len({article.source_id for article in story})
    return Score(
        freshness=2.0 ** (-days / HALF_LIFE_DAYS),
        tellers=math.log2(sources),
        length=0.5 * min(1.0, story[0].words / FULL_LENGTH_WORDS),
        picture=0.25 * bool(story[0].image),
    )


def select_stories(
    stories: Sequence[tuple[Article, ...]], *, now: datetime, most: int
) -> list[tuple[tuple[Article, ...], Score]]:
    """The best stories with their scores, best first; ties go to the smaller id."""
    scored = [(story, score_story(story, now)) for story in stories]
    return sorted(scored, key=lambda pair: (-pair[1].total, pair[0][0].id))[:most]
