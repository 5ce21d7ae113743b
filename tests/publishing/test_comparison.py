"""What changed between two issues, and between an issue and its last draft."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from newsletter.errors import NotFoundError
from newsletter.publishing.comparison import Change, IssueDiff, compare_issues
from newsletter.store.checks import KEPT_OUTLINES, list_outlines
from newsletter.store.models import Article, Issue
from tests.support.publishing_builders import NOW, Desk

LATER = NOW + timedelta(hours=1)


def compare(desk: Desk, new: int, old: int | None = None, *, with_draft: bool = False) -> IssueDiff:
    return compare_issues(desk.database, desk.settings, new, old, with_draft=with_draft, now=NOW)


def test_an_issue_is_compared_with_the_last_that_went_out(desk: Desk) -> None:
    desk.add_article("A ship came in")
    first = desk.approve(desk.draft().id).id
    desk.add_article("A ship went out")
    second = desk.draft(LATER).id
    found = compare(desk, second)

    assert (found.old.id, found.new.id) == (first, second)
    assert found.added == ("A ship went out",)
    assert found.dropped == ("A ship came in",)
    assert found.subject
    assert "went out" in found.subject.new


def test_nothing_to_compare_with_is_said(desk: Desk) -> None:
    desk.add_article("A ship came in")
    issue_id = desk.draft().id

    with pytest.raises(NotFoundError, match="no issue went out before"):
        compare(desk, issue_id)
    with pytest.raises(NotFoundError, match="no other draft"):
        compare(desk, issue_id, with_draft=True)


def test_a_draft_is_compared_with_the_one_before_it(desk: Desk) -> None:
    first = desk.add_article("A ship came in")
    issue_id = desk.draft().id
    desk.add_article("A ship went out")
    with desk.database.write() as session:
        session.execute(update(Article).where(Article.id == first).values(summary="Two came."))
    assert desk.draft(LATER).id == issue_id
    found = compare(desk, issue_id, with_draft=True)

    assert found.old.state == "earlier draft"
    assert (found.added, found.kept) == (("A ship went out",), ("A ship came in",))
    [edited] = found.edited
    assert edited.changes["summary"] == Change("All about A ship came in.", "Two came.")


def test_cards_in_another_place_or_category_have_moved(desk: Desk) -> None:
    for name in ("One", "Two", "Three"):
        desk.add_article(name)
    issue_id = desk.draft().id
    with desk.database.write() as session:
        issue = session.get_one(Issue, issue_id)
        [section] = issue.content["sections"]
        first, *rest = section["cards"]
        moved = section | {"category": "Market", "cards": [first]}
        issue.content = issue.content | {"sections": [section | {"cards": rest}, moved]}
    found = compare(desk, issue_id, with_draft=True)

    [card] = found.moved
    assert card.changes == {"place": Change(1, 3), "category": Change(None, "Market")}
    assert found.added == found.dropped == ()


def test_findings_that_came_and_went_are_told(desk: Desk) -> None:
    desk.add_article("A ship came in")
    first = desk.approve(desk.draft().id).id
    desk.add_article("TODO: a ship went out")
    second = desk.draft(LATER).id
    found, back = compare(desk, second, first), compare(desk, first, second)

    assert "content.todo" in {finding.rule for finding in found.found}
    assert "content.todo" in {finding.rule for finding in back.mended}


def test_few_drafts_are_kept_and_equal_ones_once(desk: Desk) -> None:
    desk.add_article("Zero")
    issue_id = desk.draft().id
    for number in range(KEPT_OUTLINES + 2):
        desk.draft(LATER)
        desk.add_article(f"Ship {number}")
    with desk.database.read() as session:
        kept = list_outlines(session, issue_id)

    assert len(kept) == KEPT_OUTLINES
    assert all(one != other for one, other in pairwise(kept))
