"""What the mail says: subject, preview line, leftovers, address, repetitions."""

from __future__ import annotations

import re

from newsletter.review.headers import Faults
from newsletter.review.mail import Facts, Mail, place

SUBJECT_SHOWN = 78
SUBJECT_LONGEST = 200
PREHEADER = range(40, 111)
"""Characters that inboxes show beside the subject."""

_PLACEHOLDER = re.compile(
    r"\{\{.{0,60}|\{%.{0,60}|slot-[0-9a-f]+-\w+-[0-9a-f]*-tols|lorem ipsum", re.IGNORECASE
)
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b")


def subject_empty(mail: Mail, _: Facts) -> Faults:
    """A mail without a subject looks like spam and is filed as such."""
    if not mail.subject.strip():
        yield "The subject is empty. Write one.", "Subject"


def subject_clipped(mail: Mail, _: Facts) -> Faults:
    """Inboxes cut it."""
    if SUBJECT_SHOWN < len(mail.subject) <= SUBJECT_LONGEST:
        yield (
            f"The subject has {len(mail.subject)} characters; inboxes show {SUBJECT_SHOWN} at most.",
            "Subject",
        )


def subject_long(mail: Mail, _: Facts) -> Faults:
    """reliability.md D14."""
    if len(mail.subject) > SUBJECT_LONGEST:
        yield f"The subject has {len(mail.subject)} characters; {SUBJECT_LONGEST} are allowed.", "Subject"


def preheader(mail: Mail, facts: Facts) -> Faults:
    """Inboxes show it after the subject; else they show whatever comes first."""
    said = facts.preheader.strip()
    if not said:
        yield "There is no preview line. Write a sentence of 40 to 110 characters.", "preheader"
    elif said.casefold() == mail.subject.strip().casefold():
        yield "The preview line repeats the subject. Say something else.", "preheader"
    elif len(said) not in PREHEADER:
        yield f"The preview line has {len(said)} characters; 40 to 110 are shown well.", "preheader"


def placeholder(mail: Mail, _: Facts) -> Faults:
    """A part of a template that was never filled in."""
    for where, text in _texts(mail):
        if found := _PLACEHOLDER.search(text):
            yield f"“{found[0]}” was not filled in. Mend the template or the article.", where


def todo(mail: Mail, _: Facts) -> Faults:
    """A note that someone left for later."""
    for where, text in _texts(mail):
        if found := _TODO.search(text):
            yield f"“{found[0]}” looks like a note to self.", where


def _texts(mail: Mail) -> list[tuple[str, str]]:
    return [("Subject", mail.subject), ("text part", mail.text), ("HTML part", mail.html)]


def empty(_: Mail, facts: Facts) -> Faults:
    """An issue of nothing."""
    if not facts.articles:
        yield "The issue has no article. Add one, or let this issue be skipped.", "issue"


def address(mail: Mail, facts: Facts) -> Faults:
    """CAN-SPAM and its like ask for a postal address in every mail."""
    if not (facts.address or "").strip():
        yield (
            "The publication has no postal address. Set it: newsletter publication set --address …",
            "publication",
        )
        return
    wanted = _squeezed(facts.address or "")
    shown = "".join(mail.tree.itertext()) if mail.tree is not None else ""
    for where, text in (("text part", mail.text), ("HTML part", shown)):
        if wanted not in _squeezed(text):
            yield "The postal address is missing. Put publication.address into the template.", where


def _squeezed(text: str) -> str:
    return "".join(text.split())


def repeated(_: Mail, facts: Facts) -> Faults:
    """Readers have had it a week ago."""
    for article, title in facts.articles.items():
        if article in facts.previous_articles:
            yield "This article was in the last issue. Drop it, or say what is new.", f"card: {title}"


def inlining(_: Mail, facts: Facts) -> Faults:
    """What premailer cannot do would else be lost without a word."""
    for problem in facts.problems:
        yield problem, "styles"


def active(mail: Mail, _: Facts) -> Faults:
    """Clients strip it, and filters count it as an attack."""
    for element in mail.find(
        "//script | //iframe | //form | //object | //embed | //link[@rel='stylesheet'] | //base"
    ):
        yield f"<{element.tag}> has no place in a mail.", place(element)
    for element in mail.find("//*[@*[starts-with(name(), 'on')]]"):
        yield "A script in an attribute has no place in a mail.", place(element)
