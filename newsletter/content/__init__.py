"""Frozen values that travel between the stages; instants are aware, text is str, mail is bytes."""

from __future__ import annotations

from newsletter.content.collected import Entry, ParsedSource, SourceKind
from newsletter.content.digest import Approval, Article, Card, Digest, Note, Publication, Rise, Section
from newsletter.content.mail import (
    AxeViolation,
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
    "Claimed",
    "DeliveryState",
    "Digest",
    "Entry",
    "Finding",
    "IssueState",
    "LinkAnswer",
    "Note",
    "OnUncertain",
    "Outside",
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
