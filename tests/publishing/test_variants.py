"""Readers who chose categories or a cadence get their own selection; equal selections are rendered once."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from newsletter.compose.rules import Rules
from newsletter.errors import StateError
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.issues import list_deliveries
from newsletter.publishing.preview import preview_issue
from newsletter.store import issues, models, publications, subscribers
from newsletter.store.deliveries import Audience, fix_recipients
from newsletter.store.engine import Database
from tests.support.ledger_builders import add_reader
from tests.support.publishing_builders import DAY, NOW, Desk, make_desk
from tests.support.smtp_server import SmtpServer

CATEGORIES = ("Harbour", "Council", "Culture", "Sport")


def set_rules(desk: Desk, **rules: object) -> None:
    checked = Rules.model_validate(rules)
    with desk.database.write() as session:
        publications.find_publication(session, None).rules = checked.model_dump(mode="json")


def add_chooser(
    desk: Desk, name: str, *categories: str, cadence: str | None = None, status: str = "active"
) -> None:
    with desk.database.write() as session:
        publication = publications.find_publication(session, None)
        add_reader(session, publication, f"{name}@example.net")
        session.flush()
        person = subscribers.find_subscriber(session, f"{name}@example.net")
        assert person
        row = subscribers.find_subscription(session, publication.id, person.id)
        assert row
        row.categories, row.cadence, row.status = list(categories) or None, cadence, status


def list_keys(desk: Desk, issue_id: int) -> list[str]:
    with desk.database.read() as session:
        return [variant.key for variant in issues.list_variants(session, issue_id)]


def list_variants_by_reader(desk: Desk, issue_id: int) -> dict[str, tuple[str, str]]:
    rows = list_deliveries(desk.database, issue_id)
    return {row["email"].split("@")[0]: (row["state"], row["variant"]) for row in rows}


def read_texts(server: SmtpServer) -> dict[str, str]:
    return {
        message.recipients[0].split("@")[0]: message.data.decode("utf-8", "replace")
        for message in server.accepted
    }


def test_each_reader_gets_the_chosen_categories_and_nobody_an_empty_mail(
    sending_desk: Desk, smtp_server: SmtpServer
) -> None:
    desk = sending_desk
    set_rules(desk, choose_categories=True)
    for name in CATEGORIES[:3]:
        desk.add_article(f"News of {name}", category=name)
    add_chooser(desk, "all")
    add_chooser(desk, "one", "Harbour")
    add_chooser(desk, "same", "HARBOUR", "Sport")
    add_chooser(desk, "every", *CATEGORIES)
    add_chooser(desk, "none", "Sport")
    issue = desk.approve(desk.draft().id).id
    add_chooser(desk, "later", "Council")

    assert desk.send(issue).state == "sent"

    given = list_variants_by_reader(desk, issue)
    (harbour,) = set(list_keys(desk, issue)) - {"all"}
    assert given == {
        "all": ("sent", "all"),
        "one": ("sent", harbour),
        "same": ("sent", harbour),
        "every": ("sent", "all"),
        "none": ("skipped", "none"),
        # Nobody had chosen that when it was approved: nothing that was not approved goes out.
        "later": ("sent", "all"),
    }
    texts = read_texts(smtp_server)
    assert set(texts) == {"all", "one", "same", "every", "later"}
    for name in ("one", "same"):
        assert "News of Harbour" in texts[name]
        assert "News of C" not in texts[name]
    assert all(f"News of {name}" in texts["every"] for name in CATEGORIES[:3])
    (reply,) = [row["reply"] for row in list_deliveries(desk.database, issue, "skipped")]
    assert reply == "nothing in the categories that the subscriber chose"


def test_there_are_as_many_renders_as_distinct_selections(desk: Desk) -> None:
    set_rules(desk, choose_categories=True)
    for name in CATEGORIES[:3]:
        desk.add_article(f"News of {name}", category=name)
    choices = [chosen for size in (1, 2, 3, 4) for chosen in combinations(CATEGORIES, size)]
    for number, chosen in enumerate(choices * 3):
        add_chooser(desk, f"r{number}", *(chosen if number % 2 else reversed(chosen)))
    issue = desk.approve(desk.draft().id).id

    # Of three categories with an article there are seven selections, one of which is the whole issue.
    keys = list_keys(desk, issue)
    assert len(keys) == len(set(keys)) == 7


def test_choices_count_only_where_the_rules_offer_them(desk: Desk) -> None:
    desk.add_article("News of Harbour", category="Harbour")
    add_chooser(desk, "one", "Council")
    issue = desk.approve(desk.draft().id).id

    assert list_keys(desk, issue) == ["all"]
    assert (
        "News of Harbour"
        in preview_issue(desk.database, desk.settings, issue, now=NOW, email="one@example.net").text
    )


@pytest.mark.parametrize("is_approved", [False, True])
def test_the_preview_is_what_that_reader_gets(desk: Desk, *, is_approved: bool) -> None:
    set_rules(desk, choose_categories=True)
    for name in CATEGORIES[:2]:
        desk.add_article(f"News of {name}", category=name)
    add_chooser(desk, "one", "Council")
    add_chooser(desk, "none", "Sport")
    issue = desk.draft().id
    if is_approved:
        desk.approve(issue)
    whole = preview_issue(desk.database, desk.settings, issue, now=NOW)
    mine = preview_issue(desk.database, desk.settings, issue, now=NOW, email="one@example.net")

    assert ("News of Harbour" in mine.text, "News of Council" in mine.text) == (False, True)
    assert mine.subject == "News of Council"
    assert mine.content_hash == whole.content_hash
    with pytest.raises(StateError, match="holds nothing in Sport: such readers are skipped"):
        preview_issue(desk.database, desk.settings, issue, now=NOW, email="none@example.net")


def test_a_choice_that_comes_after_the_look_does_not_change_what_was_approved(desk: Desk) -> None:
    set_rules(desk, choose_categories=True)
    desk.add_article("one", category="Harbour")
    desk.add_article("two", category="Council")
    add_chooser(desk, "one", "Council")
    issue = desk.draft().id
    seen = preview_issue(desk.database, desk.settings, issue, now=NOW, email="one@example.net").content_hash

    assert desk.approve(issue, seen_hash=seen).state == "approved"


def draft(desk: Desk, cadence: str, days: int) -> int:
    request = DraftRequest(cadence=cadence)
    return draft_issue(desk.database, desk.settings, request, now=NOW + days * DAY).id


def test_readers_get_the_issues_of_their_cadence_and_each_article_once(
    sending_desk: Desk, smtp_server: SmtpServer
) -> None:
    desk = sending_desk
    set_rules(desk, cadences=["daily", "weekly", "monthly"])
    add_chooser(desk, "daily", cadence="daily")
    add_chooser(desk, "weekly", cadence="weekly")
    add_chooser(desk, "plain")
    add_chooser(desk, "odd", cadence="hourly")
    desk.add_article("First", published_at=NOW - DAY)
    first = draft(desk, "daily", 0)
    desk.approve(first)
    desk.send(first)
    desk.add_article("Second", published_at=NOW)
    second, week = draft(desk, "daily", 1), draft(desk, "weekly", 1)
    for issue in (second, week):
        desk.approve(issue)
        desk.send(issue)

    got = [
        (m.recipients[0].split("@")[0], b"First" in m.data, b"Second" in m.data) for m in smtp_server.accepted
    ]
    assert sorted(got) == [
        ("daily", False, True),
        ("daily", True, False),
        ("odd", True, True),
        ("plain", True, True),
        ("weekly", True, True),
    ]


def test_a_cadence_that_nobody_can_choose_is_refused(desk: Desk) -> None:
    set_rules(desk, cadences=["daily", "weekly"])

    with pytest.raises(StateError, match="no reader gets a monthly issue: the rules offer daily, weekly"):
        draft(desk, "monthly", 0)


def test_it_is_the_same_on_either_database(either_database: Database, tmp_path: Path) -> None:
    desk = make_desk(either_database, tmp_path)
    set_rules(desk, choose_categories=True, cadences=["daily", "weekly"])
    desk.add_article("News of Harbour", category="Harbour")
    add_chooser(desk, "one", "Harbour", "Council")
    add_chooser(desk, "none", "Sport", cadence="weekly")
    add_chooser(desk, "daily", cadence="daily")
    issue = desk.approve(desk.draft().id).id
    with desk.database.write() as session:
        row = session.get_one(models.Issue, issue)
        audience = Audience("weekly", ("daily", "weekly"), row.content["variants"])
        assert fix_recipients(session, row, now=NOW, audience=audience) == 2

    assert list_variants_by_reader(desk, issue) == {"one": ("queued", "all"), "none": ("skipped", "none")}
