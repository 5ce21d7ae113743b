# ruff: noqa: E501 - a table reads best with a fault and its near miss in one row
"""Every rule finds the fault that is planted for it, and leaves the near miss beside it alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from newsletter.render.message import compile_body
from newsletter.render.personal import join, pack
from newsletter.review.mail import Facts, parse_mail
from newsletter.review.rules import RULES, check_issue
from tests.support.mail_builders import BASE_URL, LEAVE

NONCE = "ab12"
ADDRESS = "12 Example Street\nVilnius"
FACTS = Facts(
    base_url=BASE_URL,
    address=ADDRESS,
    preheader="Also: what the budget says, and a strike that ended after nine days.",
    articles={1: "Minsk looks west", 2: "Strike ends"},
    previous_articles=frozenset({9}),
)
HEAD = (
    b"From: News <digest@example.org>\r\n"
    b"To: reader@example.net\r\n"
    b"Subject: Minsk looks west again\r\n"
    b"Date: Mon, 23 Nov 2026 08:00:00 +0300\r\n"
    b"Message-ID: <abc123@example.org>\r\n"
    b'List-Id: "News" <news.example.org>\r\n'
    b"List-Unsubscribe: <" + LEAVE.encode() + b">\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"List-Archive: <https://news.example.org/archive>\r\n"
    b"List-Post: NO\r\n"
    b"Feedback-ID: 12:news:issue:abcdef\r\n"
)
TEXT = f"Minsk looks west\n\nhttps://source.example.com/1\n\nUnsubscribe:\n{LEAVE}\n\n12 Example Street\nVilnius\n"
HTML = (
    '<!DOCTYPE html>\n<html lang="en" dir="ltr"><head><title>Minsk</title></head><body>\n'
    '<div role="article" aria-label="Minsk" lang="en" dir="ltr"><h1>News</h1><h2 id="s">Security</h2>\n'
    '<table role="presentation"><tr><td><h3><a href="https://source.example.com/1">Minsk looks west</a></h3>\n'
    '<img src="https://news.example.org/1.jpg" width="120" alt="Two delegations">\n</td></tr></table>\n'
    f'<!-- here --><p><a href="{LEAVE}">Unsubscribe</a></p><p>12 Example Street<br>Vilnius</p></div></body></html>\n'
)


@dataclass(frozen=True)
class Case:
    """What to change of a mail that has no fault."""

    head: bytes = HEAD
    text: str = TEXT
    html: str = HTML
    facts: Facts = FACTS
    wire: Callable[[bytes], bytes] = bytes

    def rules(self) -> dict[str, bool]:
        body = join(pack([compile_body(self.text, self.html, NONCE)]), {})
        findings = check_issue(self.wire(self.head + body), self.facts)
        return {finding.rule: finding.blocking for finding in findings}


def head(old: str, new: str) -> Case:
    assert old.encode() in HEAD
    return Case(head=HEAD.replace(old.encode(), new.encode()))


def html(old: str, new: str) -> Case:
    assert old in HTML
    return Case(html=HTML.replace(old, new))


def here(markup: str) -> Case:
    return html("<!-- here -->", markup)


def link(url: str, words: str = "A page about Minsk") -> Case:
    return here(f'<p><a href="{url}">{words}</a></p>')


def padded(size: int) -> Case:
    return here("<p>" + "x" * (size - len(HTML.encode())) + "</p>")


def facts(**changes: object) -> Case:
    return Case(facts=replace(FACTS, **changes))  # type: ignore[arg-type]  # replace checks them


def wire(old: bytes, new: bytes) -> Case:
    return Case(wire=lambda octets: octets.replace(old, new, 1))


PLANTED: list[tuple[str, Case, Case]] = [
    ("headers.once", head("List-Post: NO\r\n", "To: other@example.net\r\n"), head("NO", "NO")),
    ("headers.once", head("Date: Mon, 23 Nov 2026 08:00:00 +0300\r\n", ""), head("Mon, ", "")),
    ("headers.once", head("List-Post: NO", "List-Post: NO\r\nList-Post: NO"), head("List-Post: NO\r\n", "")),
    ("headers.line-length", head("News", "N" * 990), head("abcdef", "a" * 900)),
    ("headers.line-ends", wire(b"Security", b"Secu\nrity"), wire(b"Security", b"Secu\r\nrity")),
    ("headers.line-ends", wire(b"Security", b"Secu\0rity"), wire(b"Security", b"Secu\trity")),
    ("headers.seven-bit", wire(b"Security", b"S\xc3\xa9curity"), wire(b"Security", b"S=C3=A9curity")),
    ("headers.encoded-word", head('"News"', "=?utf-8?B?TmV3cw==?="), head("From: News", "From: =?utf-8?B?TmV3cw==?=")),
    (
        "headers.encoded-words-apart",
        head("Minsk looks", "=?utf-8?B?TmV3cw==?==?utf-8?B?TmV3cw==?="),
        head("Minsk looks", "=?utf-8?B?TmV3cw==?= =?utf-8?B?TmV3cw==?="),
    ),
    ("headers.list-unsubscribe", head(f"<{LEAVE}>", LEAVE), head(f"<{LEAVE}>", f"<{LEAVE}>, <mailto:x@example.org>")),
    ("headers.list-unsubscribe", head(f"<{LEAVE}>", f"<{LEAVE}>, <{LEAVE}>"), Case()),
    ("headers.list-unsubscribe", head(f" <{LEAVE}>", f"\r\n <{LEAVE}>"), head("List-Post: NO", "List-Post:\r\n NO")),
    ("headers.one-click-https", head("<https://news.example.org/u", "<http://news.example.org/u"), Case()),
    ("headers.list-unsubscribe-post", head("=One-Click", "=one-click"), Case()),
    ("headers.list-id", head("<news.example.org>", "<news>"), head('"News" ', "")),
    ("headers.list-id", head("news.example.org>\r\nList-Unsub", f"{'a.' * 130}b>\r\nList-Unsub"), head('"News"', "News")),
    ("headers.list-uris", head("<https://news.example.org/archive>", "https://news.example.org"), Case()),
    ("headers.list-uris", head("List-Archive: <https://news.example.org/archive>", "List-Archive: NO"), Case()),
    ("headers.message-id", head("<abc123@example.org>", "abc123@example.org"), Case()),
    ("headers.message-id", head("@example.org>\r\nList-Id", "@evil.example>\r\nList-Id"), head("3@ex", "3@EX")),
    ("headers.date", head("+0300", "-0000"), head("+0300", "-0900")),
    ("headers.date", head("Mon, 23 Nov 2026 08:00:00 +0300", "tomorrow"), head("Mon, ", "")),
    ("headers.multipart", wire(b"multipart/alternative", b"multipart/mixed"), Case()),
    ("headers.multipart", wire(b"text/plain", b"text/calendar"), Case()),
    ("headers.text-empty", Case(text=" \n"), Case(text=TEXT + "x")),
    ("headers.leave-link", Case(text=TEXT.replace(LEAVE, "by post")), Case(text=f"<{LEAVE}>{TEXT}")),
    ("headers.leave-link", html(f'href="{LEAVE}"', f'href="{LEAVE}x"'), Case()),
    ("headers.freemail", head("digest@example.org", "digest@Gmail.com"), head("digest@example.org", "gmail.com@example.org")),
    ("links.http", link("http://news.example.org/x"), link("http://other.example.org/x")),
    ("links.insecure", link("http://other.example.org/x"), link("http://news.example.org/x")),
    ("links.relative", link("https://[broken/"), Case()),
    ("links.relative", link("/x"), link("//other.example.org/x".replace("//", "https://"))),
    ("links.scheme", link("javascript:alert(1)"), link("mailto:a@example.org")),
    ("links.scheme", here('<img src="data:image/png;base64,AA" width="1" alt="">'), link("tel:+375")),
    ("links.localhost", link("https://127.0.0.2/x"), link("https://128.0.0.1/x")),
    ("links.localhost", link("https://localhost:8000/"), link("https://localhost.example.org/")),
    ("links.localhost", link("https://[::1]/x"), link("https://[2001:db8::1]/x")),
    ("links.empty", link(""), here('<a id="x"></a>')),
    ("links.empty", link("#"), link("#s")),
    ("links.empty", here('<img width="1" alt="">'), Case()),
    ("links.shortener", link("https://www.bit.ly/x"), link("https://rabbit.ly/x")),
    ("links.fragment", link("#nowhere"), link("#s")),
    ("links.vague", link("https://a.example", "Read more…"), link("https://a.example", "Read more about Minsk")),
    ("links.silent", link("https://a.example", " "), link("https://a.example", '<img src="https://a.example/1" width="1" alt="A">')),
    ("content.subject-empty", head("Minsk looks west again", ""), head("Minsk looks west again", "M")),
    ("content.subject-clipped", head("Minsk looks west again", "m" * 79), head("Minsk looks west again", "m" * 78)),
    ("content.subject-long", head("Minsk looks west again", "m" * 201), head("Minsk looks west again", "m" * 200)),
    ("content.preheader", facts(preheader=" "), facts(preheader="m" * 40)),
    ("content.preheader", facts(preheader="m" * 111), facts(preheader="m" * 110)),
    ("content.preheader", facts(preheader="minsk looks west AGAIN"), Case()),
    ("content.placeholder", here("<p>Dear {{ name }}</p>"), here("<p>f(x) = { x }</p>")),
    ("content.placeholder", Case(text=TEXT + "slot-cd34-name--tols"), Case(text=TEXT + "slot-machine")),
    ("content.placeholder", here("<p>Lorem Ipsum dolor</p>"), here("<p>lorem</p>")),
    ("content.todo", Case(text=TEXT + "TODO: ask"), Case(text=TEXT + "todos los dias, TODOS")),
    ("content.empty", facts(articles={}), facts(articles={3: "x"})),
    ("content.address", facts(address=" \n"), Case(text=TEXT.replace("Street\nVilnius", "Street Vilnius"))),
    ("content.address", Case(text=TEXT.replace("Vilnius", "")), Case()),
    ("content.address", html("Vilnius", ""), html("Street<br>", "Street, <br>".replace(",", ""))),
    ("content.repeated", facts(previous_articles=frozenset({2})), facts(previous_articles=frozenset({3}))),
    ("content.inlining", facts(problems=("CSS line 3: dropped",)), facts(problems=())),
    ("content.active", here("<form></form>"), here("<p>script</p>")),
    ("content.active", here('<p onclick="x()">x</p>'), here('<p data-on="x">x</p>')),
    ("size.large", padded(80_050), padded(79_900)),
    ("size.heavy", padded(90_050), padded(89_900)),
    ("size.clipped", padded(102_500), padded(102_300)),
    ("size.leave-link", padded(91_000), padded(89_000)),
    ("access.language", html('<html lang="en"', "<html"), Case()),
    ("access.language", html('aria-label="Minsk" lang="en"', 'aria-label="Minsk"'), Case()),
    ("access.direction", html('lang="en" dir="ltr"><h1>', 'lang="en" dir="auto"><h1>'), html('<html lang="en" dir="ltr"', '<html lang="en"')),
    ("access.wrapper", html('role="article"', ""), Case()),
    ("access.wrapper", html('aria-label="Minsk"', 'aria-label=" "'), Case()),
    ("access.title", html("<title>Minsk", "<title> "), Case()),
    ("access.alt", html(' alt="Two delegations"', ""), html("Two delegations", "")),
    ("access.alt-file-name", html("Two delegations", "IMG_2041.JPG"), html("Two delegations", "The file a.jpg was lost")),
    ("access.image-width", html('width="120"', ""), html("120", "121")),
    ("access.table-role", html(' role="presentation"', ""), html('<table role="presentation"><tr>', "<table><caption>T</caption><tr>")),
    ("access.one-heading", html("<h1>News</h1>", ""), Case()),
    ("access.one-heading", here("<h1>Again</h1>"), here("<h2>Again</h2>")),
    ("access.heading-order", html("h3>", "h4>"), here("<h2>Up again</h2>")),
]  # fmt: skip


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
        assert rule.check.__doc__


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
    body = join(pack([compile_body(case.text, case.html, NONCE)]), {})
    findings = check_issue(HEAD + body, FACTS)

    assert [finding.rule for finding in findings] == ["links.relative", "links.vague"]
    assert findings[0].where == 'HTML line 7: <a href="/x">Read more</a>'


@pytest.mark.parametrize(
    "octets",
    [b"", b"\r\n\r\n", b"x", b"\0\xff" * 50, b"Subject: x\r\n\r\nbody", b"Content-Type: multipart/alternative\r\n\r\n",
     HEAD + b"Content-Type: text/html; charset=nonsense\r\n\r\n<p>", HEAD + b"Content-Type: x/;;=\r\n\r\n"],
)  # fmt: skip
def test_what_is_hardly_a_mail_gives_findings_and_no_crash(octets: bytes) -> None:
    assert any(finding.blocking for finding in check_issue(octets, FACTS))


def test_a_long_element_is_shown_by_its_beginning() -> None:
    case = here(f'<p><a href="/{"x" * 200}">A page</a></p>')
    mail = HEAD + join(pack([compile_body(case.text, case.html, NONCE)]), {})
    [finding] = check_issue(mail, FACTS)

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
