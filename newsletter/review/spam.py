"""What spam filters say: SpamAssassin's verdict, handed in as a value, and what any of them counts."""

from __future__ import annotations

import re

from newsletter.review.mail import Facts, Mail
from newsletter.review.outside import SpamRule
from newsletter.review.rule import Faults, rule

REFUSED_AT = 5.0
CLEAN_BELOW = 2.0
HEAVY_RULE = 1.0
_SHOUT = re.compile(r"!{2,}|\?{2,}|[$€£]{2,}")
_LEAST_TEXT = 200

_EXPLAINED = {
    "MIME_HTML_ONLY": "there is no text part",
    "MPART_ALT_DIFF": "the text part and the HTML part say different things",
    "HTML_IMAGE_RATIO_02": "there is little text beside the images",
    "HTML_IMAGE_RATIO_04": "there is little text beside the images",
    "HTML_IMAGE_ONLY_24": "nearly all is images",
    "HTML_FONT_LOW_CONTRAST": "some text is hard to tell from its background, as hidden text is",
    "SUBJ_ALL_CAPS": "the subject is all in capitals",
    "URI_HEX": "an address is written in codes",
    "SHORT_SHORTNER": "a shortened link hides where it leads",
    "FROM_EXCESS_BASE64": "the sender's name is encoded without need",
    "MISSING_HEADERS": "fields of the header are missing",
    "INVALID_DATE": "the date is not written as RFC 5322 says",
}
"""SpamAssassin's names, in an editor's words."""


def explain(found: SpamRule) -> str:
    """What a rule means: in our words where they are plainer than its own."""
    return _EXPLAINED.get(found.name) or found.description.removeprefix("BODY: ").rstrip(".") or found.name


@rule(
    "spam.refused",
    "blocks",
    why="At 5 points most servers that use SpamAssassin put a mail into the spam folder or refuse it.",
    fix="Mend what the single rules below name.",
    lints=False,
)
def refused(_: Mail, facts: Facts) -> Faults:
    verdict = facts.outside.spam
    if verdict and verdict.score >= REFUSED_AT:
        yield f"SpamAssassin gives {verdict.score:g} points.", "message"


@rule(
    "spam.suspect",
    "advises",
    why="A clean newsletter has less than 2 points; other filters add their own.",
    fix="Mend what the single rules below name.",
    lints=False,
)
def suspect(_: Mail, facts: Facts) -> Faults:
    verdict = facts.outside.spam
    if verdict and CLEAN_BELOW <= verdict.score < REFUSED_AT:
        yield f"SpamAssassin gives {verdict.score:g} points.", "message"


@rule(
    "spam.rule",
    "advises",
    why="One heavy rule of SpamAssassin's can be what puts a mail into the spam folder.",
    fix="Mend what it names; its page in SpamAssassin's documentation says how it counts.",
    lints=False,
)
def heavy(_: Mail, facts: Facts) -> Faults:
    for found in facts.outside.spam.rules if facts.outside.spam else ():
        if found.score >= HEAVY_RULE:
            yield f"{found.name}, {found.score:g} points: {explain(found)}.", "message"


@rule(
    "spam.shouting",
    "advises",
    why="Capitals and rows of signs in a subject are what spam looks like.",
    fix="Write it as a sentence.",
)
def shouting(mail: Mail, _: Facts) -> Faults:
    letters = [letter for letter in mail.subject if letter.isalpha() and letter.lower() != letter.upper()]
    if len(letters) > 8 and all(map(str.isupper, letters)):  # noqa: PLR2004 - as long as two acronyms
        yield "The subject is all in capitals.", "Subject"
    elif found := _SHOUT.search(mail.subject):
        yield f"“{found[0]}” in the subject shouts.", "Subject"


@rule(
    "spam.images-only",
    "advises",
    why="Filters cannot read images, and readers with images off see nothing.",
    fix="Say in text what the images say.",
)
def images_only(mail: Mail, _: Facts) -> Faults:
    images = mail.find("//img")
    if images and len(mail.seen) < _LEAST_TEXT:
        yield f"There are {len(images)} images and hardly any text.", images[0]
