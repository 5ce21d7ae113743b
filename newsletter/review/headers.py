"""The message linter: header fields, line ends and the order of parts (reliability.md D3-D19)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from newsletter.review.mail import Facts, Mail, Spot
from newsletter.review.rule import Faults, rule

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


@rule(
    "headers.once",
    "blocks",
    why="Servers refuse a mail whose fields are missing or doubled (RFC 5322 3.6, RFC 8058 3.1).",
    fix="Set the sender and the base URL; if they are set, report it: the program writes these fields.",
)
def once(mail: Mail, _: Facts) -> Faults:
    for name in _ONCE:
        if (count := len(mail.values(name))) != 1:
            yield f"{name} must stand once, but stands {count} times.", name
    for name in _AT_MOST_ONCE:
        if (count := len(mail.values(name))) > 1:
            yield f"{name} stands {count} times; once is allowed.", name


@rule(
    "headers.line-length",
    "blocks",
    why="Servers break longer lines on the way, which destroys the DKIM signature (RFC 5322 2.1.1).",
    fix="Shorten the name or the address that stands in that line.",
)
def line_length(mail: Mail, _: Facts) -> Faults:
    for number, line in enumerate(mail.raw.split(b"\r\n"), 1):
        if len(line) > LONGEST_LINE:
            yield f"A line has {len(line)} octets; {LONGEST_LINE} are allowed.", _line(number)


@rule(
    "headers.line-ends",
    "blocks",
    why="A bare CR or LF is how mails are smuggled, so servers refuse it (RFC 5321 2.3.8, CVE-2023-51764).",
    fix="Lines end in CRLF: report it, the program writes them.",
)
def line_ends(mail: Mail, _: Facts) -> Faults:
    if found := re.search(rb"\r(?!\n)|(?<!\r)\n|\0", mail.raw):
        line = mail.raw.count(b"\n", 0, found.start()) + 1
        yield f"The message holds a bare {found[0]!r}; lines must end in CRLF.", _line(line)


@rule(
    "headers.seven-bit",
    "blocks",
    why="Without BODY=8BITMIME a server may refuse or maim such octets (RFC 6152).",
    fix="Encode the text: report it, the program does that.",
)
def seven_bit(mail: Mail, _: Facts) -> Faults:
    for number, line in enumerate(mail.raw.split(b"\r\n"), 1):
        if not line.isascii():
            yield "The message holds octets beyond ASCII.", _line(number)
            return


@rule(
    "headers.encoded-word",
    "blocks",
    why="Gmail ignores an encoded List-Unsubscribe, and RFC 2047 5 forbids it.",
    fix="Use ASCII in the names and addresses that this field is made of.",
)
def encoded_word(mail: Mail, _: Facts) -> Faults:
    for name, value in mail.fields:
        if _NEVER_ENCODED.match(name) and "=?" in value:
            yield f"{name} must hold no encoded words.", name


@rule(
    "headers.encoded-words-apart",
    "blocks",
    why="Yahoo answers 554 to adjacent encoded words (python/cpython#144156).",
    fix="Part them by a blank: report it, the program writes them.",
)
def encoded_words_apart(mail: Mail, _: Facts) -> Faults:
    for name, value in mail.fields:
        if "?==?" in value:
            yield f"Encoded words in {name} must be parted by a blank.", name


@rule(
    "headers.list-unsubscribe",
    "blocks",
    why="Gmail and Yahoo ask bulk mail for a one-click address in this exact form (RFC 8058 3.1, RFC 2369).",
    fix="It holds one https address in angle brackets, perhaps a mailto after it, on one line.",
)
def list_unsubscribe(mail: Mail, _: Facts) -> Faults:
    value = mail.value("List-Unsubscribe")
    if value and (not _LIST_URIS.fullmatch(value) or len(re.findall(r"<https?:", value)) != 1):
        yield "List-Unsubscribe must hold one https address in angle brackets.", f"List-Unsubscribe: {value}"
    elif re.search(rb"(?im)^List-Unsubscribe:[^\r]*\r\n[ \t]", mail.head):
        yield "List-Unsubscribe must stand on one line.", f"List-Unsubscribe: {value}"


@rule(
    "headers.one-click-https",
    "blocks-live",
    why="Mail clients offer one-click unsubscribing only over https (RFC 8058 3.1).",
    fix="Set NEWSLETTER_BASE_URL to an https address.",
)
def one_click_https(mail: Mail, _: Facts) -> Faults:
    if mail.leave_url.startswith("http:"):
        yield "The one-click address must be https.", "List-Unsubscribe"


@rule(
    "headers.list-unsubscribe-post",
    "blocks",
    why="Only this exact pair turns one-click unsubscribing on (RFC 8058 3.1).",
    fix="It must be List-Unsubscribe=One-Click.",
)
def list_unsubscribe_post(mail: Mail, _: Facts) -> Faults:
    value = mail.value("List-Unsubscribe-Post")
    if value and value != "List-Unsubscribe=One-Click":
        yield "List-Unsubscribe-Post must be List-Unsubscribe=One-Click.", f"List-Unsubscribe-Post: {value}"


@rule(
    "headers.list-id",
    "blocks",
    why="Readers filter by it, and filters distrust a broken one (RFC 2919 3).",
    fix='It must look like "Name" <label.domain>, 255 octets at most.',
)
def list_id(mail: Mail, _: Facts) -> Faults:
    value = mail.value("List-Id")
    if value and (not _LIST_ID.fullmatch(value) or len(value) > 255):  # noqa: PLR2004 - the RFC's number
        yield 'List-Id must look like "Name" <label.domain>.', f"List-Id: {value}"


@rule(
    "headers.list-uris",
    "blocks",
    why="Clients show these addresses as buttons and cannot read another form (RFC 2369 2).",
    fix="Addresses stand in angle brackets; List-Post alone may say NO.",
)
def list_uris(mail: Mail, _: Facts) -> Faults:
    for name in ("List-Help", "List-Archive", "List-Subscribe", "List-Owner", "List-Post"):
        value = mail.value(name)
        if value and not _LIST_URIS.fullmatch(value) and (name, value) != ("List-Post", "NO"):
            yield f"{name} must hold addresses in angle brackets.", f"{name}: {value}"


@rule(
    "headers.message-id",
    "blocks",
    why="Without an id of its own domain a mail looks forged and replies are not threaded (RFC 5322 3.6.4).",
    fix="It must look like <unique@domain> with the domain of the sender.",
)
def message_id(mail: Mail, _: Facts) -> Faults:
    found = _MESSAGE_ID.fullmatch(mail.value("Message-ID"))
    sender = mail.sender_domain
    if not found:
        yield "Message-ID must look like <unique@domain>.", f"Message-ID: {mail.value('Message-ID')}"
    elif found[1].lower() != sender:
        yield f"Message-ID must end in the sender's domain {sender}.", f"Message-ID: {found[0]}"


@rule(
    "headers.date",
    "blocks",
    why="Inboxes sort by it, and filters punish one that is missing or unclear (RFC 5322 3.3).",
    fix="It must be a date of RFC 5322 with its offset from UTC.",
)
def date(mail: Mail, _: Facts) -> Faults:
    value = mail.value("Date")
    try:
        known = parsedate_to_datetime(value).tzinfo is not None
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        yield "Date must be a date of RFC 5322 with its offset.", f"Date: {value}"


@rule(
    "headers.multipart",
    "blocks",
    why="Clients show the last part that they can, so plain text comes first (RFC 2046 5.1.4).",
    fix="The mail must be multipart/alternative: text/plain, then text/html.",
)
def multipart(mail: Mail, _: Facts) -> Faults:
    if mail.message.get_content_type() != "multipart/alternative" or mail.parts != (
        "text/plain",
        "text/html",
    ):
        parts = ", ".join(mail.parts) or "none"
        yield "A mail must be multipart/alternative: text/plain, then text/html.", f"parts: {parts}"


@rule(
    "headers.text-empty",
    "blocks",
    why="Readers of plain text, and the previews of some inboxes, would get nothing.",
    fix="Mend the theme's body.txt.",
)
def text_empty(mail: Mail, _: Facts) -> Faults:
    if not mail.text.strip():
        yield "The plain-text part is empty.", "text part"


@rule(
    "headers.leave-link",
    "blocks",
    why="Gmail, Yahoo and the law ask for a link to leave that readers see, in each part.",
    fix="Put subscriber.unsubscribe_url into body.html and body.txt of the theme.",
)
def leave_link(mail: Mail, _: Facts) -> Faults:
    if "text/plain" in mail.parts and not (mail.leave_url and mail.leave_url in mail.text):
        yield "The text part has no link to leave.", "text part"
    links = {link.get("href") for link in mail.links}
    if "text/html" in mail.parts and mail.leave_url not in links:
        yield (
            "The HTML part has no link to leave.",
            "HTML part",
        )


@rule(
    "headers.freemail",
    "blocks-live",
    why="Mail in the name of a free mail service fails DMARC and is refused.",
    fix="Send from your own domain: newsletter publication set --from …",
)
def freemail(mail: Mail, _: Facts) -> Faults:
    domain = mail.sender_domain
    if domain in _FREEMAIL:
        yield f"Mail from {domain} cannot be authenticated here.", "From"


def _line(number: int) -> Spot:
    return Spot(f"line {number}", number)
