"""The table of rules, and the one way to run them."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.content import Finding
from newsletter.review import (
    access,
    axe,
    clients,
    content,
    contrast,
    css,
    headers,
    images,
    links,
    parts,
    reach,
    size,
    spam,
    trust,
)
from newsletter.review.mail import Facts, Mail, locate, parse_mail
from newsletter.review.rule import Rule

FAMILIES = (
    headers,
    trust,
    parts,
    links,
    reach,
    content,
    size,
    images,
    spam,
    access,
    axe,
    contrast,
    css,
    clients,
)

RULES: tuple[Rule, ...] = tuple(
    value for family in FAMILIES for value in vars(family).values() if isinstance(value, Rule)
)
"""Every rule, in the order of its family's file."""


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
    findings = [finding for rule in RULES for finding in _run(rule, taken_apart, facts)]
    return sorted(findings, key=lambda finding: not finding.blocking)


def lint_mail(mail: bytes, facts: Facts | None = None) -> list[Finding]:
    """Run the rules that a message alone can be held against: the message linter.

    Args:
        mail: octets as they went over the wire, dot-stuffing undone.
        facts: nothing need be known; without a base URL our own links are told by List-Unsubscribe.

    Returns:
        Findings, blocking ones first.
    """
    taken_apart = parse_mail(mail)
    known = facts or Facts(base_url=taken_apart.leave_url)
    findings = [finding for rule in RULES if rule.lints for finding in _run(rule, taken_apart, known)]
    return sorted(findings, key=lambda finding: not finding.blocking)


def _run(rule: Rule, mail: Mail, facts: Facts) -> Iterator[Finding]:
    titles = frozenset(facts.articles.values())
    for message, where in rule.check(mail, facts):
        spot = locate(where, titles)
        yield Finding(
            rule.id,
            message,
            spot.where,
            rule.is_blocking(facts),
            why=rule.why,
            fix=rule.fix,
            line=spot.line,
            snippet=spot.snippet,
            card=spot.card,
        )
