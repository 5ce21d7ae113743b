"""Use case: what changed between two issues, or between an issue and its last draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from newsletter.errors import NotFoundError
from newsletter.publishing.checking import identify, review
from newsletter.publishing.composition import load_digest
from newsletter.publishing.preview import load_mail
from newsletter.store import checks, issues, publications

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import Finding
    from newsletter.store.engine import Database
    from newsletter.store.models import Issue

_COMPARED = ("title", "summary", "link", "status", "also", "similar")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    id: int
    number: int | None
    state: str
    """`earlier draft` where it is one."""
    cards: int


@dataclass(frozen=True, slots=True)
class Change:
    """What was and what is."""

    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class CardChange:
    """One card that both have, and what differs."""

    title: str
    changes: dict[str, Change]


@dataclass(frozen=True, slots=True)
class IssueDiff:
    """What changed from the old one to the new one."""

    old: Side
    new: Side
    subject: Change | None
    preheader: Change | None
    added: tuple[str, ...]
    """Titles of cards that only the new one has, in its order; likewise below."""
    dropped: tuple[str, ...]
    kept: tuple[str, ...]
    moved: tuple[CardChange, ...]
    """Cards in another category, or in another order among those that both have."""
    edited: tuple[CardChange, ...]
    found: tuple[Finding, ...]
    """Findings of the checks that only the new one has."""
    mended: tuple[Finding, ...]
    notes: tuple[str, ...] = field(default=())


def compare_issues(
    database: Database,
    settings: Settings,
    new_id: int,
    old_id: int | None = None,
    *,
    with_draft: bool = False,
    now: datetime,
) -> IssueDiff:
    """Compare an issue with another one, with the last that went out before it, or with its own last draft.

    Raises:
        NotFoundError: There is no such issue, or nothing to compare it with.
        StateError: One of them was skipped, so there is no mail.

    """
    with database.read() as session:
        new = issues.get_issue(session, new_id)
        if with_draft:
            return _compare_with_draft(session, settings, new)
        old = issues.get_issue(session, old_id) if old_id is not None else _find_last(session, new)
        outlines = [make_outline(session, settings, issue) for issue in (old, new)]
        findings = [
            (*report.blocking, *report.advisory)
            for issue in (old, new)
            for report in [review(session, settings, load_mail(session, settings, issue.id), now=now)]
        ]
        return _compare((_side(old, outlines[0]), _side(new, outlines[1])), outlines, findings, ())


def keep_outline(session: Session, settings: Settings, issue: Issue, *, now: datetime) -> None:
    """Remember what a draft holds, so that the next can be compared with it."""
    if issue.content:
        checks.add_outline(session, issue.id, make_outline(session, settings, issue), now=now)


def make_outline(session: Session, settings: Settings, issue: Issue) -> dict[str, Any]:
    """What an issue holds in words, ready for JSON."""
    if not issue.content:
        return {"subject": issue.subject, "preheader": issue.preheader, "cards": []}
    publication = publications.load_publication(session, settings.base_url, issue.publication_id)
    digest = load_digest(session, issue, publication)
    cards = [
        {
            "article": card.article.id,
            "category": section.category,
            "title": card.article.title,
            "summary": card.article.summary,
            "link": card.article.link,
            "status": card.article.status,
            "also": [article.title for article in card.also],
            "similar": [article.title for article in card.similar],
        }
        for section in digest.sections
        for card in section.cards
    ]
    return {"subject": issue.subject, "preheader": issue.preheader, "cards": cards}


def _find_last(session: Session, issue: Issue) -> Issue:
    last = issues.find_told_before(session, issue.publication_id, issue.id)
    if last is None:
        message = f"no issue went out before issue {issue.id}: `newsletter issue diff OLD NEW` takes any two"
        raise NotFoundError(message)
    return last


def _compare_with_draft(session: Session, settings: Settings, issue: Issue) -> IssueDiff:
    present = make_outline(session, settings, issue)
    earlier = [outline for outline in checks.list_outlines(session, issue.id) if outline != present]
    if not earlier:
        message = f"issue {issue.id} is as it was drafted: there is no other draft of it"
        raise NotFoundError(message)
    old = Side(issue.id, issue.number, "earlier draft", len(earlier[0]["cards"]))
    notes = ("checks: what they found in an earlier draft is not kept",)
    return _compare((old, _side(issue, present)), [earlier[0], present], [(), ()], notes)


def _side(issue: Issue, outline: dict[str, Any]) -> Side:
    return Side(issue.id, issue.number, issue.state, len(outline["cards"]))


def _compare(
    sides: tuple[Side, Side],
    outlines: list[dict[str, Any]],
    findings: list[tuple[Finding, ...]],
    notes: tuple[str, ...],
) -> IssueDiff:
    old, new = outlines
    before = {card["article"]: card for card in old["cards"]}
    after = {card["article"]: card for card in new["cards"]}
    both = [article for article in after if article in before]
    known = [{identify(finding) for finding in each} for each in findings]
    return IssueDiff(
        *sides,
        subject=_change(old["subject"], new["subject"]),
        preheader=_change(old["preheader"], new["preheader"]),
        added=tuple(card["title"] for article, card in after.items() if article not in before),
        dropped=tuple(card["title"] for article, card in before.items() if article not in after),
        kept=tuple(after[article]["title"] for article in both),
        moved=tuple(_list_moved(before, after)),
        edited=tuple(
            CardChange(after[article]["title"], changes)
            for article in both
            if (changes := _list_changes(before[article], after[article]))
        ),
        found=tuple(each for each in findings[1] if identify(each) not in known[0]),
        mended=tuple(each for each in findings[0] if identify(each) not in known[1]),
        notes=notes,
    )


def _change(old: object, new: object) -> Change | None:
    return None if old == new else Change(old, new)


def _list_changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Change]:
    changes = {name: _change(old.get(name), new.get(name)) for name in _COMPARED}
    return {name: change for name, change in changes.items() if change}


def _list_moved(before: dict[int, Any], after: dict[int, Any]) -> list[CardChange]:
    """The fewest cards that one would have to pick up to make the one order of the other."""
    old = [article for article in before if article in after]
    new = [article for article in after if article in before]
    stayed = {
        article
        for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        for article in new[block.b : block.b + block.size]
    }
    places = {article: place for place, article in enumerate(before, 1)}
    moved = []
    for place, (article, card) in enumerate(after.items(), 1):
        if article not in before:
            continue
        changes = {} if article in stayed else {"place": Change(places[article], place)}
        if category := _change(before[article]["category"], card["category"]):
            changes["category"] = category
        if changes:
            moved.append(CardChange(card["title"], changes))
    return moved
