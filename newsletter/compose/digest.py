"""From new articles to the digest of one issue: stories, sections, subject line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.compose.select import Score, select_stories
from newsletter.compose.similar import SimilarArticles
from newsletter.compose.stories import group_stories
from newsletter.content import Article, Card, Digest, Section

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_SECTIONS = 8
"""More headings than that are a list of tags; what is left over goes under a last, unnamed one."""
MOST_TRENDS = 5
SUBJECT_LENGTH = 76
"""Phones show about 40 characters, desktop lists about 75."""
PREHEADER_LENGTH = 110


@dataclass(frozen=True, slots=True)
class CategoryStatus:
    """A category of the publication and its standing line, in the publication's order."""

    name: str
    status: str | None
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything an issue is composed from."""

    number: int
    date: datetime
    """When it goes out, in the publication's zone."""
    fresh: Sequence[Article]
    """What is new."""
    archive: Sequence[Article] = ()
    """What a card may point back at."""
    categories: Sequence[CategoryStatus] = ()
    most_cards: int = 40


def compose_digest(material: Material, *, now: datetime) -> Digest:
    """Group, choose and order the articles of one issue.

    The same material and `now` give the same digest, in whatever order the articles come.

    Args:
        material: At least one fresh article.
        now: When it is drawn up, for how fresh an article is.

    """
    chosen = select_stories(group_stories(material.fresh), now=now, most=material.most_cards)
    similar = SimilarArticles(material.archive)
    told = {article.id for story, _ in chosen for article in story}
    cards = [(_make_card(story, score, similar, told), score) for story, score in chosen]
    sections = _make_sections(cards, material.categories)
    titles = [card.article.title for section in sections for card in section.cards]
    return Digest(
        number=material.number,
        subject=shorten(titles[0], SUBJECT_LENGTH),
        preheader=shorten(" · ".join(titles[1:4]), PREHEADER_LENGTH),
        date=material.date,
        sections=sections,
        trends=_list_trends([card for card, _ in cards]),
    )


def _make_card(story: tuple[Article, ...], score: Score, similar: SimilarArticles, told: set[int]) -> Card:
    return Card(
        article=story[0], also=story[1:], similar=similar.find(story, exclude=told), reason=str(score)
    )


def _make_sections(
    cards: Sequence[tuple[Card, Score]], categories: Sequence[CategoryStatus]
) -> tuple[Section, ...]:
    """One section a category; the lead story's comes first, then the publication's order."""
    known = {category.name.casefold(): category for category in categories}
    # The publication's spelling of a name, else the first card's.
    spelling = {folded: category.name for folded, category in known.items()}
    by_name: dict[str | None, list[Card]] = {}
    for card, _ in cards:
        name = card.article.category
        name = spelling.setdefault(name.casefold(), name) if name else None
        by_name.setdefault(name, []).append(card)
    order = {category.name: place for place, category in enumerate(categories)}
    lead = next(iter(by_name))
    named = sorted(
        (name for name in by_name if name is not None),
        key=lambda name: (name != lead, order.get(name, len(order)), -len(by_name[name]), name),
    )
    kept = named[:MOST_SECTIONS]
    in_kept = {card.article.id for name in kept for card in by_name[name]}
    rest = [card for card, _ in cards if card.article.id not in in_kept]
    sections = [
        Section(
            category=name,
            status=known[name.casefold()].status if name.casefold() in known else _status_of(by_name[name]),
            status_changed=name.casefold() in known and known[name.casefold()].changed,
            cards=tuple(by_name[name]),
        )
        for name in kept
    ]
    if rest:
        unnamed = Section(category=None, status=None, cards=tuple(rest))
        sections.insert(0 if lead is None else len(sections), unnamed)
    return tuple(sections)


def _status_of(cards: Sequence[Card]) -> str | None:
    return next((card.article.status for card in cards if card.article.status), None)


def _list_trends(cards: Sequence[Card]) -> tuple[Article, ...]:
    """What the sources printed as recent trends, the lead story's first, each once."""
    trends: dict[int, Article] = {}
    for card in cards:
        for teller in (card.article, *card.also):
            for trend in teller.trends:
                trends.setdefault(trend.id, trend)
    return tuple(trends.values())[:MOST_TRENDS]


def shorten(text: str, length: int) -> str:
    """The text on one line, cut at a word's end where it is longer than `length` characters."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > length // 2 else cut).rstrip(" ,;:·-–—") + "…"
