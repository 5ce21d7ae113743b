"""The message linter: what it needs to know, and that captured mails are held against it."""

from __future__ import annotations

import smtplib
from dataclasses import replace

import pytest

from newsletter.review.rules import RULES, lint_mail
from tests.review.planted import FACTS, PLANTED, Case
from tests.support.message_linter import EVERY, MessageLinter
from tests.support.smtp_server import SmtpServer

LINTED = {rule.id for rule in RULES if rule.lints}
FAULTY = Case().mail().replace(b"List-Post: NO", b"List-Post: YES")


def test_a_mail_without_faults_passes_although_nothing_is_known_of_its_issue() -> None:
    assert lint_mail(Case().mail()) == []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param(rule, fault, id=f"{number}-{rule}")
        for number, (rule, fault, _) in enumerate(PLANTED)
        if rule in LINTED and fault.facts == FACTS
    ],
)
def test_what_a_message_shows_is_found_by_the_message_alone(rule: str, fault: Case) -> None:
    assert rule in {finding.rule for finding in lint_mail(fault.mail(), replace(FACTS, articles={}))}


def test_a_server_of_the_tests_refuses_to_end_after_a_faulty_issue() -> None:
    with (
        pytest.raises(AssertionError, match=r"headers\.list-uris"),
        SmtpServer() as server,
        smtplib.SMTP("127.0.0.1", server.port) as client,
    ):
        client.sendmail("a@example.org", ["b@example.org"], FAULTY)


def test_what_is_no_issue_is_left_alone() -> None:
    linter = MessageLinter()
    linter.take(b"Subject: x\r\nList-Id: nonsense\r\n\r\nbody")
    linter.take(b"Content-Type: multipart/alternative\r\n\r\nbody")

    assert linter.faults == []


def test_of_many_mails_of_one_issue_some_are_linted() -> None:
    linter = MessageLinter()
    for _ in range(2 * EVERY):
        linter.take(FAULTY)

    assert len(linter.faults) == 5
