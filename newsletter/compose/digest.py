"""From new articles to the digest of one issue: stories, sections, trends, subject line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from newsletter.compose.rules import DAYS, Rules
from newsletter.compose.select import Chosen, select_stories
from newsletter.compose.similar import Found, select_similar
from newsletter.compose.stories import Grouping, PossibleDuplicate, Verdicts, group_stories
from newsletter.compose.trends import Period, find_rises, list_period
from newsletter.content import Article, Card, Digest, Note, Section

if TYPE_CHECKING:
    from datetime import datetime

MOST_SECTIONS = 8
"""More headings than that are a list of tags; what is left over goes under a last, unnamed one."""
FULL_ISSUE = 12
"""From so many cards on, a heading that the publication does not know, over a single card, is a mere tag."""
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
    told: Sequence[Article] = ()
    """What earlier issues told: another report of the same event is no news."""
    before: Sequence[str] = ()
    """Title and summary of each article of the eight weeks before the issue's own period, for trends."""
    categories: Sequence[CategoryStatus] = ()
    notes: Sequence[Note] = ()
    """What editors wrote under the recent trends."""
    verdicts: Verdicts = field(default_factory=Verdicts)
    rules: Rules = field(default_factory=Rules)
    most_cards: int = 40
    """Where the rules do not say."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which stories an issue tells, the best first, and what an editor should look at."""

    chosen: tuple[Chosen, ...]
    possible: tuple[PossibleDuplicate, ...]
    """Stories that are in, or could be, and may be the same."""
    story_of: Mapping[int, int]
    """Of each article, the smallest id of its story."""


def plan_issue(material: Material, *, now: datetime) -> Plan:
    """Group and choose; what a story is like is not yet known.

    The same material and `now` give the same plan, in whatever order the articles come.

    Args:
        material: What there is.
        now: When it is drawn up, for how fresh an article is.

    """
    known = {article.id for article in material.told}
    fresh = [article for article in material.fresh if article.id not in known]
    grouping = group_stories([*fresh, *material.told], material.verdicts)
    rules = material.rules
    most = rules.cards or material.most_cards
    chosen = select_stories(_list_new(grouping, known), now=now, most=most, rules=rules)
    return Plan(tuple(chosen), _list_possible(grouping, known), _name_stories(grouping))


def compose_digest(
    material: Material,
    *,
    now: datetime,
    plan: Plan | None = None,
    similar: Mapping[int, Sequence[Found]] | None = None,
) -> Digest:
    """Group, choose and order the articles of one issue.

    The same material and `now` give the same digest, in whatever order the articles come.

    Args:
        material: What there is.
        now: When it is drawn up, for how fresh an article is.
        plan: What `plan_issue` gave for the same material and time, where it was asked before.
        similar: What a search of the archive found for the chosen leads, by their ids.

    """
    plan = plan or plan_issue(material, now=now)
    told = {article.id for chosen in plan.chosen for article in chosen.story}
    cards = [_make_card(chosen, (similar or {}).get(chosen.story[0].id, ()), told) for chosen in plan.chosen]
    sections = _make_sections(cards, material.categories)
    subject, preheader = make_lines(sections)
    days = DAYS[material.rules.cadence]
    period = Period(list_period(material.fresh, days=days, now=now), material.before, days)
    return Digest(
        number=material.number,
        subject=subject,
        preheader=preheader,
        date=material.date,
        sections=sections,
        notes=tuple(material.notes),
        trends=_list_trends(cards),
        rises=find_rises(period, plan.story_of),
    )


def make_lines(sections: Sequence[Section]) -> tuple[str, str]:
    """Subject and preheader from the first headlines."""
    titles = [card.article.title for section in sections for card in section.cards]
    return shorten(titles[0] if titles else "", SUBJECT_LENGTH), shorten(
        " · ".join(titles[1:4]), PREHEADER_LENGTH
    )


def select_categories(digest: Digest, categories: Sequence[str]) -> Digest | None:
    """The digest for readers who chose some categories; None where it has nothing for them."""
    wanted = {name.casefold() for name in categories}
    sections = tuple(
        replace(section, cards=cards)
        for section in digest.sections
        if (
            cards := tuple(
                card for card in section.cards if (card.article.category or "").casefold() in wanted
            )
        )
    )
    if not sections:
        return None
    if len([card for section in sections for card in section.cards]) == len(digest.cards):
        return digest
    subject, preheader = make_lines(sections)
    return replace(digest, sections=sections, subject=subject, preheader=preheader)


def _folded(card: Card) -> str:
    return (card.article.category or "").casefold()


def _list_new(grouping: Grouping, known: set[int]) -> list[tuple[Article, ...]]:
    """What was told is not told again, unless an editor wants it; then only the new reports of it."""
    new = []
    for story in grouping.stories:
        fresh = tuple(article for article in story if article.id not in known)
        if len(fresh) == len(story) or any(article.pinned for article in fresh):
            new.append(fresh)
    return new


def _list_possible(grouping: Grouping, known: set[int]) -> tuple[PossibleDuplicate, ...]:
    return tuple(each for each in grouping.possible if known.isdisjoint((each.one, each.other)))


def _name_stories(grouping: Grouping) -> dict[int, int]:
    return {article.id: min(each.id for each in story) for story in grouping.stories for article in story}


def _make_card(chosen: Chosen, found: Sequence[Found], told: set[int]) -> Card:
    return Card(
        article=chosen.story[0],
        also=chosen.story[1:],
        similar=select_similar(chosen.story, found, told),
        reason=str(chosen.score),
        score=chosen.score.parts,
    )


def _make_sections(cards: Sequence[Card], categories: Sequence[CategoryStatus]) -> tuple[Section, ...]:
    """One section a category; the lead story's comes first, then the publication's order."""
    known = {category.name.casefold(): category for category in categories}
    # The publication's spelling of a name, else the first card's.
    spelling = {folded: category.name for folded, category in known.items()}
    by_name: dict[str | None, list[Card]] = {}
    for card in cards:
        name = card.article.category
        name = spelling.setdefault(name.casefold(), name) if name else None
        by_name.setdefault(name, []).append(card)
    order = {category.name: place for place, category in enumerate(categories)}
    lead = next(iter(by_name), None)
    named = sorted(
        (
            name
            for name in by_name
            if name is not None and (name in order or not _is_tag(by_name[name], cards))
        ),
        key=lambda name: (name != lead, order.get(name, len(order)), -len(by_name[name]), name),
    )
    kept = named[:MOST_SECTIONS]
    in_kept = {card.article.id for name in kept for card in by_name[name]}
    rest = [card for card in cards if card.article.id not in in_kept]
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


def _is_tag(under: Sequence[Card], cards: Sequence[Card]) -> bool:
    """Whether a category that the publication does not know is no section; feeds have tags by the hundred."""
    return len(under) == 1 and len(cards) >= FULL_ISSUE and _status_of(under) is None


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
