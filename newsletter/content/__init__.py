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
)
from newsletter.content.mail import (
    AxeViolation,
    Cause,
    Claimed,
    DeliveryState,
    Finding,
    IssueState,
    LinkAnswer,
    OnUncertain,
    Outside,
    Recipient,
    RenderedIssue,
    SpamRule,
    SpamVerdict,
    SubscriptionStatus,
    Verdict,
)

__all__ = [
    "Approval",
    "Article",
    "AxeViolation",
    "Card",
    "Cause",
    "Claimed",
    "DeliveryState",
    "Digest",
    "Enclosure",
    "Entry",
    "Finding",
    "IssueState",
    "LinkAnswer",
    "Note",
    "OnUncertain",
    "Outside",
    "Pace",
    "ParsedSource",
    "Publication",
    "Recipient",
    "RenderedIssue",
    "Rise",
    "Section",
    "SourceKind",
    "SpamRule",
    "SpamVerdict",
    "SubscriptionStatus",
    "Verdict",
]
