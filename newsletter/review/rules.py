"""The table of rules, and the one way to run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from newsletter.content import Finding
from newsletter.review import access, content, headers, links, size
from newsletter.review.mail import Facts, Mail, parse_mail


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its stable id, whether it blocks, and what looks."""

    id: str
    blocking: bool
    check: Callable[[Mail, Facts], headers.Faults]
    rehearsal: bool = False
    """Only advises while every route and the base URL are loopback."""


RULES: tuple[Rule, ...] = (
    Rule("headers.once", True, headers.once),
    Rule("headers.line-length", True, headers.line_length),
    Rule("headers.line-ends", True, headers.line_ends),
    Rule("headers.seven-bit", True, headers.seven_bit),
    Rule("headers.encoded-word", True, headers.encoded_word),
    Rule("headers.encoded-words-apart", True, headers.encoded_words_apart),
    Rule("headers.list-unsubscribe", True, headers.list_unsubscribe),
    Rule("headers.one-click-https", True, headers.one_click_https, rehearsal=True),
    Rule("headers.list-unsubscribe-post", True, headers.list_unsubscribe_post),
    Rule("headers.list-id", True, headers.list_id),
    Rule("headers.list-uris", True, headers.list_uris),
    Rule("headers.message-id", True, headers.message_id),
    Rule("headers.date", True, headers.date),
    Rule("headers.multipart", True, headers.multipart),
    Rule("headers.text-empty", True, headers.text_empty),
    Rule("headers.leave-link", True, headers.leave_link),
    Rule("headers.freemail", True, headers.freemail, rehearsal=True),
    Rule("links.http", True, links.http, rehearsal=True),
    Rule("links.insecure", False, links.insecure),
    Rule("links.relative", True, links.relative),
    Rule("links.scheme", True, links.scheme),
    Rule("links.localhost", True, links.localhost, rehearsal=True),
    Rule("links.empty", True, links.empty),
    Rule("links.shortener", False, links.shortener),
    Rule("links.fragment", False, links.fragment),
    Rule("links.vague", False, links.vague),
    Rule("links.silent", False, links.silent),
    Rule("content.subject-empty", True, content.subject_empty),
    Rule("content.subject-clipped", False, content.subject_clipped),
    Rule("content.subject-long", True, content.subject_long),
    Rule("content.preheader", False, content.preheader),
    Rule("content.placeholder", True, content.placeholder),
    Rule("content.todo", False, content.todo),
    Rule("content.empty", True, content.empty),
    Rule("content.address", True, content.address, rehearsal=True),
    Rule("content.repeated", False, content.repeated),
    Rule("content.inlining", False, content.inlining),
    Rule("content.active", True, content.active),
    Rule("size.large", False, size.large),
    Rule("size.heavy", False, size.heavy),
    Rule("size.clipped", True, size.clipped),
    Rule("size.leave-link", True, size.leave_link),
    Rule("access.language", False, access.language),
    Rule("access.direction", False, access.direction),
    Rule("access.wrapper", False, access.wrapper),
    Rule("access.title", False, access.title),
    Rule("access.alt", False, access.alt),
    Rule("access.alt-file-name", False, access.alt_file_name),
    Rule("access.image-width", False, access.image_width),
    Rule("access.table-role", False, access.table_role),
    Rule("access.one-heading", False, access.one_heading),
    Rule("access.heading-order", False, access.heading_order),
)


def check_issue(mail: bytes, facts: Facts) -> list[Finding]:
    """Run every rule over one reader's mail.

    Args:
        mail: as it would go out, that of the reader with the longest values.
        facts: what the rules cannot see in it.

    Returns:
        Findings, blocking ones first, else in the table's order. While the whole set-up is loopback the
        rules on https, localhost and postal address only advise.
    """
    taken_apart = parse_mail(mail)
    findings = [
        Finding(rule.id, message, where, rule.blocking and not (rule.rehearsal and facts.is_rehearsal))
        for rule in RULES
        for message, where in rule.check(taken_apart, facts)
    ]
    return sorted(findings, key=lambda finding: not finding.blocking)
