"""Whether links lead anywhere, by the answers that someone who may use the network got."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from newsletter.review.mail import Facts, Mail
from newsletter.review.outside import LinkAnswer
from newsletter.review.rule import Faults, rule

MOST_HOPS = 2
_NOT_FOR_PROGRAMS = frozenset({401, 403, 405, 406, 407, 408, 418, 425, 429, 451, 503, 999})
"""Sites answer so to programs, and show the page to readers."""


@rule(
    "reach.lead-dead",
    "blocks",
    why="The first thing that readers open leads nowhere.",
    fix="Correct the address of the first article, or lead with another.",
    lints=False,
)
def lead_dead(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _dead(mail, facts):
        if answer.url == facts.lead_url:
            yield f"The link of the first card is dead: {answer.status}.", link
            return


@rule(
    "reach.dead",
    "advises",
    why="Readers who follow it find nothing.",
    fix="Correct the address or take the link out.",
    lints=False,
)
def dead(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _dead(mail, facts):
        if answer.url != facts.lead_url:
            yield f"This link is dead: {answer.status}.", link


@rule(
    "reach.silent",
    "advises",
    why="A site that does not answer now may not answer readers either.",
    fix="Open it yourself; correct the address if it is wrong.",
    lints=False,
)
def silent(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _answered(mail, facts):
        if answer.error and not answer.is_refused:
            yield f"No answer: {answer.error}.", link


@rule(
    "reach.inside",
    "blocks-live",
    why="Readers are not in your network and cannot open it.",
    fix="Link a public page.",
    lints=False,
)
def inside(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _answered(mail, facts):
        if answer.is_refused:
            yield f"This was not asked: {answer.error}.", link


@rule(
    "reach.redirects",
    "advises",
    why="Filters distrust chains of redirects, and each hop costs readers time.",
    fix="Link the page that it ends at.",
    lints=False,
)
def redirects(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _answered(mail, facts):
        hosts = dict.fromkeys(_host(url) for url in (answer.url, *answer.hops))
        if len(answer.hops) > MOST_HOPS or (len(answer.hops) > 1 and len(hosts) > 2):  # noqa: PLR2004 - over a third site
            yield f"This link redirects {len(answer.hops)} times, to {answer.hops[-1]}.", link


@rule(
    "reach.moved-home",
    "advises",
    why="A page that is gone often sends its readers to the front page, where they do not find it.",
    fix="Find the article's present address, or take the link out.",
    lints=False,
)
def moved_home(mail: Mail, facts: Facts) -> Faults:
    for link, answer in _answered(mail, facts):
        if answer.hops and _path(answer.hops[-1]) in {"", "/"} and _path(answer.url) not in {"", "/"}:
            yield f"This link ends at a front page: {answer.hops[-1]}.", link


def _dead(mail: Mail, facts: Facts) -> Iterator[tuple[Any, LinkAnswer]]:
    for link, answer in _answered(mail, facts):
        if answer.status and answer.status >= 400 and answer.status not in _NOT_FOR_PROGRAMS:  # noqa: PLR2004 - HTTP's own border
            yield link, answer


def _answered(mail: Mail, facts: Facts) -> Iterator[tuple[Any, LinkAnswer]]:
    """Each address once, at the first link to it."""
    answers = {answer.url: answer for answer in facts.outside.links}
    for link in mail.links:
        if answer := answers.pop(link.get("href").strip(), None):
            yield link, answer


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts.path + ("?" if parts.query else "")
