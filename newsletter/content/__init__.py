"""Frozen values that travel between the stages; instants are aware, text is str, mail is bytes."""

from __future__ import annotations

from newsletter.content.collected import (
    Enclosure,
    Entry,
    Pace,
    ParsedSource,
    SourceKind,
)
from newsletter.content.digest import (
    Approval,
    Article,
    Card,
    Digest,
    Note,
    Publication,
    Rise,
    Section,
    SendAt,
)
from newsletter.content.mail import (
    Cause,
    Claimed,
    DeliveryState,
    Finding,
    IssueState,
    OnUncertain,
    Recipient,
    RenderedIssue,
    SubscriptionStatus,
    Verdict,
)

__all__ = [
    "Approval",
    "Article",
    "Card",
    "Cause",
    "Claimed",
    "DeliveryState",
    "Digest",
    "Enclosure",
    "Entry",
    "Finding",
    "IssueState",
    "Note",
    "OnUncertain",
    "Pace",
    "ParsedSource",
    "Publication",
    "Recipient",
    "RenderedIssue",
    "Rise",
    "Section",
    "SendAt",
    "SourceKind",
    "SubscriptionStatus",
    "Verdict",
]
