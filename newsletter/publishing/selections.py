"""Which selections of an issue readers get beside the whole of it, and which of them the checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.compose.digest import select_categories
from newsletter.publishing.composition import find_audience, may_choose, name_selection
from newsletter.store import deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.content import Digest
    from newsletter.store.models import Issue


@dataclass(frozen=True, slots=True)
class Selection:
    """What readers of some categories get."""

    key: str
    categories: tuple[str, ...]
    """As one of these readers chose them."""
    digest: Digest


def list_selections(session: Session, issue: Issue, whole: Digest, *, now: datetime) -> list[Selection]:
    """Each distinct selection that would go out now, the shortest first; the whole issue is none."""
    if not may_choose(session, issue):
        return []
    found: dict[str, Selection] = {}
    audience = find_audience(session, issue)
    for categories in deliveries.list_choices(session, issue, audience, now=now).values():
        selection = select_categories(whole, categories)
        if selection is not None and selection is not whole:
            key = name_selection(selection, whole)
            found.setdefault(key, Selection(key, categories, selection))
    return sorted(found.values(), key=lambda each: len(each.digest.cards))


def choose_selections(selections: list[Selection], cards: int) -> list[Selection]:
    """The longest, and of the others the shortest while all together have no more than so many cards.

    What is wrong with a card shows in the whole issue; what a selection adds is its subject, its beginning,
    and that little is left of it. So the shortest differ most, and checking costs at most twice as much.
    """
    if not selections:
        return []
    *others, longest = selections
    chosen, left = [longest], cards - len(longest.digest.cards)
    for each in others:
        left -= len(each.digest.cards)
        if left < 0 and len(chosen) > 1:
            break
        chosen.append(each)
    return chosen
