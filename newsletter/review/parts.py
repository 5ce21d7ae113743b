"""The plain-text part beside the HTML part: both must say the same, and be readable."""

from __future__ import annotations

import re
from typing import Any

from newsletter.review.mail import Facts, Mail, Spot
from newsletter.review.rule import Faults, rule

LONGEST_TEXT_LINE = 78
_WORD = re.compile(r"\w{3,}")
_MARKUP = re.compile(
    r"</?(?:a|b|br|div|img|p|span|table|td|tr)\b[^>]{0,80}>|&(?:#\d+|#x[0-9a-f]+|nbsp|amp|quot);",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden|opacity:\s*0(?![.\d])", re.IGNORECASE)
_SIZE = re.compile(r"font-size:\s*(0(?![.\d]))?", re.IGNORECASE)
_MISSING_SHARE = 0.3
"""Filters count from about half; a third leaves room for how each counts."""


@rule(
    "parts.charset",
    "blocks",
    why="Clients guess the characters of a part that does not say them, and guess wrong.",
    fix="Both parts are UTF-8 and say so: report it, the program writes them.",
)
def charset(mail: Mail, _: Facts) -> Faults:
    for part in mail.message.walk():
        is_text = part.get_content_maintype() == "text"
        if is_text and part.get_content_charset() not in {"utf-8", "us-ascii"}:
            yield f"The {part.get_content_type()} part is not said to be UTF-8.", part.get_content_type()


@rule(
    "parts.links-differ",
    "advises",
    why="Readers of the text part cannot go where readers of the HTML part can.",
    fix="Give body.txt the same links in the same order.",
)
def links_differ(mail: Mail, _: Facts) -> Faults:
    if not mail.text.strip():
        return
    missing = [
        link
        for link in mail.links
        if link.get("href").startswith(("http://", "https://")) and link.get("href").strip() not in mail.text
    ]
    if missing:
        links = "1 link" if len(missing) == 1 else f"{len(missing)} links"
        yield f"The text part lacks {links} of the HTML part.", missing[0]


@rule(
    "parts.words-differ",
    "advises",
    why="Filters count parts that say different things as a trick of spammers.",
    fix="Let body.txt tell what body.html tells.",
)
def words_differ(mail: Mail, _: Facts) -> Faults:
    shown = set(_WORD.findall(mail.seen.casefold()))
    told = set(_WORD.findall(mail.text.casefold()))
    if mail.text.strip() and shown and (share := len(shown - told) / len(shown)) > _MISSING_SHARE:
        yield f"{share:.0%} of the words of the HTML part are not in the text part.", "text part"


@rule(
    "parts.markup",
    "advises",
    why="Readers of plain text would see tags and codes between the words.",
    fix="Strip the markup in the source or in body.txt.",
)
def markup(mail: Mail, _: Facts) -> Faults:
    for number, line in enumerate(mail.text.split("\n"), 1):
        # An article may write about <b>; then the HTML part shows it too.
        if (found := _MARKUP.search(line)) and found[0] not in mail.seen:
            yield f"The text part holds {found[0]}.", Spot(f"text line {number}", number, line.strip()[:80])
            return


@rule(
    "parts.long-line",
    "advises",
    why="Clients for plain text break long lines in odd places (RFC 5322 2.1.1).",
    fix="Break lines at 78 characters; an address alone may be longer.",
)
def long_line(mail: Mail, _: Facts) -> Faults:
    for number, line in enumerate(mail.text.split("\n"), 1):
        longest = max(map(len, line.split()), default=0)
        if len(line) > LONGEST_TEXT_LINE and longest < len(line.strip()):
            yield (
                f"A line of the text part has {len(line)} characters.",
                Spot(f"text line {number}", number, line.strip()[:80]),
            )
            return


@rule(
    "parts.leave-hidden",
    "blocks",
    why="Gmail, Yahoo and the law want a link to leave that can be seen and read.",
    fix="Show it as text, in a size that can be read.",
)
def leave_hidden(mail: Mail, _: Facts) -> Faults:
    links = [link for link in mail.links if mail.leave_url and link.get("href") == mail.leave_url]
    if links and not any(map(_is_seen, links)):
        yield "No link to leave can be seen.", links[0]


def _is_seen(link: Any) -> bool:  # noqa: ANN401 - lxml has no types
    said = "".join([*link.itertext(), *link.xpath(".//img/@alt")])
    around = (link, *link.iterancestors())
    styles = [each.get("style") or "" for each in around]
    # The nearest size is what holds: MJML's cells have none, and the texts in them have their own.
    size = next(filter(None, map(_SIZE.search, styles)), None)
    is_small = size is not None and size[1] is not None
    return bool(said.strip()) and not is_small and not any(map(_HIDDEN.search, styles))
