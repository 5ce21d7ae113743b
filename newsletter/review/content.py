"""What the mail says: subject, preview line, leftovers, address, repetitions."""

from __future__ import annotations

import re
from datetime import timedelta

from newsletter.review.mail import Facts, Mail, Spot
from newsletter.review.rule import Faults, rule

SUBJECT_SHOWN = 78
SUBJECT_LONGEST = 200
PREHEADER = range(40, 111)
"""Characters that inboxes show beside the subject."""

_PLACEHOLDER = re.compile(
    r"\{\{.{0,60}|\{%.{0,60}|slot-[0-9a-f]+-\w+-[0-9a-f]*-tols|lorem ipsum", re.IGNORECASE
)
_GAP = re.compile(r"(?:\w+\s+|^\s*)[,!:.](?:\s|$)|\b(?:None|null|undefined)\b")
_FRESH = timedelta(days=1)
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b")


@rule(
    "content.subject-empty",
    "blocks",
    why="A mail without a subject looks like spam and is filed as such.",
    fix="Write a subject, or mend subject.txt of the theme.",
)
def subject_empty(mail: Mail, _: Facts) -> Faults:
    if not mail.subject.strip():
        yield "The subject is empty.", "Subject"


@rule(
    "content.subject-clipped",
    "advises",
    why="Inboxes cut it, so readers miss its end.",
    fix="Say the most important thing first, in fewer words.",
)
def subject_clipped(mail: Mail, _: Facts) -> Faults:
    if SUBJECT_SHOWN < len(mail.subject) <= SUBJECT_LONGEST:
        yield (
            f"The subject has {len(mail.subject)} characters; inboxes show {SUBJECT_SHOWN} at most.",
            "Subject",
        )


@rule(
    "content.subject-long",
    "blocks",
    why="Servers and clients cut or refuse a subject of that length.",
    fix="Shorten it.",
)
def subject_long(mail: Mail, _: Facts) -> Faults:
    if len(mail.subject) > SUBJECT_LONGEST:
        yield f"The subject has {len(mail.subject)} characters; {SUBJECT_LONGEST} are allowed.", "Subject"


@rule(
    "content.preheader",
    "advises",
    why="Inboxes show it after the subject; else they show whatever comes first.",
    fix="Write a sentence of 40 to 110 characters that adds to the subject.",
    lints=False,
)
def preheader(mail: Mail, facts: Facts) -> Faults:
    said = facts.preheader.strip()
    if not said:
        yield "There is no preview line.", "preheader"
    elif said.casefold() == mail.subject.strip().casefold():
        yield "The preview line repeats the subject.", "preheader"
    elif len(said) not in PREHEADER:
        yield f"The preview line has {len(said)} characters; 40 to 110 are shown well.", "preheader"


@rule(
    "content.placeholder",
    "blocks",
    why="Readers would see a part of a template that was never filled in.",
    fix="Mend the template or the article that holds it.",
)
def placeholder(mail: Mail, _: Facts) -> Faults:
    for where, text in _texts(mail):
        if found := _PLACEHOLDER.search(text):
            yield f"“{found[0]}” was not filled in.", where


@rule(
    "content.todo",
    "advises",
    why="It looks like a note that someone left for later.",
    fix="Do it or take it out.",
)
def todo(mail: Mail, _: Facts) -> Faults:
    for where, text in _texts(mail):
        if found := _TODO.search(text):
            yield f"“{found[0]}” looks like a note to self.", where


def _texts(mail: Mail) -> list[tuple[str, str]]:
    return [("Subject", mail.subject), ("text part", mail.text), ("HTML part", mail.html)]


@rule(
    "content.empty",
    "blocks",
    why="An issue of nothing teaches readers not to open the next.",
    fix="Add an article, or let this issue be skipped.",
    lints=False,
)
def empty(_: Mail, facts: Facts) -> Faults:
    if not facts.articles:
        yield "The issue has no article.", "issue"


@rule(
    "content.address",
    "blocks-live",
    why="CAN-SPAM and its like ask for a postal address in every mail.",
    fix="Set it: newsletter publication set --address …; the theme shows publication.address in both parts.",
    lints=False,
)
def address(mail: Mail, facts: Facts) -> Faults:
    if not (facts.address or "").strip():
        yield "The publication has no postal address.", "publication"
        return
    wanted = _squeezed(facts.address or "")
    shown = "".join(mail.tree.itertext()) if mail.tree is not None else ""
    for where, text in (("text part", mail.text), ("HTML part", shown)):
        if wanted not in _squeezed(text):
            yield "The postal address is missing.", where


def _squeezed(text: str) -> str:
    return "".join(text.split())


@rule(
    "content.repeated",
    "advises",
    why="Readers had it in the last issue.",
    fix="Drop it, or say what is new.",
    lints=False,
)
def repeated(_: Mail, facts: Facts) -> Faults:
    for article, title in facts.articles.items():
        if article in facts.previous_articles:
            yield "This article was in the last issue.", _card(title)


@rule(
    "content.inlining",
    "advises",
    why="Many clients see only what is inlined, so this would be lost there.",
    fix="Mend the theme's CSS at that place.",
    lints=False,
)
def inlining(_: Mail, facts: Facts) -> Faults:
    for problem in facts.problems:
        yield problem, "styles"


@rule(
    "content.active",
    "blocks",
    why="Clients strip it, and filters count it as an attack.",
    fix="Take it out; a link can lead to a page that does it.",
)
def active(mail: Mail, _: Facts) -> Faults:
    for element in mail.find(
        "//script | //iframe | //form | //object | //embed | //link[@rel='stylesheet'] | //base"
    ):
        yield f"<{element.tag}> has no place in a mail.", element
    for element in mail.find("//*[@*[starts-with(name(), 'on')]]"):
        yield "A script in an attribute has no place in a mail.", element


@rule(
    "content.category-empty",
    "advises",
    why="A heading with nothing under it looks like a mistake.",
    fix="Drop the category from this issue, or give it an article.",
    lints=False,
)
def category_empty(_: Mail, facts: Facts) -> Faults:
    for category in facts.empty_sections:
        yield f"The category {category} has no article.", f"category: {category}"


@rule(
    "content.past",
    "advises",
    why="Readers take a mail that is dated days ago for an old one.",
    fix="Draft it again, or schedule it anew.",
    lints=False,
)
def past(_: Mail, facts: Facts) -> Faults:
    if facts.date and facts.now and not facts.is_out and facts.now - facts.date > _FRESH:
        yield f"The issue is dated {facts.date:%d %B %Y}, {(facts.now - facts.date).days} days ago.", "issue"


@rule(
    "content.slot-empty",
    "advises",
    why="Readers who gave no name would see the gap where it should be.",
    fix="Give the slot a value to fall back to: {{ subscriber.name|default('reader') }}.",
    lints=False,
)
def slot_empty(mail: Mail, facts: Facts) -> Faults:
    if facts.nameless is None:
        return
    named = set(mail.text.split("\n"))
    for number, line in enumerate(facts.nameless.split("\n"), 1):
        if line not in named and (found := _GAP.search(line)):
            yield (
                f"Without a name it says “{found[0].strip()}”.",
                Spot(f"text line {number}", number, line[:80]),
            )


def _card(title: str) -> Spot:
    return Spot(f"card: {title}", card=title)
