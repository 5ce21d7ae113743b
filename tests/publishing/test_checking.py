"""Checking an issue: what the rules are told of it, and what is kept of its links."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from newsletter.errors import BlockedError
from newsletter.operating.preflight import Preflight, examine_issue
from newsletter.publishing.checking import (
    ANSWERS_LAST,
    BAD_ANSWERS_LAST,
    CheckReport,
    check_issue,
    find_answers,
    record_answers,
    take_sample,
)
from newsletter.review.outside import LinkAnswer, Outside, SpamVerdict
from newsletter.store.models import Issue
from tests.support.feed_server import FeedServer
from tests.support.publishing_builders import NOW, Desk

ONE, TWO = "https://post.example/one", "https://post.example/two"


def check(desk: Desk, issue_id: int, outside: Outside | None = None) -> CheckReport:
    return check_issue(desk.database, desk.settings, issue_id, now=NOW, outside=outside)


def name_rules(report: CheckReport) -> set[str]:
    return {finding.rule for finding in (*report.blocking, *report.advisory)}


@pytest.fixture
def issue_id(desk: Desk) -> int:
    desk.add_article("A ship came in", url=ONE, summary="It lay at the quay, and many came to see it.")
    return desk.draft().id


def test_a_plain_issue_has_no_finding_that_blocks(desk: Desk, issue_id: int) -> None:
    report = check(desk, issue_id)

    assert report.blocking == ()
    assert not {rule for rule in name_rules(report) if rule.startswith(("clients.", "contrast.", "access."))}
    assert any("days ago" in note for note in report.notes)


def test_the_rules_are_told_what_the_mail_does_not_say(desk: Desk, issue_id: int) -> None:
    with desk.database.write() as session:
        session.execute(update(Issue).values(drafted_at=NOW - timedelta(days=9)))
        issue = session.get_one(Issue, issue_id)
        empty: dict[str, object] = {"category": "Market", "status": None, "changed": False, "cards": []}
        issue.content = issue.content | {"sections": [*issue.content["sections"], empty]}

    assert {"content.past", "content.category-empty"} <= name_rules(check(desk, issue_id))


def test_an_article_of_the_last_issue_is_found_with_its_card(desk: Desk, issue_id: int) -> None:
    desk.approve(issue_id)
    desk.add_article("A ship went out", url=TWO)
    second = desk.draft(NOW + timedelta(hours=1)).id
    with desk.database.write() as session:
        row = session.get_one(Issue, second)
        first = session.get_one(Issue, issue_id)
        row.content = row.content | {"sections": [*first.content["sections"], *row.content["sections"]]}
    [found] = [each for each in check(desk, second).advisory if each.rule == "content.repeated"]

    assert found.card == "A ship came in"
    assert found.why
    assert found.fix


def test_what_others_say_is_among_the_findings(desk: Desk, issue_id: int) -> None:
    outside = Outside(links=(LinkAnswer(ONE, status=404),), spam=SpamVerdict(6.0), notes=("axe: no",))
    report = check(desk, issue_id, outside)

    assert {finding.rule for finding in report.blocking} == {"reach.lead-dead", "spam.refused"}
    assert report.notes[0] == "axe: no"


def test_a_sample_holds_every_address_of_others_once_and_none_of_ours(desk: Desk, issue_id: int) -> None:
    sample = take_sample(desk.database, desk.settings, issue_id, now=NOW)

    assert sample.urls == (ONE,)
    assert b"reader@example.org" in sample.eml
    assert "A ship came in" in sample.html


def test_answers_are_kept_and_bad_ones_soon_forgotten(desk: Desk) -> None:
    good, bad = LinkAnswer(ONE, status=200, hops=(TWO,)), LinkAnswer(TWO, status=404)
    record_answers(desk.database, [good, bad], now=NOW)

    def find(later: timedelta) -> dict[str, LinkAnswer]:
        return find_answers(desk.database, [ONE, TWO], now=NOW + later)

    assert find(timedelta(0)) == {ONE: good, TWO: bad}
    assert find(BAD_ANSWERS_LAST + timedelta(seconds=1)) == {ONE: good}
    assert find(ANSWERS_LAST + timedelta(seconds=1)) == {}
    record_answers(desk.database, [replace(bad, status=200)], now=NOW)
    assert find(timedelta(0))[TWO].status == 200


def test_a_kept_answer_of_the_lead_blocks_an_approval(desk: Desk, issue_id: int) -> None:
    record_answers(desk.database, [LinkAnswer(ONE, status=410)], now=NOW)

    with pytest.raises(BlockedError, match=r"reach\.lead-dead"):
        desk.approve(issue_id)
    assert desk.approve(issue_id, override="it comes back today").override_reason == "it comes back today"


def test_links_are_asked_once_a_day(collecting_desk: Desk) -> None:
    feeds = collecting_desk.feeds
    assert feeds
    collecting_desk.add_article("A ship came in", url=feeds.serve("/ship", b"x"))
    collecting_desk.add_article("A ship went out", url=feeds.url("/gone"))
    settings = collecting_desk.settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",)})
    issue_id = collecting_desk.draft().id

    def examine() -> CheckReport:
        return examine_issue(collecting_desk.database, settings, issue_id, Preflight(programs=False), now=NOW)

    first = examine()
    asked = len(feeds.seen)
    second = examine()

    assert name_rules(first) & {"reach.dead", "reach.lead-dead"}
    assert name_rules(first) == name_rules(second)
    assert len(feeds.seen) == asked == 3


def test_a_machine_without_network_says_so_once(
    collecting_desk: Desk, feed_server: FeedServer, unused_port: int
) -> None:
    del feed_server
    collecting_desk.add_article("A ship came in", url=f"http://127.0.0.1:{unused_port}/ship")
    settings = collecting_desk.settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",)})
    issue_id = collecting_desk.draft().id
    report = examine_issue(collecting_desk.database, settings, issue_id, Preflight(programs=False), now=NOW)

    assert "reach.silent" not in name_rules(report)
    assert any("offline" in note for note in report.notes)


def test_an_address_of_the_own_network_is_found_and_not_asked(collecting_desk: Desk) -> None:
    feeds = collecting_desk.feeds
    assert feeds
    collecting_desk.add_article("A ship came in", url=feeds.serve("/ship", b"x"))
    issue_id = collecting_desk.draft().id
    report = examine_issue(
        collecting_desk.database, collecting_desk.settings, issue_id, Preflight(programs=False), now=NOW
    )

    assert "reach.inside" in name_rules(report)
    assert feeds.seen == []


def test_a_program_that_fails_is_a_note_and_no_failure(
    desk: Desk, issue_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("spamassassin", "chromium"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    wanted = Preflight(links=False)
    report = examine_issue(desk.database, desk.settings, issue_id, wanted, now=NOW)

    assert report.blocking == ()
    assert any("SpamAssassin failed" in note for note in report.notes)
    assert any("axe could not run in Chromium" in note for note in report.notes)
