"""The message linter: header fields, line ends and the order of parts (reliability.md D3-D19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr, parsedate_to_datetime

from newsletter.review.mail import Facts, Mail

Faults = Iterator[tuple[str, str]]
"""Pairs of what is wrong and how to mend it, and where."""

LONGEST_LINE = 998
_ONCE = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
)  # fmt: skip
_AT_MOST_ONCE = ("Reply-To", "Feedback-ID", "Precedence", "List-Help", "List-Archive", "List-Post", "Sender")
_NEVER_ENCODED = re.compile(r"(?i)list-|message-id$|feedback-id$|dkim-signature$")
_LIST_URIS = re.compile(r"<[^<>\s]+>(?:\s*,\s*<[^<>\s]+>)*")
_LIST_ID = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s+|[\w .-]+\s)?<[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+>')
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@([^<>@\s]+)>")
_FREEMAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "yahoo.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "aol.com",
        "icloud.com",
        "gmx.com",
        "gmx.de",
        "web.de",
        "mail.ru",
        "yandex.ru",
        "proton.me",
        "protonmail.com",
        "tut.by",
    ]
)


def once(mail: Mail, _: Facts) -> Faults:
    """RFC 5322 3.6, RFC 8058 3.1, RFC 2919: these fields stand once."""
    for name in _ONCE:
        if (count := len(mail.values(name))) != 1:
            yield f"{name} must stand once, but stands {count} times. Mend what writes the headers.", name
    for name in _AT_MOST_ONCE:
        if (count := len(mail.values(name))) > 1:
            yield f"{name} stands {count} times; once is allowed.", name


def line_length(mail: Mail, _: Facts) -> Faults:
    """RFC 5322 2.1.1: longer lines are broken on the way, which destroys the DKIM signature."""
    for number, line in enumerate(mail.raw.split(b"\r\n"), 1):
        if len(line) > LONGEST_LINE:
            yield f"A line has {len(line)} octets; {LONGEST_LINE} are allowed.", f"line {number}"


def line_ends(mail: Mail, _: Facts) -> Faults:
    """RFC 5321 2.3.8; a bare CR or LF is how mails are smuggled (CVE-2023-51764)."""
    if found := re.search(rb"\r(?!\n)|(?<!\r)\n|\0", mail.raw):
        line = mail.raw.count(b"\n", 0, found.start()) + 1
        yield f"The message holds a bare {found[0]!r}; lines must end in CRLF.", f"line {line}"


def seven_bit(mail: Mail, _: Facts) -> Faults:
    """Without BODY=8BITMIME a server may refuse or maim other octets (RFC 6152)."""
    for number, line in enumerate(mail.raw.split(b"\r\n"), 1):
        if not line.isascii():
            yield "The message holds octets beyond ASCII; encode them.", f"line {number}"
            return


def encoded_word(mail: Mail, _: Facts) -> Faults:
    """RFC 2047 5 forbids them here; Gmail ignores an encoded List-Unsubscribe."""
    for name, value in mail.fields:
        if _NEVER_ENCODED.match(name) and "=?" in value:
            yield f"{name} must hold no encoded words.", name


def encoded_words_apart(mail: Mail, _: Facts) -> Faults:
    """Yahoo answers 554 to adjacent encoded words (python/cpython#144156)."""
    for name, value in mail.fields:
        if "?==?" in value:
            yield f"Encoded words in {name} must be parted by a blank.", name


def list_unsubscribe(mail: Mail, _: Facts) -> Faults:
    """RFC 8058 3.1: one HTTPS address, perhaps a mailto; RFC 2369: in angle brackets, on one line."""
    value = mail.value("List-Unsubscribe")
    if value and (not _LIST_URIS.fullmatch(value) or len(re.findall(r"<https?:", value)) != 1):
        yield "List-Unsubscribe must hold one https address in angle brackets.", f"List-Unsubscribe: {value}"
    elif re.search(rb"(?im)^List-Unsubscribe:[^\r]*\r\n[ \t]", mail.head):
        yield "List-Unsubscribe must stand on one line.", f"List-Unsubscribe: {value}"


def one_click_https(mail: Mail, _: Facts) -> Faults:
    """RFC 8058 3.1: the one-click address is https."""
    if mail.leave_url.startswith("http:"):
        yield "The one-click address must be https. Set NEWSLETTER_BASE_URL.", "List-Unsubscribe"


def list_unsubscribe_post(mail: Mail, _: Facts) -> Faults:
    """RFC 8058 3.1: the single pair."""
    value = mail.value("List-Unsubscribe-Post")
    if value and value != "List-Unsubscribe=One-Click":
        yield "List-Unsubscribe-Post must be List-Unsubscribe=One-Click.", f"List-Unsubscribe-Post: {value}"


def list_id(mail: Mail, _: Facts) -> Faults:
    """RFC 2919 3: an optional phrase and one identifier with a dot, 255 octets at most."""
    value = mail.value("List-Id")
    if value and (not _LIST_ID.fullmatch(value) or len(value) > 255):  # noqa: PLR2004 - the RFC's number
        yield 'List-Id must look like "Name" <label.domain>.', f"List-Id: {value}"


def list_uris(mail: Mail, _: Facts) -> Faults:
    """RFC 2369 2: addresses in angle brackets; List-Post alone may say NO."""
    for name in ("List-Help", "List-Archive", "List-Subscribe", "List-Owner", "List-Post"):
        value = mail.value(name)
        if value and not _LIST_URIS.fullmatch(value) and (name, value) != ("List-Post", "NO"):
            yield f"{name} must hold addresses in angle brackets.", f"{name}: {value}"


def message_id(mail: Mail, _: Facts) -> Faults:
    """RFC 5322 3.6.4; its right side is the sender's own domain."""
    found = _MESSAGE_ID.fullmatch(mail.value("Message-ID"))
    sender = parseaddr(mail.value("From"))[1].rpartition("@")[2]
    if not found:
        yield "Message-ID must look like <unique@domain>.", f"Message-ID: {mail.value('Message-ID')}"
    elif found[1].lower() != sender.lower():
        yield f"Message-ID must end in the sender's domain {sender}.", f"Message-ID: {found[0]}"


def date(mail: Mail, _: Facts) -> Faults:
    """RFC 5322 3.3: with an offset that means something (`-0000` says it is not known)."""
    value = mail.value("Date")
    try:
        known = parsedate_to_datetime(value).tzinfo is not None
    except (TypeError, ValueError):
        known = False
    if not known:
        yield "Date must be a date of RFC 5322 with its offset.", f"Date: {value}"


def multipart(mail: Mail, _: Facts) -> Faults:
    """RFC 2046 5.1.4: alternatives in order of faithfulness, so the plain text comes first."""
    if mail.message.get_content_type() != "multipart/alternative" or mail.parts != (
        "text/plain",
        "text/html",
    ):
        parts = ", ".join(mail.parts) or "none"
        yield "A mail must be multipart/alternative: text/plain, then text/html.", f"parts: {parts}"


def text_empty(mail: Mail, _: Facts) -> Faults:
    """A part that shows nothing is what readers of plain text, and some previews, get."""
    if not mail.text.strip():
        yield "The plain-text part is empty. Mend the theme's body.txt.", "text part"


def leave_link(mail: Mail, _: Facts) -> Faults:
    """Gmail, Yahoo and the law ask for a link to leave that readers see, in each part."""
    if "text/plain" in mail.parts and not (mail.leave_url and mail.leave_url in mail.text):
        yield "The text part has no link to leave. Put subscriber.unsubscribe_url into body.txt.", "text part"
    links = {link.get("href") for link in mail.find("//a[@href]")}
    if "text/html" in mail.parts and mail.leave_url not in links:
        yield (
            "The HTML part has no link to leave. Put subscriber.unsubscribe_url into body.html.",
            "HTML part",
        )


def freemail(mail: Mail, _: Facts) -> Faults:
    """Gmail: "Don't impersonate Gmail From: headers"; such mail fails DMARC."""
    domain = parseaddr(mail.value("From"))[1].rpartition("@")[2].lower()
    if domain in _FREEMAIL:
        yield f"Mail from {domain} cannot be authenticated here. Send from your own domain.", "From"
