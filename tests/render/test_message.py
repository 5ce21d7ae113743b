"""Messages: read back by Python's own parser, whatever is in them, and clean for the linter."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content import Publication, Recipient, RenderedIssue
from newsletter.errors import AddressError, RenderError
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.marks import Subscriber
from newsletter.render.message import (
    IssueIdentity,
    Notice,
    build_message,
    build_notice,
    compile_body,
    domain_of,
    message_id,
    nonce_of,
    personalise,
)
from newsletter.render.themes import list_themes, load_theme
from newsletter.review.mail import Facts
from newsletter.review.rules import check_issue
from tests.support.mail_builders import (
    BASE_URL,
    LEAVE,
    NOW,
    make_digest,
    make_publication,
    make_recipient,
    make_rich_digest,
)

ISSUE = IssueIdentity("issue-12", 12)
anything = st.text(max_size=150)


@cache
def rendered() -> RenderedIssue:
    return render_issue(make_rich_digest(), make_publication(), make_environment())


def build(
    recipient: Recipient | None = None,
    publication: Publication | None = None,
    issue: RenderedIssue | None = None,
) -> bytes:
    return build_message(
        issue or rendered(),
        publication or make_publication(),
        recipient or make_recipient(),
        issue=ISSUE,
        base_url=BASE_URL,
        date=NOW,
    )


def parsed(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    content = found.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_both_parts_decode_to_what_one_reader_is_shown() -> None:
    shown = personalise(rendered(), make_recipient())
    message = parsed(build())

    assert [leaf.get_content_type() for leaf in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == shown.text
    assert part(message, "html") == shown.html
    assert LEAVE in shown.text
    assert LEAVE in shown.html
    assert message["Subject"] == shown.subject == make_rich_digest().subject


def test_the_headers_are_those_that_bulk_mail_needs() -> None:
    message = parsed(build())

    assert message["List-Id"] == '"Situation in Belarus" <belarus.example.org>'
    assert message["List-Unsubscribe"] == f"<{LEAVE}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Archive"] == f"<{BASE_URL}/archive>"
    assert message["List-Post"] == "NO"
    assert message["Precedence"] == "bulk"
    assert message["Reply-To"] == "editors@example.org"
    assert message["To"].addresses[0].addr_spec == "reader@example.net"
    assert message["Feedback-ID"].split(":")[:3] == ["12", "belarus", "issue"]
    assert 5 <= len(message["Feedback-ID"].split(":")[3]) <= 15
    assert message["Date"].datetime == NOW
    assert "Auto-Submitted" not in message


@given(anything, anything, st.emails(domains=st.just("example.net")), anything)
def test_no_name_or_subject_of_a_reader_breaks_the_message(
    name: str, subject: str, address: str, slot: str
) -> None:
    recipient = make_recipient(name=name, email=address, slots={
        "unsubscribe_url": LEAVE, "preferences_url": f"{BASE_URL}/preferences/{slot}"})  # fmt: skip
    issue = replace(rendered(), subject=" ".join(subject.split()))
    try:
        octets = build(recipient, issue=issue)
    except RenderError:
        assert not issue.subject.isprintable()
        return
    except AddressError:
        return

    assert len(parsed(octets).keys()) == len(parsed(build()).keys())
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.isascii()
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    faults = {finding.rule for finding in check_issue(octets, facts()) if finding.blocking}
    assert not any(rule.startswith("headers.") for rule in faults)


def facts() -> Facts:
    return Facts(
        BASE_URL,
        address=make_publication().address,
        preheader=make_digest().preheader,
        articles={1: "x"},
        allowed_features=load_theme(make_environment(), "default").allow,
    )


@pytest.mark.parametrize("theme", list_themes(make_environment()))
def test_a_rich_issue_passes_every_rule_in_every_theme(theme: str) -> None:
    publication = make_publication(theme=theme)
    issue = render_issue(make_rich_digest(), publication, make_environment())
    allowed = load_theme(make_environment(), theme).allow

    assert check_issue(build(None, publication, issue), replace(facts(), allowed_features=allowed)) == []


def test_a_name_beyond_ascii_is_left_out_of_list_id_and_encoded_in_from() -> None:
    publication = make_publication(name="Становішча ў Беларусі", sender="digest@example.org", reply_to=None)
    octets = build(publication=publication)

    assert b"List-Id: <belarus.example.org>\r\n" in octets
    assert b"From: =?utf-8?B?" in octets
    assert b"Reply-To" not in octets


def test_renaming_a_publication_does_not_change_its_list_id() -> None:
    assert parsed(build(publication=make_publication(name="New")))["List-Id"] == '"New" <belarus.example.org>'


def test_a_message_id_is_stable_and_belongs_to_one_delivery() -> None:
    ids = {message_id(issue, reader, "example.org") for issue in ("a", "b") for reader in range(100)}

    assert len(ids) == 200
    assert message_id("a", 1, "example.org") in ids
    assert parsed(build())["Message-ID"] == message_id("issue-12", 7, "example.org")
    assert build() == build()


@pytest.mark.parametrize("url", ["", "https://evil.example/unsubscribe/x", f"{BASE_URL}.evil.example/x"])
def test_a_leave_link_that_is_not_below_the_public_address_is_refused(url: str) -> None:
    with pytest.raises(RenderError, match="public address"):
        build(make_recipient(slots={"unsubscribe_url": url, "preferences_url": url}))


@pytest.mark.parametrize("ending", ["a>b", "a b", "é", "a\r\nBcc: x@example.org", "a\u2028b", "x" * 1000])
def test_a_leave_link_that_no_header_can_hold_is_refused(ending: str) -> None:
    with pytest.raises(RenderError):
        build(make_recipient(slots={"unsubscribe_url": f"{BASE_URL}/{ending}", "preferences_url": ""}))


@pytest.mark.parametrize("length", range(20, 900, 44))
def test_a_leave_link_of_any_length_stands_whole_on_one_line(length: int) -> None:
    url = f"{BASE_URL}/{'x' * length}"
    octets = build(make_recipient(slots={"unsubscribe_url": url, "preferences_url": url}))

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in octets


def test_an_address_that_needs_smtputf8_is_an_error_of_that_recipient() -> None:
    with pytest.raises(AddressError, match="SMTPUTF8"):
        build(make_recipient(email="имя@example.net"))


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(RenderError, match="zone"):
        build_message(
            rendered(), make_publication(), make_recipient(), issue=ISSUE, base_url=BASE_URL,
            date=datetime(2026, 11, 23),  # noqa: DTZ001 - the point of the test
        )  # fmt: skip


def test_a_slot_in_the_subject_is_filled_without_breaking_the_header() -> None:
    nonce = nonce_of(rendered().mime)
    issue = replace(rendered(), subject=f"{Subscriber(nonce).name}, your week")

    assert parsed(build(make_recipient(name="Ada\r\nBcc: x@example.org"), issue=issue))["Subject"] == (
        "Ada Bcc: x@example.org, your week"
    )


def test_a_damaged_body_is_reported() -> None:
    with pytest.raises(RenderError, match="damaged"):
        nonce_of(b"")


def test_bodies_that_start_with_dots_or_from_and_hold_the_boundary_stay_one_message() -> None:
    text = "--=_ab--\n.\nFrom x\n..\n--=_ab\n"
    body = compile_body(text, f"<html><body><p>{text}</p></body></html>", "ab")
    message = parsed(b"From: a@example.org\r\n" + body)

    assert part(message, "plain") == text
    assert len(list(message.iter_parts())) == 2


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), anything)
def test_a_notice_is_marked_as_automatic_and_is_no_list_mail(subject: str, text: str) -> None:
    notice = Notice(" ".join(subject.split()), f"<html><body><p>{text.strip()}</p></body></html>", text)
    octets = build_notice(notice, make_publication(), "a@example.net", uid="confirm-1", date=NOW)
    message = parsed(octets)

    assert message["Auto-Submitted"] == "auto-generated"
    assert not any(name.startswith("List-") for name in message)
    assert message["Message-ID"] == message_id("confirm-1", 0, "example.org")
    assert message["To"] == "a@example.net"
    assert max(map(len, octets.split(b"\r\n"))) <= 78


def test_the_domain_of_a_sender_is_read_from_its_mailbox() -> None:
    assert domain_of("News <digest@News.Example.org>") == "news.example.org"
