"""What editors choose and write is in the next draft, and says so."""

from __future__ import annotations

import pytest

from newsletter.content import Note
from newsletter.errors import ConfigError, NotFoundError, StateError
from newsletter.publishing.choices import (
    NewNote,
    add_note,
    choose_article,
    decide_duplicate,
    list_categories,
    list_notes,
    remove_note,
    set_category,
)
from newsletter.publishing.contents import IssueContents, list_possible, show_contents
from newsletter.publishing.drafting import redraft_issue
from newsletter.store.models import Source
from tests.publishing.test_drafting import WEEK, list_titles, load
from tests.support.publishing_builders import DAY, NOW, Desk

STRIKE = (
    "Workers walk out at Norvik Steel in Ostwick over pay",
    "Strike shuts works as union demands more",
)


def add_source(desk: Desk, name: str) -> int:
    with desk.database.write() as session:
        row = Source(
            publication_id=1,
            location=name,
            kind="feed",
            title=name,
            interval_seconds=9,
            created_at=NOW,
            weight=4,
        )
        session.add(row)
        session.flush()
        return row.id


def add_strike(desk: Desk) -> tuple[int, int]:
    """Add two reports of one event that are alike, though not enough."""
    texts = (
        "About 900 employees stopped work on Monday. The union of Ruta Holm wants seven per cent.",
        "Ruta Holm said that the 900 would refuse less than seven per cent; the gates stay closed.",
    )
    one, other = (
        desk.add_article(title, summary=text, source_id=add_source(desk, f"paper {number}"), published_at=NOW)
        for number, (title, text) in enumerate(zip(STRIKE, texts, strict=True))
    )
    for number in range(20):
        desk.add_article(f"Quite another matter {number}", published_at=NOW - DAY)
    return one, other


def show(desk: Desk, issue_id: int) -> IssueContents:
    return show_contents(desk.database, desk.settings, issue_id)


def test_a_pinned_article_leads_whatever_its_date_and_a_dropped_one_is_out(desk: Desk) -> None:
    desk.add_article("fresh")
    old = desk.add_article("old", published_at=NOW - 300 * DAY)
    bad = desk.add_article("bad")
    choose_article(desk.database, old, "pinned", actor="ada", now=NOW)
    choose_article(desk.database, bad, "dropped", actor="ada", now=NOW)
    issue = desk.draft()

    assert [card.article.title for card in load(desk, issue.id).cards] == ["old", "fresh"]
    assert issue.subject == "old"
    assert show(desk, issue.id).cards[0].pinned
    assert "pin 10.00" in show(desk, issue.id).cards[0].reason
    for each in (old, bad):
        choose_article(desk.database, each, None, actor="ada", now=NOW)
    assert redraft_issue(desk.database, desk.settings, issue.id, now=NOW).id == issue.id
    assert list_titles(desk, issue.id) == ["bad", "fresh"]


def test_a_draft_of_its_own_time_stays_so_when_it_is_drawn_up_again(desk: Desk) -> None:
    desk.add_article("old", published_at=NOW - 100 * DAY)
    issue = desk.draft(since=NOW - 150 * DAY)
    desk.add_article("older", published_at=NOW - 140 * DAY)
    desk.add_article("oldest", published_at=NOW - 160 * DAY)
    redraft_issue(desk.database, desk.settings, issue.id, now=NOW + DAY)

    assert list_titles(desk, issue.id) == ["old", "older"]
    desk.approve(issue.id)
    with pytest.raises(StateError, match="is approved: only a draft can be drawn up again"):
        redraft_issue(desk.database, desk.settings, issue.id, now=NOW)


def test_a_possible_duplicate_is_shown_until_an_editor_decides(desk: Desk) -> None:
    pair = add_strike(desk)
    issue = desk.draft().id
    (possible,) = show(desk, issue).possible

    assert {possible.one["id"], possible.other["id"]} == set(pair)
    assert list_possible(desk.database, desk.settings, None, now=NOW) == {
        pair[0]: [pair[1]],
        pair[1]: [pair[0]],
    }
    decide_duplicate(desk.database, pair, is_same=True, actor="ada", now=NOW)
    redraft_issue(desk.database, desk.settings, issue, now=NOW)
    assert show(desk, issue).possible == ()
    assert [len(card.also) for card in show(desk, issue).cards if card.article in pair] == [1]
    decide_duplicate(desk.database, (pair[1], pair[0]), is_same=False, actor="bo", now=NOW)
    redraft_issue(desk.database, desk.settings, issue, now=NOW)
    assert [card.also for card in show(desk, issue).cards if card.article in pair] == [(), ()]
    assert show(desk, issue).possible == ()


def test_a_sources_weight_counts(desk: Desk) -> None:
    one, _ = add_strike(desk)
    scores = {card.article: card.score for card in show(desk, desk.draft().id).cards}

    assert scores[one]["source"] == 2.0


def test_a_pair_that_is_none_is_refused(desk: Desk) -> None:
    one = desk.add_article("one")

    with pytest.raises(StateError, match="must be two of one publication"):
        decide_duplicate(desk.database, (one, one), is_same=True, actor="ada", now=NOW)
    with pytest.raises(NotFoundError, match="no article 99"):
        decide_duplicate(desk.database, (one, 99), is_same=True, actor="ada", now=NOW)


def test_a_status_line_stands_until_it_is_changed_and_a_new_one_is_marked(desk: Desk) -> None:
    set_category(desk.database, None, "Harbour", status="Quiet.", now=NOW - DAY)
    marks = []
    for week, line in enumerate(["Quiet.", "Quiet.", "Busy.", "Busy.", ""]):
        now = NOW + week * WEEK
        set_category(desk.database, None, "harbour", status=line, now=now - DAY)
        desk.add_article(f"week {week}", category="Harbour", published_at=now - DAY)
        issue = desk.draft(now).id
        marks += [(section.status, section.status_changed) for section in load(desk, issue).sections]
        desk.approve(issue)

    assert marks == [("Quiet.", False), ("Quiet.", False), ("Busy.", True), ("Busy.", False), (None, True)]
    assert [view.name for view in list_categories(desk.database, None)] == ["Harbour"]


def test_a_trend_note_is_in_the_next_issue_and_no_other(desk: Desk) -> None:
    new = NewNote("Ferries", "Every port speaks of them.", "https://example.org/ferries")
    made = add_note(desk.database, None, new, actor="ada", now=NOW - DAY)
    desk.add_article("one")
    issue = desk.draft().id

    assert load(desk, issue).notes == (Note(new.title, new.text, new.url),)
    desk.approve(issue)
    desk.add_article("two", published_at=NOW + DAY)
    assert load(desk, desk.draft(NOW + WEEK).id).notes == ()
    assert [note.id for note in list_notes(desk.database, None)] == [made.id]
    remove_note(desk.database, made.id)
    with pytest.raises(NotFoundError, match="no trend note"):
        remove_note(desk.database, made.id)


@pytest.mark.parametrize("new", [NewNote(" "), NewNote("x" * 201), NewNote("a", url="javascript:alert(1)")])
def test_a_note_that_cannot_be_shown_is_refused(desk: Desk, new: NewNote) -> None:
    with pytest.raises(ConfigError):
        add_note(desk.database, None, new, actor="ada", now=NOW)


def test_a_term_that_rises_is_told_with_its_articles(desk: Desk) -> None:
    sources = [add_source(desk, f"paper {number}") for number in range(4)]
    for number in range(60):
        when = NOW - (10 + number % 40) * DAY
        desk.add_article(
            f"Usual matter {number} of the town", published_at=when, source_id=sources[number % 4]
        )
    for number, what in enumerate(("closed", "mended", "debated", "painted", "tolled", "widened")):
        desk.add_article(
            f"Kettle bridge {what}",
            summary=f"It was {what}.",
            source_id=sources[number % 4],
            published_at=NOW,
        )
    issue = desk.draft().id
    (rise,) = show(desk, issue).rises

    assert (rise.term, len(rise.articles)) == ("Kettle bridge", 6)
    assert rise.sentence == "6 articles from 4 sources in 7 days; usual are about 0."
    assert [each.term for each in load(desk, issue).rises] == ["Kettle bridge"]


def test_similar_articles_come_from_the_archive(desk: Desk) -> None:
    for number in range(12):
        desk.add_article(f"Quite another matter {number}", published_at=NOW - 40 * DAY)
    before = desk.add_article("Ferry accord still without a date", published_at=NOW - 40 * DAY)
    desk.add_article("Ferry accord long forgotten", published_at=NOW - 200 * DAY)
    desk.add_article("Ferry accord initialled at last")

    (card,) = show(desk, desk.draft().id).cards
    assert [each["id"] for each in card.similar] == [before]


def test_what_was_skipped_holds_nothing(desk: Desk) -> None:
    assert show(desk, desk.draft().id) == IssueContents()
