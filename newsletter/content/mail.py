"""What goes out: the rendered mail, whom it is for, what was found in it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

IssueState = Literal["draft", "approved", "scheduled", "sending", "sent", "paused", "cancelled", "skipped"]
DeliveryState = Literal["queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped"]
SubscriptionStatus = Literal["pending", "active", "paused", "unsubscribed", "bounced", "complained"]
OnUncertain = Literal["resend", "hold"]
Cause = Literal["hard", "soft", "policy"]
"""Why a delivery failed: the mailbox is not there, it took no mail, or we were refused."""

# --- render: what goes out ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RenderedIssue:
    """One variant of an issue, frozen when it is approved.

    `mime` is the body of the message (everything below the headers that differ), compiled for joining:
    pieces parted by NUL, the even ones static octets, the odd ones names of slots.
    """

    subject: str
    preheader: str
    html: str
    """Inlined, with slot marks in it."""
    text: str
    archive_html: str
    """Rendered for nobody in particular; holds no slot."""
    mime: bytes
    content_hash: str
    """SHA-256, hexadecimal, of everything that goes out with the slots masked."""
    problems: tuple[str, ...] = ()
    """What inlining had to drop or could only keep in the style block, for the pre-flight checks."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom one message is for, and the values of that person's slots."""

    subscriber_id: int
    email: str
    name: str | None = None
    slots: dict[str, str] = field(default_factory=dict)
    """Slot name to its plain value: `unsubscribe_url`, `preferences_url`."""


# --- review ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a mail: the rule's stable id, what is wrong, where, why it matters and how to mend it."""

    rule: str
    message: str
    where: str
    blocking: bool
    why: str = ""
    fix: str = ""
    line: int | None = None
    """Of the HTML part or of the message, from 1, where it has one."""
    snippet: str | None = None
    card: str | None = None
    """The title of the card that it is in."""


# --- deliver -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this process may send now; its claim is fenced by the ledger's token."""

    id: int
    recipient: Recipient
    attempt: int
    """1 for the first."""
    variant: str = "all"
    """Which selection of the issue it is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one delivery, to be recorded."""

    delivery_id: int
    state: DeliveryState
    code: int | None = None
    enhanced: str | None = None
    """RFC 3463 status such as `5.1.1`."""
    reply: str | None = None
    """The server's words, or why it did not come to them."""
    route: str | None = None
    cause: Cause | None = None
    """Set where the server refused this message for good."""
