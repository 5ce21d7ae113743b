"""Accessibility: what axe does not see in a mail, and what 99.9 % of mails get wrong (EMC report 2025)."""

from __future__ import annotations

import re

from newsletter.review.mail import Facts, Mail
from newsletter.review.rule import Faults, rule

_FILE_NAME = re.compile(r"(?i)^\S+\.(?:jpe?g|png|gif|webp|svg|bmp)$|^(?:img|dsc|image)[_-]?\d+$")


@rule(
    "access.language",
    "advises",
    why="Screen readers choose their voice by it; webmail drops <html>, so the wrapper needs it too.",
    fix="Give <html> and the wrapper the publication's lang.",
)
def language(mail: Mail, _: Facts) -> Faults:
    if not mail.find("/html[normalize-space(@lang)]"):
        yield "<html> has no lang.", "HTML part"
    if not mail.find("//body/*[normalize-space(@lang)]"):
        yield "The wrapper directly in <body> has no lang, and webmail drops <html>.", "HTML part"


@rule(
    "access.direction",
    "advises",
    why="Without it a right-to-left text is mixed up in webmail; 98 of 100 mails lack it.",
    fix='Give the wrapper dir="ltr" or dir="rtl".',
)
def direction(mail: Mail, _: Facts) -> Faults:
    if not mail.find("//body/*[@dir = 'ltr' or @dir = 'rtl']"):
        yield "The wrapper directly in <body> has no dir.", "HTML part"


@rule(
    "access.wrapper",
    "advises",
    why="It lets a screen reader jump to the mail inside a webmail page.",
    fix='Put role="article" and an aria-label on the wrapper directly in <body>.',
)
def wrapper(mail: Mail, _: Facts) -> Faults:
    if not mail.find("//body/*[@role = 'article' and normalize-space(@aria-label)]"):
        yield "The wrapper directly in <body> needs role=article and an aria-label.", "HTML part"


@rule(
    "access.title",
    "advises",
    why="It is what a browser tab and a screen reader say first.",
    fix="Give the page a <title>, best the subject.",
)
def title(mail: Mail, _: Facts) -> Faults:
    if not mail.find("//head/title[normalize-space()]"):
        yield "The HTML part has no title.", "HTML part"


@rule(
    "access.alt",
    "advises",
    why="Without the attribute a screen reader reads the address out.",
    fix="Describe the image, or give an empty alt if it only decorates.",
)
def alt(mail: Mail, _: Facts) -> Faults:
    for image in mail.find("//img[not(@alt)]"):
        yield "This image has no alt.", image


@rule(
    "access.alt-file-name",
    "advises",
    why="A file's name describes nothing to whoever cannot see the image.",
    fix="Say what the image shows.",
)
def alt_file_name(mail: Mail, _: Facts) -> Faults:
    for image in mail.find("//img[@alt]"):
        if _FILE_NAME.match(image.get("alt").strip()):
            yield "This alt text is a file's name.", image


@rule(
    "access.image-width",
    "advises",
    why="Outlook shows an image without a width attribute at its full size.",
    fix="Give it width and height attributes in pixels.",
)
def image_width(mail: Mail, _: Facts) -> Faults:
    for image in mail.find("//img[not(@width)]"):
        yield "This image has no width attribute.", image


@rule(
    "access.table-role",
    "advises",
    why="Else every layout table is announced with its rows and columns.",
    fix='Give it role="presentation".',
)
def table_role(mail: Mail, _: Facts) -> Faults:
    for table in mail.find(
        "//table[not(@role = 'presentation' or @role = 'none') and not(.//th or ./caption)]"
    ):
        yield 'This layout table has no role="presentation".', table


@rule(
    "access.one-heading",
    "advises",
    why="Readers of screen readers move by headings; three of four mails have no h1.",
    fix="Give the mail one h1, best the publication's name.",
)
def one_heading(mail: Mail, _: Facts) -> Faults:
    if (count := len(mail.find("//h1"))) != 1:
        yield f"A mail needs one h1, but has {count}.", "HTML part"


@rule(
    "access.heading-order",
    "advises",
    why="A level that is skipped sounds like a part that is missing.",
    fix="Use the level that follows the one before.",
)
def heading_order(mail: Mail, _: Facts) -> Faults:
    level = 0
    for heading in mail.find("//h1 | //h2 | //h3 | //h4 | //h5 | //h6"):
        own = int(heading.tag[1])
        if level and own > level + 1:
            yield f"h{own} follows h{level}: a level is skipped.", heading
        level = own
