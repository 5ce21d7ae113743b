"""Rules of a publication: read from TOML, refused with the reason, and kept when an issue is drafted."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.compose.rules import Rules
from newsletter.errors import ConfigError
from newsletter.publishing.calendar import parse_schedule
from newsletter.publishing.rules import get_rules, load_rules, make_schedule, set_rules
from newsletter.store import publications
from tests.publishing.test_drafting import list_titles, load
from tests.support.publishing_builders import DAY, NOW, Desk


def write_rules(desk: Desk, toml: str) -> Path:
    path = desk.folder / "rules.toml"
    path.write_text(toml, encoding="utf-8")
    return path


def apply_rules(desk: Desk, toml: str) -> Rules:
    return set_rules(desk.database, None, write_rules(desk, toml))


def test_rules_are_kept_and_what_is_left_out_is_as_by_default(desk: Desk) -> None:
    assert get_rules(desk.database, None) == Rules()
    made = apply_rules(
        desk, "cards = 12\nper_source = 3\ncadences = ['weekly', 'monthly']\n[categories.Economy]\nmost = 4\n"
    )

    assert get_rules(desk.database, None) == made
    assert (made.cards, made.minimum, made.of_category("ECONOMY").most) == (12, 1, 4)
    assert apply_rules(desk, "") == get_rules(desk.database, None) == Rules()


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("card = 3", "card is no rule: did you mean cards?"),
        ("xyzzy = 3", "xyzzy is no rule: there are cards, minimum,"),
        ("[categories.Economy]\nmoost = 3", "categories.Economy.moost is no rule: did you mean most?"),
        ("cards = 0", "cards: Input should be greater than or equal to 1"),
        ("cards = 3\nminimum = 4", "minimum 4 is more than cards 3"),
        ("[categories.Economy]\nleast = 3\nmost = 2", "least 3 is more than most 2"),
        ("cadences = ['daily']", "cadences must hold the publication's own, which is weekly"),
        ("cadence = 'hourly'", "cadence: Input should be 'daily', 'weekly' or 'monthly'"),
        ("cards = ", "cannot be read: Invalid value"),
    ],
)
def test_a_rule_that_is_wrong_is_named_and_nothing_changes(desk: Desk, toml: str, said: str) -> None:
    apply_rules(desk, "cards = 5")

    with pytest.raises(ConfigError) as refused:
        apply_rules(desk, toml)

    assert said in str(refused.value)
    assert "rules.toml" in str(refused.value)
    assert get_rules(desk.database, None).cards == 5


def test_a_missing_file_and_a_broken_row_are_named(desk: Desk) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        set_rules(desk.database, None, desk.folder / "none.toml")
    with desk.database.write() as session:
        row = publications.find_publication(session, None)
        row.rules = {"cards": "many"}
        with pytest.raises(ConfigError, match="rules of harbour: cards: Input should be a valid integer"):
            load_rules(row)


def test_each_cadence_has_the_publications_hour() -> None:
    rules = Rules(cadences=("daily", "weekly", "monthly"))

    assert make_schedule(rules, "weekly", "30 7 * * 5") == "30 7 * * 5"
    assert make_schedule(rules, "daily", "30 7,19 * * 5") == "30 7 * * *"
    assert make_schedule(rules, "monthly", "30 7 * * 5") == "30 7 1 * *"
    assert make_schedule(Rules(cadence="daily"), "weekly", "30 7 * * *") == "30 7 * * 1"
    for cadence in rules.cadences:
        parse_schedule(make_schedule(rules, cadence, "30 7,19 * * 5"))


def test_an_issue_keeps_to_the_rules(desk: Desk) -> None:
    apply_rules(desk, "cards = 3\n[categories.Sport]\nmost = 1\n[categories.Culture]\nleast = 1\n")
    for title in ("goal", "match", "race"):
        desk.add_article(title, category="Sport", published_at=NOW)
    desk.add_article("levy", category="Harbour")
    desk.add_article("opera", category="culture", published_at=NOW - 12 * DAY)

    assert list_titles(desk, desk.draft().id) == ["goal", "levy", "opera"]


def test_too_few_stories_wait_for_the_next_issue(desk: Desk) -> None:
    apply_rules(desk, "minimum = 2")
    desk.add_article("one")
    first = desk.draft()
    desk.add_article("two", published_at=NOW + DAY)
    second = desk.draft(NOW + 7 * DAY)

    assert (first.state, first.number) == ("skipped", None)
    assert first.reason == "1 new story, and the rules ask for 2: they wait"
    assert list_titles(desk, second.id) == ["one", "two"]


def test_the_look_back_is_the_publications(desk: Desk) -> None:
    apply_rules(desk, "lookback_days = 3")
    desk.add_article("late", published_at=NOW - 2 * DAY)
    desk.add_article("too late", published_at=NOW - 4 * DAY)

    assert list_titles(desk, desk.draft().id) == ["late"]
    assert load(desk, 1).cards[0].score
