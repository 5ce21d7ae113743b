"""What receivers judge a sender by: the DKIM signature, feedback loops, and which mail it says to be."""

from __future__ import annotations

import re

from newsletter.review.mail import Facts, Mail
from newsletter.review.rule import Faults, rule

_MUST_BE_SIGNED = ("from", "list-unsubscribe", "list-unsubscribe-post")
_SIGNED_IF_THERE = (
    "subject", "date", "message-id", "to", "list-id", "feedback-id", "cfbl-address", "cfbl-feedback-id",
)  # fmt: skip
_CFBL = re.compile(r"[^\s@;<>]+@[^\s@;<>]+\.[^\s@;<>]+\s*;\s*report=(?:arf|xarf)", re.IGNORECASE)
_SENDER_ID = re.compile(r"[^\s:]{5,15}")
_PRECEDENCE = frozenset({"bulk", "list"})


def _tags(signature: str) -> dict[str, str]:
    """The tags of a DKIM-Signature (RFC 6376 3.2), blanks squeezed out."""
    pairs = (part.partition("=") for part in signature.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}


def _signatures(mail: Mail) -> list[dict[str, str]]:
    return [_tags(value) for value in mail.values("DKIM-Signature")]


@rule(
    "trust.dkim-covers",
    "blocks",
    why="Gmail heeds one-click unsubscribing only where the signature covers it (RFC 8058 4).",
    fix="Sign From, both List-Unsubscribe fields and the other fields that the mail has.",
)
def dkim_covers(mail: Mail, _: Facts) -> Faults:
    for tags in _signatures(mail):
        signed = set(tags.get("h", "").lower().split(":"))
        there = [name for name in _SIGNED_IF_THERE if mail.values(name)]
        if missing := [name for name in (*_MUST_BE_SIGNED, *there) if name not in signed]:
            yield f"The DKIM signature does not cover {', '.join(missing)}.", "DKIM-Signature"


@rule(
    "trust.dkim-form",
    "blocks",
    why="Receivers refuse weak or partial signatures, and lists break simple ones (RFC 8301, RFC 6376 8.2).",
    fix="Sign by rsa-sha256 or ed25519-sha256, relaxed/relaxed, without l=, in the sender's domain.",
)
def dkim_form(mail: Mail, _: Facts) -> Faults:
    sender = mail.sender_domain
    for tags in _signatures(mail):
        domain = tags.get("d", "").lower()
        faults = {
            f"signs by {tags.get('a')}": tags.get("a") not in {"rsa-sha256", "ed25519-sha256"},
            f"canonicalises {tags.get('c')}": tags.get("c") != "relaxed/relaxed",
            "covers only a part of the body (l=)": "l" in tags,
            f"is of {domain}, not of {sender}": not _is_aligned(domain, sender),
        }
        for fault in [each for each, is_there in faults.items() if is_there]:
            yield f"The DKIM signature {fault}.", "DKIM-Signature"


def _is_aligned(domain: str, sender: str) -> bool:
    """Whether one is the other or below it: DMARC's relaxed alignment (RFC 7489 3.1)."""
    return bool(domain) and (f".{sender}".endswith(f".{domain}") or domain.endswith(f".{sender}"))


@rule(
    "trust.cfbl",
    "blocks",
    why="Mailbox providers report complaints only to an address in this form (RFC 9477 3).",
    fix="It must look like address; report=arf and stand once.",
)
def cfbl(mail: Mail, _: Facts) -> Faults:
    values = mail.values("CFBL-Address")
    if len(values) > 1:
        yield f"CFBL-Address stands {len(values)} times; once is allowed.", "CFBL-Address"
    for value in values:
        if not _CFBL.fullmatch(value):
            yield "CFBL-Address is no address with report=arf.", f"CFBL-Address: {value}"


@rule(
    "trust.feedback-id",
    "advises",
    why="Gmail's complaint figures are kept by the last of four parts, 5 to 15 characters long.",
    fix="Write it as issue:publication:kind:SenderId, the last part the same in every mail.",
)
def feedback_id(mail: Mail, _: Facts) -> Faults:
    for value in mail.values("Feedback-ID"):
        parts = value.split(":")
        if len(parts) != 4 or not _SENDER_ID.fullmatch(parts[-1]):  # noqa: PLR2004 - Gmail's number
            yield "Feedback-ID does not have four parts with a sender id at the end.", f"Feedback-ID: {value}"


@rule(
    "trust.precedence",
    "advises",
    why="Auto-responders leave bulk and list mail alone, and answer what says to be something else.",
    fix="Leave the field out or write bulk.",
)
def precedence(mail: Mail, _: Facts) -> Faults:
    value = mail.value("Precedence")
    if value and value.lower() not in _PRECEDENCE:
        yield f"A newsletter is no {value} mail.", f"Precedence: {value}"


@rule(
    "trust.leave-length",
    "blocks",
    why="Long addresses in List-Unsubscribe are folded and broken on the way.",
    fix="Shorten NEWSLETTER_BASE_URL: the token is always the same length.",
)
def leave_length(mail: Mail, _: Facts) -> Faults:
    if (length := len(mail.leave_url)) > 200:  # noqa: PLR2004 - reliability.md D4
        yield f"The one-click address has {length} characters; 200 are safe.", "List-Unsubscribe"
