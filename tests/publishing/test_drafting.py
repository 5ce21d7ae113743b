"""A draft holds what is new, once, and a period has one issue."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from sqlalchemy import update

from newsletter.content import Digest
from newsletter.errors import NotFoundError, StateError
from newsletter.publishing.approval import cancel_issue, stop_issue
from newsletter.publishing.archive import get_article_page
from newsletter.publishing.composition import load_digest
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.issues import get_issue, list_issues
from newsletter.store import articles, issues, publications
from newsletter.store.models import Article
from tests.support.ledger_builders import add_publication
from tests.support.publishing_builders import DAY, NOW, Desk

WEEK = 7 * DAY


def load(desk: Desk, issue_id: int) -> Digest:
    with desk.database.read() as session:
        issue = issues.get_issue(session, issue_id)
        publication = publications.load_publication(session, "http://localhost:8000", issue.publication_id)
        return load_digest(session, issue, publication)


def list_titles(desk: Desk, issue_id: int) -> list[str]:
    return sorted(card.article.title for card in load(desk, issue_id).cards)


def test_a_first_issue_tells_what_is_recent(desk: Desk) -> None:
    desk.add_article("recent")
    desk.add_article("old", published_at=NOW - 90 * DAY)
    issue = desk.draft()

    assert (issue.state, issue.number, issue.articles, issue.subject) == ("draft", 1, 1, "recent")
    assert list_titles(desk, issue.id) == ["recent"]


def test_a_first_issue_of_old_articles_takes_the_newest(desk: Desk) -> None:
    desk.add_article("old", published_at=NOW - 90 * DAY)

    assert list_titles(desk, desk.draft().id) == ["old"]


def test_without_an_article_the_issue_is_skipped_with_the_reason(desk: Desk) -> None:
    issue = desk.draft()

    assert (issue.state, issue.number, issue.articles) == ("skipped", None, 0)
    assert issue.reason == "no article has been collected yet: add a source and run `newsletter collect`"


def test_with_nothing_new_the_issue_is_skipped_with_the_reason(desk: Desk) -> None:
    desk.approve_one(0)
    issue = desk.draft(NOW + WEEK)

    assert (issue.state, issue.number) == ("skipped", None)
    assert str(issue.reason).startswith("nothing new since 2026-11-09 08:00 UTC: every collected article")
    assert "`--since` takes in older ones" in str(issue.reason)


def test_the_reason_gives_the_time_in_utc(desk: Desk) -> None:
    desk.approve_one(0)
    since = NOW.astimezone(timezone(timedelta(hours=3)))

    assert "nothing new since 2026-11-23 08:00 UTC" in str(desk.draft(NOW + WEEK, since=since).reason)


def test_a_draft_that_waits_is_drawn_up_again(desk: Desk) -> None:
    desk.add_article("one")
    first = desk.draft()
    desk.add_article("two")
    second = desk.draft(NOW + DAY)

    assert (second.id, second.number, second.articles, second.drafted_at) == (first.id, 1, 2, NOW + DAY)
    assert len(list_issues(desk.database, None)) == 1


def test_numbers_have_no_gap_for_skipped_issues(desk: Desk) -> None:
    desk.draft()
    desk.approve_one(0)
    desk.draft(NOW + WEEK)
    desk.add_article("two", published_at=NOW + WEEK)

    assert desk.draft(NOW + 2 * WEEK).number == 2


def test_a_late_post_is_not_lost(desk: Desk) -> None:
    desk.approve_one(0)
    desk.add_article("late", published_at=NOW - 3 * DAY, collected_at=NOW + DAY)

    assert list_titles(desk, desk.draft(NOW + WEEK).id) == ["late"]


def test_since_takes_in_what_is_older(desk: Desk) -> None:
    desk.approve_one(0)
    desk.add_article("older", published_at=NOW - 90 * DAY)
    desk.add_article("oldest", published_at=NOW - 300 * DAY)
    desk.add_article("undated", published_at=None)
    issue = desk.draft(NOW + WEEK, since=NOW - 100 * DAY)

    assert list_titles(desk, issue.id) == ["older", "undated"]


def test_what_lies_in_a_folder_is_in_whatever_its_date(desk: Desk) -> None:
    desk.approve_one(0)
    desk.write_page("old.txt", "An old page\n\nOctober 2, 2001 11:49\n\nPut here to be published.\n")
    desk.collect(NOW + DAY)

    assert list_titles(desk, desk.draft(NOW + WEEK).id) == ["An old page"]


def test_where_an_editor_says_since_when_the_date_alone_counts(desk: Desk) -> None:
    desk.write_page("old.txt", "An old page\n\nOctober 2, 2001 11:49\n\nPut here to be published.\n")
    desk.collect(NOW)

    assert desk.draft(since=NOW - 300 * DAY).state == "skipped"
    assert list_titles(desk, desk.draft(since=NOW - 10_000 * DAY).id) == ["An old page"]


def test_a_period_has_one_issue_ever(desk: Desk) -> None:
    desk.add_article("one")
    first = desk.draft(period="2026-11-23T08:00")
    again = desk.draft(period="2026-11-23T08:00")
    desk.approve(first.id)
    desk.add_article("two")
    late = desk.draft(NOW + DAY, period="2026-11-23T08:00")
    following = desk.draft(NOW + WEEK, period="2026-11-30T08:00")

    assert (first.id, again.id, late.id, late.state) == (1, 1, 1, "approved")
    assert (following.id, following.period, list_titles(desk, 2)) == (2, "2026-11-30T08:00", ["two"])


def test_a_skipped_period_stays_skipped(desk: Desk) -> None:
    first = desk.draft(period="2026-11-23T08:00")
    desk.add_article("one")

    assert desk.draft(period="2026-11-23T08:00") == first


def test_a_draft_made_by_hand_becomes_the_periods(desk: Desk) -> None:
    desk.add_article("one")
    by_hand = desk.draft()
    due = desk.draft(NOW + DAY, period="2026-11-30T08:00")

    assert (due.id, due.period) == (by_hand.id, "2026-11-30T08:00")


def test_a_waiting_draft_of_another_period_is_left_alone(desk: Desk) -> None:
    desk.add_article("one")
    old = desk.draft(period="2026-11-23T08:00")
    new = desk.draft(NOW + WEEK, period="2026-11-30T08:00")

    assert (get_issue(desk.database, old.id).period, new.id) == ("2026-11-23T08:00", 2)
    again = [desk.draft(NOW + WEEK, period=each.period).id for each in (old, new, old)]
    assert again == [old.id, new.id, old.id]


def test_two_drafts_of_one_article_do_not_both_go_out(desk: Desk) -> None:
    desk.add_article("one")
    old = desk.draft(period="2026-11-23T08:00")
    new = desk.draft(NOW + WEEK, period="2026-11-30T08:00")
    desk.approve(new.id)

    with pytest.raises(StateError, match="1 article of issue 1 went into another one since it was drafted"):
        desk.approve(old.id)

    assert desk.draft(NOW + WEEK).state == "skipped"


def test_the_articles_of_a_cancelled_issue_come_back(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    assert desk.draft(NOW + DAY).state == "skipped"
    cancel_issue(desk.database, issue_id, actor="ada", now=NOW + DAY)
    issue = desk.draft(NOW + DAY)

    assert (issue.state, issue.number, list_titles(desk, issue.id)) == ("draft", 2, ["A ship came in"])


def test_a_stopped_issue_is_drawn_up_again(desk: Desk) -> None:
    issue_id = desk.approve_one(0)
    stop_issue(desk.database, issue_id, actor="ada", now=NOW)
    desk.add_article("two")

    assert (desk.draft(NOW + DAY).id, list_titles(desk, issue_id)) == (issue_id, ["A ship came in", "two"])


def test_the_limit_of_cards_holds_and_the_rest_comes_later(desk: Desk) -> None:
    for number in range(6):
        desk.add_article(f"story {number}", published_at=NOW - number * DAY)
    desk.settings = desk.settings.model_copy(update={"max_cards": 4})
    first = desk.draft()
    desk.approve(first.id)
    second = desk.draft(NOW + DAY)

    assert (first.articles, list_titles(desk, second.id)) == (4, ["story 4", "story 5"])


def test_similar_articles_lead_to_pages_that_can_be_reached(desk: Desk) -> None:
    title = "Ferry accord with the Sarrow Isles initialled in Port Arden"
    desk.add_article(f"{title} thrice", url=None, published_at=NOW - 61 * DAY)
    told = desk.add_article(f"{title} once", url=None, published_at=NOW - 20 * DAY)
    desk.approve(desk.draft(NOW - 19 * DAY).id, NOW - 19 * DAY)
    linked = desk.add_article(f"{title} twice", url="https://post.example/2", published_at=NOW - 60 * DAY)
    desk.add_article(title, published_at=NOW - DAY, source_id=None)
    issue = desk.draft(since=NOW - 2 * DAY)
    (card,) = load(desk, issue.id).cards

    assert sorted(article.id for article in card.similar) == sorted([told, linked])
    assert get_article_page(desk.database, desk.settings, None, told).id == told


def test_what_a_source_names_as_similar_can_be_reached_once_the_card_is_told(desk: Desk) -> None:
    one = desk.add_article("one")
    near = desk.add_article("near", url=None, standalone=False)
    with desk.database.write() as session:
        articles.replace_relations(session, one, "similar", [near])
    issue = desk.draft()

    with pytest.raises(NotFoundError, match=f"no article {near} in the archive"):
        get_article_page(desk.database, desk.settings, None, near)

    desk.approve(issue.id)

    assert load(desk, issue.id).cards[0].similar[0].id == near
    assert get_article_page(desk.database, desk.settings, None, near).title == "near"


def test_a_changed_category_line_is_marked(desk: Desk) -> None:
    desk.write_page("one.txt", "One\n\nCategory: Harbour\nCategory status: Calm.\n\nText.\n")
    desk.collect()
    first = desk.draft()
    desk.approve(first.id)
    desk.write_page("two.txt", "Two\n\nCategory: Harbour\nCategory status: Rough.\n\nText.\n")
    desk.collect(NOW + DAY)
    second = desk.draft(NOW + WEEK)

    assert [(s.category, s.status, s.status_changed) for s in load(desk, first.id).sections] == [
        ("Harbour", "Calm.", False)
    ]
    assert [(s.category, s.status, s.status_changed) for s in load(desk, second.id).sections] == [
        ("Harbour", "Rough.", True)
    ]


def test_an_article_that_vanishes_leaves_the_rest_of_a_draft(desk: Desk) -> None:
    desk.add_article("one")
    two = desk.add_article("two")
    issue = desk.draft()
    with desk.database.write() as session:
        row = issues.get_issue(session, issue.id)
        row.content = {
            **row.content,
            "trends": [99],
            "sections": [
                {
                    **section,
                    "cards": [
                        {**card, "article": 98 if card["article"] == two else card["article"]}
                        for card in section["cards"]
                    ],
                }
                for section in row.content["sections"]
            ],
        }

    assert (list_titles(desk, issue.id), load(desk, issue.id).trends) == (["one"], ())


def test_a_cadence_or_publication_that_is_not_there_is_refused(desk: Desk) -> None:
    with pytest.raises(StateError, match="'hourly' is no cadence: use one of daily, weekly, monthly"):
        draft_issue(desk.database, desk.settings, DraftRequest(cadence="hourly"), now=NOW)
    with pytest.raises(NotFoundError, match="there is no publication 'none'"):
        draft_issue(desk.database, desk.settings, DraftRequest(slug="none"), now=NOW)
    with desk.database.write() as session:
        add_publication(session, "second")
        session.execute(update(Article).values(words=1))
    with pytest.raises(NotFoundError, match="there are several publications"):
        desk.draft()
