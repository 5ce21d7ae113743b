"""The table of rules, and the one way to run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from newsletter.content import Finding
from newsletter.review import access, content, headers, links, size
from newsletter.review.mail import Facts, Mail, parse_mail

Weight = Literal["blocks", "blocks-live", "advises"]
"""`blocks-live` only advises while every route and the base URL are loopback: nothing can leave then."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its stable id, how much a finding weighs, and what looks for it."""

    id: str
    weight: Weight
    check: Callable[[Mail, Facts], headers.Faults]

    def is_blocking(self, facts: Facts) -> bool:
        """Whether what it finds blocks an issue."""
        return self.weight == "blocks" or (self.weight == "blocks-live" and not facts.is_rehearsal)


RULES: tuple[Rule, ...] = (
    Rule("headers.once", "blocks", headers.once),
    Rule("headers.line-length", "blocks", headers.line_length),
    Rule("headers.line-ends", "blocks", headers.line_ends),
    Rule("headers.seven-bit", "blocks", headers.seven_bit),
    Rule("headers.encoded-word", "blocks", headers.encoded_word),
    Rule("headers.encoded-words-apart", "blocks", headers.encoded_words_apart),
    Rule("headers.list-unsubscribe", "blocks", headers.list_unsubscribe),
    Rule("headers.one-click-https", "blocks-live", headers.one_click_https),
    Rule("headers.list-unsubscribe-post", "blocks", headers.list_unsubscribe_post),
    Rule("headers.list-id", "blocks", headers.list_id),
    Rule("headers.list-uris", "blocks", headers.list_uris),
    Rule("headers.message-id", "blocks", headers.message_id),
    Rule("headers.date", "blocks", headers.date),
    Rule("headers.multipart", "blocks", headers.multipart),
    Rule("headers.text-empty", "blocks", headers.text_empty),
    Rule("headers.leave-link", "blocks", headers.leave_link),
    Rule("headers.freemail", "blocks-live", headers.freemail),
    Rule("links.http", "blocks-live", links.http),
    Rule("links.insecure", "advises", links.insecure),
    Rule("links.relative", "blocks", links.relative),
    Rule("links.scheme", "blocks", links.scheme),
    Rule("links.localhost", "blocks-live", links.localhost),
    Rule("links.empty", "blocks", links.empty),
    Rule("links.shortener", "advises", links.shortener),
    Rule("links.fragment", "advises", links.fragment),
    Rule("links.vague", "advises", links.vague),
    Rule("links.silent", "advises", links.silent),
    Rule("content.subject-empty", "blocks", content.subject_empty),
    Rule("content.subject-clipped", "advises", content.subject_clipped),
    Rule("content.subject-long", "blocks", content.subject_long),
    Rule("content.preheader", "advises", content.preheader),
    Rule("content.placeholder", "blocks", content.placeholder),
    Rule("content.todo", "advises", content.todo),
    Rule("content.empty", "blocks", content.empty),
    Rule("content.address", "blocks-live", content.address),
    Rule("content.repeated", "advises", content.repeated),
    Rule("content.inlining", "advises", content.inlining),
    Rule("content.active", "blocks", content.active),
    Rule("size.large", "advises", size.large),
    Rule("size.heavy", "advises", size.heavy),
    Rule("size.clipped", "blocks", size.clipped),
    Rule("size.leave-link", "blocks", size.leave_link),
    Rule("access.language", "advises", access.language),
    Rule("access.direction", "advises", access.direction),
    Rule("access.wrapper", "advises", access.wrapper),
    Rule("access.title", "advises", access.title),
    Rule("access.alt", "advises", access.alt),
    Rule("access.alt-file-name", "advises", access.alt_file_name),
    Rule("access.image-width", "advises", access.image_width),
    Rule("access.table-role", "advises", access.table_role),
    Rule("access.one-heading", "advises", access.one_heading),
    Rule("access.heading-order", "advises", access.heading_order),
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
        Finding(rule.id, message, where, rule.is_blocking(facts))
        for rule in RULES
        for message, where in rule.check(taken_apart, facts)
    ]
    return sorted(findings, key=lambda finding: not finding.blocking)
