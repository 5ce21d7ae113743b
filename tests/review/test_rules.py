"""Every rule finds the fault that is planted for it, and leaves the near miss beside it alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.render.message import compile_body
from newsletter.render.personal import join, pack
from newsletter.review.mail import parse_mail
from newsletter.review.rules import RULES, check_issue
from tests.review.planted import FACTS, HEAD, HTML, NONCE, PLANTED, TEXT, Case, here
from tests.support.mail_builders import LEAVE


def test_a_mail_without_faults_has_no_findings() -> None:
    assert Case().rules() == {}


@pytest.mark.parametrize(
    ("rule", "fault", "near"),
    PLANTED,
    ids=[f"{number}-{rule}" for number, (rule, _, _) in enumerate(PLANTED)],
)
def test_a_rule_finds_its_fault_and_leaves_the_near_miss(rule: str, fault: Case, near: Case) -> None:
    weights = {known.id: known.weight for known in RULES}

    assert fault.rules().get(rule) is (weights[rule] != "advises")
    assert rule not in near.rules()


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == {rule.id for rule in RULES}


def test_ids_are_unique_and_named_after_their_file() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        family, _, _ = rule.id.partition(".")
        assert rule.check.__module__ == f"newsletter.review.{family}"
        assert rule.why.endswith(".")
        assert rule.fix


LIVE = ("headers.one-click-https", "links.http", "links.localhost", "content.address", "headers.freemail")


@pytest.mark.parametrize(
    ("base_url", "routes", "blocks"),
    [
        ("http://localhost:8000", True, False),
        ("http://127.0.0.1", True, False),
        ("http://localhost:8000", False, True),
        ("http://news.example.org", True, True),
        ("nonsense", True, True),
    ],
)
def test_rules_on_https_localhost_and_address_only_advise_while_nothing_can_leave(
    base_url: str, routes: bool, blocks: bool  # noqa: FBT001 - one column of the table
) -> None:  # fmt: skip
    leave = f"{base_url}/unsubscribe/x"
    case = Case(
        head=HEAD.replace(LEAVE.encode(), leave.encode()).replace(b"@example.org", b"@gmail.com"),
        text=TEXT.replace(LEAVE, leave),
        html=HTML.replace(LEAVE, leave).replace(
            "<!-- here -->", '<a href="http://localhost/x">A page of ours</a>'
        ),
        facts=replace(FACTS, base_url=base_url, address=None, routes_are_loopback=routes),
    )
    found = case.rules()

    assert {found[rule] for rule in LIVE if rule in found} == {blocks}
    assert {"links.localhost", "content.address"} <= set(found)


def test_blocking_findings_come_first_and_say_where() -> None:
    case = here("<p><a href='/x'>Read more</a></p>")
    findings = case.findings()

    assert [finding.rule for finding in findings] == ["links.relative", "links.vague"]
    assert findings[0].where == 'HTML line 11: <a href="/x">Read more</a>'


@pytest.mark.parametrize(
    "octets",
    [b"", b"\r\n\r\n", b"x", b"\0\xff" * 50, b"Subject: x\r\n\r\nbody",
     b"Content-Type: multipart/alternative\r\n\r\n",
     HEAD + b"Content-Type: text/html; charset=nonsense\r\n\r\n<p>", HEAD + b"Content-Type: x/;;=\r\n\r\n"],
)  # fmt: skip
def test_what_is_hardly_a_mail_gives_findings_and_no_crash(octets: bytes) -> None:
    assert any(finding.blocking for finding in check_issue(octets, FACTS))


def test_a_long_element_is_shown_by_its_beginning() -> None:
    case = here(f'<p><a href="/{"x" * 200}">A page</a></p>')
    [finding] = [each for each in case.findings() if each.rule == "links.relative"]

    assert finding.where.endswith("…")
    assert len(finding.where) < 100


def test_a_mail_is_taken_apart_with_its_fields_unfolded() -> None:
    mail = parse_mail(b"Subject: a\r\n b\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody")

    assert mail.values("X-A") == ["1", "2"]
    assert mail.value("Subject") == "a b"
    assert mail.value("Nothing") == ""
    assert mail.tree is None
    assert mail.find("//p") == []


@pytest.mark.parametrize(
    ("html", "parts"), [("", 0), ("<?xml version='1.0'?><html><body><p>x</p></body></html>", 1)]
)
def test_html_of_any_kind_is_parsed_or_left(html: str, parts: int) -> None:
    body = join(pack([compile_body("x", html, NONCE)]), {})

    assert len(parse_mail(HEAD + body).find("//p")) == parts
