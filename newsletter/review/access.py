"""Accessibility: what axe does not see in a mail, and what 99.9 % of mails get wrong (EMC report 2025)."""

from __future__ import annotations

import re

from newsletter.review.headers import Faults
from newsletter.review.mail import Facts, Mail, place

_FILE_NAME = re.compile(r"(?i)^\S+\.(?:jpe?g|png|gif|webp|svg|bmp)$|^(?:img|dsc|image)[_-]?\d+$")


def language(mail: Mail, _: Facts) -> Faults:
    """Screen readers choose their voice by it; webmail drops <html>, so the wrapper needs it too."""
    if not mail.find("/html[normalize-space(@lang)]"):
        yield "<html> has no lang.", "HTML part"
    if not mail.find("//body/*[normalize-space(@lang)]"):
        yield "The wrapper directly in <body> has no lang, and webmail drops <html>.", "HTML part"


def direction(mail: Mail, _: Facts) -> Faults:
    """98 of 100 mails lack it."""
    if not mail.find("//body/*[@dir = 'ltr' or @dir = 'rtl']"):
        yield "The wrapper directly in <body> has no dir.", "HTML part"


def wrapper(mail: Mail, _: Facts) -> Faults:
    """`role=article` lets a screen reader jump to the mail inside a webmail page."""
    if not mail.find("//body/*[@role = 'article' and normalize-space(@aria-label)]"):
        yield "The wrapper directly in <body> needs role=article and an aria-label.", "HTML part"


def title(mail: Mail, _: Facts) -> Faults:
    """It is what a browser tab and a screen reader say first."""
    if not mail.find("//head/title[normalize-space()]"):
        yield "The HTML part has no title.", "HTML part"


def alt(mail: Mail, _: Facts) -> Faults:
    """Without the attribute a screen reader reads the address out."""
    for image in mail.find("//img[not(@alt)]"):
        yield "This image has no alt. Describe it, or give an empty one if it only decorates.", place(image)


def alt_file_name(mail: Mail, _: Facts) -> Faults:
    """A file's name describes nothing."""
    for image in mail.find("//img[@alt]"):
        if _FILE_NAME.match(image.get("alt").strip()):
            yield "This alt text is a file's name. Say what the image shows.", place(image)


def image_width(mail: Mail, _: Facts) -> Faults:
    """Outlook shows an image without a width attribute at its full size."""
    for image in mail.find("//img[not(@width)]"):
        yield "This image has no width attribute.", place(image)


def table_role(mail: Mail, _: Facts) -> Faults:
    """Else every layout table is announced with its rows and columns."""
    for table in mail.find(
        "//table[not(@role = 'presentation' or @role = 'none') and not(.//th or ./caption)]"
    ):
        yield 'This layout table needs role="presentation".', place(table)


def one_heading(mail: Mail, _: Facts) -> Faults:
    """Three of four mails have none."""
    if (count := len(mail.find("//h1"))) != 1:
        yield f"A mail needs one h1, but has {count}.", "HTML part"


def heading_order(mail: Mail, _: Facts) -> Faults:
    """A level that is skipped sounds like a part that is missing."""
    level = 0
    for heading in mail.find("//h1 | //h2 | //h3 | //h4 | //h5 | //h6"):
        own = int(heading.tag[1])
        if level and own > level + 1:
            yield f"h{own} follows h{level}: a level is skipped.", place(heading)
        level = own
