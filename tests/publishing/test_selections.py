"""The checks look at what readers of some categories get, too."""

from __future__ import annotations

import pytest

from newsletter.content import Section
from newsletter.errors import BlockedError
from newsletter.publishing.checking import CheckReport, check_issue, record_answers
from newsletter.publishing.selections import Selection, choose_selections
from newsletter.review.outside import LinkAnswer, Outside, SpamVerdict
from tests.publishing.test_variants import add_chooser, set_rules
from tests.support.mail_builders import make_card, make_digest
from tests.support.publishing_builders import NOW, Desk

WIN = "https://post.example/win"


def check(desk: Desk, issue_id: int, outside: Outside | None = None) -> CheckReport:
    return check_issue(desk.database, desk.settings, issue_id, now=NOW, outside=outside)


@pytest.fixture
def issue_id(desk: Desk) -> int:
    """An issue whose sports are not at its head, but lead what readers of sports alone get."""
    set_rules(desk, choose_categories=True)
    desk.add_article("A ship came in", category="Harbour", summary="It lay at the quay, and many came.")
    desk.add_article("THE HOME TEAM WINS!!!", category="Sport", url=WIN, summary="It was a great day.")
    add_chooser(desk, "all")
    return desk.draft().id


def list_shouting(report: CheckReport) -> list[str]:
    return [finding.message for finding in report.advisory if finding.rule == "spam.shouting"]


def test_a_fault_that_one_selection_alone_has_is_found_and_names_its_readers(
    desk: Desk, issue_id: int
) -> None:
    assert list_shouting(check(desk, issue_id)) == []

    add_chooser(desk, "one", "Sport")
    report = check(desk, issue_id)

    [found] = list_shouting(report)
    assert found.endswith("(In what readers of Sport get.)")
    assert "selections: 1 of 1 that readers chose were checked" in report.notes


def test_what_nobody_gets_is_not_checked(desk: Desk, issue_id: int) -> None:
    add_chooser(desk, "gone", "Sport", status="unsubscribed")
    add_chooser(desk, "nothing", "Council")
    add_chooser(desk, "both", "Sport", "Harbour")
    report = check(desk, issue_id)

    assert list_shouting(report) == []
    assert not any(note.startswith("selections") for note in report.notes)


def test_what_the_whole_issue_has_is_said_once(desk: Desk, issue_id: int) -> None:
    add_chooser(desk, "one", "Harbour")
    report = check(desk, issue_id, Outside(spam=SpamVerdict(6.0)))
    found = [(each.rule, each.card or each.snippet or each.where) for each in report.blocking]

    assert [rule for rule, _ in found].count("spam.refused") == 1
    assert len(set(found)) == len(found)


def test_what_blocks_one_selection_blocks_the_issue_before_and_after_it_is_frozen(
    desk: Desk, issue_id: int
) -> None:
    add_chooser(desk, "one", "Sport")
    record_answers(desk.database, [LinkAnswer(WIN, status=410)], now=NOW)

    with pytest.raises(BlockedError, match=r"reach\.lead-dead.*readers of Sport"):
        desk.approve(issue_id)
    desk.approve(issue_id, override="it comes back today")
    assert {finding.rule for finding in check(desk, issue_id).blocking} == {"reach.lead-dead"}


def test_the_longest_and_the_shortest_selections_are_checked_up_to_the_cards_of_an_issue() -> None:
    def take(*sizes: int, cards: int = 40) -> list[int]:
        digests = [make_digest(Section("x", None, (make_card(),) * size)) for size in sizes]
        selections = [Selection(str(len(each.cards)), ("x",), each) for each in digests]
        return [len(each.digest.cards) for each in choose_selections(selections, cards)]

    assert take() == []
    assert take(3) == [3]
    assert take(3, 39) == [39, 3]
    assert take(1, 2, 3, 20, 30) == [30, 1, 2, 3]
