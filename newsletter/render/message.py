"""Messages as octets: a static block per issue, joined with the few fields and slots that differ."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from newsletter.content import Publication, Recipient, RenderedIssue
from newsletter.errors import RenderError
from newsletter.render import personal
from newsletter.render.headers import (
    Mailbox,
    address_field,
    ascii_name,
    field,
    mailbox,
    quoted,
    text_field,
)

_URI = re.compile(r"https?://[!-;=?-~]+")
_BOUNDARY = re.compile(rb'boundary="=_([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class IssueIdentity:
    """Which issue a message is of: an id that no other issue has, and its number."""

    uid: str
    number: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A rendered mail to one person, such as a confirmation; nothing in it is a slot."""

    subject: str
    html: str
    text: str


def compile_body(text: str, html: str, nonce: str) -> bytes:
    """Compile a multipart/alternative entity, its own header fields included, for `personal.join`.

    Args:
        text: the plain part, with slot marks.
        html: the HTML part, with slot marks.
        nonce: lower-case hexadecimal; names the boundary too, whose `=_` quoted-printable never yields.
    """
    boundary = f"=_{nonce}"
    head = (
        field("MIME-Version", "1.0")
        + field("Content-Type", f'multipart/alternative; boundary="{boundary}"')
        + b"\r\n"
    )
    plain = personal.compile_part(text.rstrip("\n") + "\n", nonce, "text")
    page = personal.compile_part(html.rstrip("\n") + "\n", nonce, "html")
    plain[0] = head + _part_head(boundary, "plain") + plain[0]
    page[-1] += f"\r\n--{boundary}--\r\n".encode("ascii")
    plain[-1] += b"\r\n" + _part_head(boundary, "html") + page[0]
    return personal.pack([*plain, *page[1:]])


def _part_head(boundary: str, subtype: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


@lru_cache(maxsize=personal.VARIANTS_KEPT)
def nonce_of(mime: bytes) -> str:
    """Return the nonce of a compiled body, which every slot mark of its issue carries."""
    found = _BOUNDARY.search(mime)
    if not found:
        raise RenderError("The stored body of the issue is damaged. Render the issue again.")
    return found[1].decode("ascii")


def personalise(rendered: RenderedIssue, recipient: Recipient) -> Notice:
    """Return subject, HTML and text as one recipient gets them."""
    nonce = nonce_of(rendered.mime)
    values = personal.values_of(recipient)
    return Notice(
        subject=_subject(rendered, recipient),
        html=personal.fill(rendered.html, nonce, values, "html"),
        text=personal.fill(rendered.text, nonce, values, "text"),
    )


def message_id(issue_uid: str, subscriber_id: int, domain: str) -> str:
    """Return `<…@domain>`, the same at each attempt of one delivery and different for any other."""
    digest = hashlib.sha256(f"{issue_uid}\0{subscriber_id}".encode()).hexdigest()
    return f"<{digest[:40]}@{domain}>"


def domain_of(sender: str) -> str:
    """Return the domain of a From mailbox, lower case, ASCII.

    Raises:
        AddressError: it is no mail address.
    """
    return mailbox(sender).domain


def build_message(
    rendered: RenderedIssue,
    publication: Publication,
    recipient: Recipient,
    *,
    issue: IssueIdentity,
    base_url: str,
    date: datetime,
) -> bytes:
    """Build one recipient's message, unsigned: see `build_parts`."""
    return b"".join(build_parts(rendered, publication, recipient, issue=issue, base_url=base_url, date=date))


def build_parts(
    rendered: RenderedIssue,
    publication: Publication,
    recipient: Recipient,
    *,
    issue: IssueIdentity,
    base_url: str,
    date: datetime,
) -> tuple[bytes, ...]:
    """Build one recipient's message, unsigned: CRLF, 7-bit, lines of at most 998 octets, cut at line ends.

    Args:
        rendered: the frozen issue.
        publication: its From, Reply-To and lists' fields.
        recipient: its slots must hold `unsubscribe_url`, the RFC 8058 one-click address.
        issue: what the Message-ID is made from.
        base_url: every personal link must lie below it, so that no setting of another door can move them.
        date: aware; when it is sent.

    Raises:
        AddressError: sender or recipient is no mail address.
        RenderError: a value could break out of its header, or a slot has no value.
    """
    unsubscribe = recipient.slots.get("unsubscribe_url", "")
    if not unsubscribe.startswith(base_url.rstrip("/") + "/"):
        raise RenderError(f"The leave link {unsubscribe!r} is not below the public address {base_url}.")
    domain = _mailbox(publication.sender).domain
    own = (
        address_field("To", Mailbox(_printable(recipient.name), mailbox(recipient.email).address)),
        _subject_field(_subject(rendered, recipient)),
        _date_field(date.replace(microsecond=0)),
        field("Message-ID", message_id(issue.uid, recipient.subscriber_id, domain)),
        # One line and no encoded words (RFC 8058 3.1, RFC 2047 5): Gmail ignores the field otherwise.
        field("List-Unsubscribe", f"<{_uri(unsubscribe)}>"),
    )
    body = personal.join_parts(rendered.mime, personal.values_of(recipient))
    return _static_head(publication, issue), b"".join(own), *body


def build_notice(notice: Notice, publication: Publication, to: str, *, uid: str, date: datetime) -> bytes:
    """Build a mail that a person caused: a confirmation, a link to sign in, word of a waiting draft.

    Args:
        notice: what it says.
        publication: whose From and Reply-To it carries.
        to: an address.
        uid: unique to this notice; the Message-ID is made from it, so that a retry keeps it.
        date: aware.

    Raises:
        AddressError: sender or `to` is no mail address.
        RenderError: a value could break out of its header.
    """
    sender = _mailbox(publication.sender)
    nonce = hashlib.sha256(repr(notice).encode("utf-8", "replace")).hexdigest()[:24]
    return b"".join(
        (
            _from(publication),
            address_field("To", Mailbox("", mailbox(to).address)),
            text_field("Subject", notice.subject),
            _date_field(date.replace(microsecond=0)),
            field("Message-ID", message_id(uid, 0, sender.domain)),
            # RFC 3834 5: keeps vacation responders from answering.
            field("Auto-Submitted", "auto-generated"),
            personal.join(compile_body(notice.text, notice.html, nonce), {}),
        )
    )


@lru_cache(maxsize=16)
def _static_head(publication: Publication, issue: IssueIdentity) -> bytes:
    domain = _mailbox(publication.sender).domain
    label = re.sub(r"[^a-z0-9-]", "-", publication.slug.lower()).strip("-") or "list"
    name = ascii_name(publication.name)
    sender_id = hashlib.sha256(domain.encode()).hexdigest()[:10]
    page = _uri(publication.url)
    return b"".join(
        (
            _from(publication),
            # RFC 2919: the identifier outlives the name; no encoded word may stand before it.
            field(
                "List-Id", f"{quoted(name)} <{label}.{domain}>" if name else f"<{label}.{domain}>", octets=255
            ),
            field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            field("List-Help", f"<{page}>"),
            field("List-Subscribe", f"<{page}>"),
            field("List-Archive", f"<{page}/archive>"),
            field("List-Post", "NO"),
            field("Feedback-ID", f"{issue.number}:{label}:issue:{sender_id}"),
            field("Precedence", "bulk"),
        )
    )


def _from(publication: Publication) -> bytes:
    sender = _mailbox(publication.sender)
    head = address_field("From", Mailbox(sender.name or publication.name, sender.address))
    if publication.reply_to:
        head += address_field("Reply-To", mailbox(publication.reply_to))
    return head


@lru_cache(maxsize=16)
def _mailbox(sender: str) -> Mailbox:
    return mailbox(sender)


def _printable(name: str | None) -> str:
    """A reader's name comes from a form or a file: what could break a header becomes a blank."""
    if not name or name.isprintable():
        return " ".join((name or "").split())
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _subject(rendered: RenderedIssue, recipient: Recipient) -> str:
    if "-tols" not in rendered.subject:
        return rendered.subject
    nonce = nonce_of(rendered.mime)
    values = {key: _printable(value) for key, value in personal.values_of(recipient).items()}
    return personal.fill(rendered.subject, nonce, values, "text")


@lru_cache(maxsize=64)
def _subject_field(subject: str) -> bytes:
    return text_field("Subject", subject)


@lru_cache(maxsize=4)
def _date_field(second: datetime) -> bytes:
    if second.tzinfo is None:
        raise RenderError("The date of a message needs its zone.")
    return field("Date", format_datetime(second))


def _uri(url: str) -> str:
    if not _URI.fullmatch(url):
        raise RenderError(f"{url!r} is no address that a List- header can hold. Check the public address.")
    return url
