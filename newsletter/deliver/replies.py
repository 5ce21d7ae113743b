"""What a reply of an SMTP server means, from its stage, code, enhanced code and known words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from newsletter.content import Cause, DeliveryState

TEXT_LIMIT = 500
CLOSING = 421
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")


class Stage(StrEnum):
    """Which question a reply answers."""

    LOCAL = "local"
    """No server was asked: the message cannot be put on the wire."""
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Meaning(StrEnum):
    """What to do about a reply."""

    ACCEPT = "accept"
    DEFER = "defer"
    """Try this recipient again later."""
    SLOW = "slow"
    """The same, and this connection sends less quickly: the server itself says so."""
    SLOW_DOMAIN = "slow-domain"
    """The same, and whatever goes to the recipient's domain goes less quickly."""
    HARD = "hard"
    """The mailbox does not exist: never mail it again."""
    SOFT = "soft"
    """Failed for this issue, says nothing against the address."""
    POLICY = "policy"
    """Refused for what we are or send: the recipient is not to blame and must not be suppressed."""
    ISSUE = "issue"
    """The sender or the message was refused, so it is no recipient's failure."""
    RETRY = "retry"
    """Close, connect again; the message goes back and nothing is counted."""
    DOWN = "down"
    """The route refuses us: stop using it and tell the operator."""
    UNCERTAIN = "uncertain"
    """Nobody can know whether the message was accepted."""


STATES: dict[Meaning, DeliveryState] = {
    Meaning.ACCEPT: "sent",
    Meaning.DEFER: "deferred",
    Meaning.SLOW: "deferred",
    Meaning.SLOW_DOMAIN: "deferred",
    Meaning.HARD: "failed",
    Meaning.SOFT: "failed",
    Meaning.POLICY: "failed",
    Meaning.UNCERTAIN: "uncertain",
}
"""The delivery state that a meaning leads to; the rest leave the recipient untouched."""

CAUSES: dict[Meaning, Cause] = {Meaning.HARD: "hard", Meaning.SOFT: "soft", Meaning.POLICY: "policy"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, its lines joined by newlines, without the codes; code 0 where no server spoke."""

    code: int
    text: str = ""

    @property
    def enhanced(self) -> str | None:
        """The RFC 3463 status at the head of the text, where it is of the code's class or no code is."""
        found = _ENHANCED.match(self.text)
        if not found or (self.code and found[1][0] != str(self.code)[0]):
            return None
        return found[1]

    @property
    def words(self) -> str:
        """The text fit for a log, a table and a page: one line, printable, at most 500 characters."""
        line = " ".join(self.text.split())[:TEXT_LIMIT]
        return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)

    def __str__(self) -> str:
        return f"{self.code} {self.words}".strip()


@dataclass(frozen=True, slots=True)
class _Rule:
    meaning: Meaning
    stages: frozenset[Stage]
    codes: str
    """What the code begins with; several parted by `|`."""
    enhanced: str = ""
    """What the enhanced code begins with; `-`: there must be none."""
    words: str = ""

    def is_for(self, stage: Stage, code: int) -> bool:
        return stage in self.stages and str(code).startswith(tuple(self.codes.split("|")))

    def fits(self, reply: Reply) -> bool:
        if self.enhanced:
            enhanced = reply.enhanced or ""
            if enhanced if self.enhanced == "-" else not enhanced.startswith(self.enhanced):
                return False
        return not self.words or re.search(self.words, reply.text, re.IGNORECASE) is not None


_ANY = frozenset(Stage)
_HELLO = frozenset({Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})
_MAIL = frozenset({Stage.MAIL})
_RCPT = frozenset({Stage.RCPT})
_DATA = frozenset({Stage.DATA})
_DOT = frozenset({Stage.DOT})
_LATER = _RCPT | _DATA | _DOT
# Large providers answer 550 without an enhanced code to a sender that they distrust, and an address
# that is suppressed for it is lost for good.
_POLICY_WORDS = r"spam|block(ed|list)|blacklist|reputation|policy|dmarc|\bspf\b|dkim|denied|unauthenticated"
# The first of Amazon SES, the rest of Postfix: said of the client, whoever the recipient is.
_THROTTLED = r"throttl|maximum sending rate|too much mail from|too many recipients from"

# The first rule that fits decides; reliability.md S1 and S2.
_RULES = (
    _Rule(Meaning.ACCEPT, _HELLO | _MAIL | _RCPT | _DOT, "2"),
    _Rule(Meaning.ACCEPT, _DATA, "354"),
    _Rule(Meaning.SOFT, frozenset({Stage.LOCAL}), ""),
    # What a server says of this connection is nothing against the domain that comes next.
    _Rule(Meaning.RETRY, _LATER, str(CLOSING), words=r"too many (messages|connections)|session|shutting"),
    _Rule(Meaning.SLOW_DOMAIN, _LATER, str(CLOSING), "4.7."),
    _Rule(Meaning.RETRY, _ANY, str(CLOSING)),
    # Amazon SES; a mailing list manager that took the second for a failure dropped 872 of 1,450.
    _Rule(Meaning.DOWN, _ANY, "4", words=r"daily (message )?quota exceeded"),
    _Rule(Meaning.SLOW, _MAIL | _LATER, "4", words=_THROTTLED),
    _Rule(Meaning.DEFER, _LATER, "4", words=r"gr[ea]y-?\s?list"),
    _Rule(Meaning.SLOW_DOMAIN, _LATER, "4", "4.7."),
    _Rule(Meaning.SLOW, _MAIL | _LATER, "4", words=r"rate limit|slow down"),
    _Rule(Meaning.DOWN, _HELLO, "5"),
    _Rule(Meaning.RETRY, _HELLO, "4"),
    _Rule(Meaning.DEFER, _MAIL | _LATER, "4"),
    _Rule(Meaning.ISSUE, _MAIL, "5"),
    # The session and the server have lost step; a recipient must not fail for it.
    _Rule(Meaning.RETRY, _RCPT | _DATA, "503"),
    _Rule(Meaning.POLICY, _LATER, "5", "5.7."),
    # RFC 3463: these two blame the sender's address.
    _Rule(Meaning.POLICY, _LATER, "5", "5.1.7"),
    _Rule(Meaning.POLICY, _LATER, "5", "5.1.8"),
    _Rule(Meaning.HARD, _LATER, "5", "5.1."),
    # Gmail says the same of a mailbox that takes too much mail just now.
    _Rule(Meaning.SOFT, _LATER, "5", "5.2.1", r"\brate\b|quickly"),
    _Rule(Meaning.HARD, _LATER, "5", "5.2.1"),
    # RFC 5321 4.5.3.1.10 calls 552 at RCPT temporary; with 5.2.2 it is a full mailbox.
    _Rule(Meaning.DEFER, _RCPT, "552", "-"),
    _Rule(Meaning.HARD, _RCPT, "556"),
    _Rule(Meaning.POLICY, _LATER, "550|551|553|554", "-", _POLICY_WORDS),
    _Rule(Meaning.HARD, _RCPT, "550|551|553", "-"),
    _Rule(Meaning.SOFT, _LATER, "5"),
    # 3xx to the dot: the server may hold the whole message.
    _Rule(Meaning.UNCERTAIN, _DOT, ""),
)


def classify_reply(stage: Stage, reply: Reply) -> Meaning:
    """Decide what a reply means.

    Args:
        stage: which question it answers.
        reply: the server's reply; with `Stage.LOCAL`, why none was asked for.

    Returns:
        One of `Meaning`; RETRY for a reply that has no place at its stage, such as 250 to DATA
        (RFC 5321 3.3: no message data without 354).
    """
    return next((rule.meaning for rule in _list_rules(stage, reply.code) if rule.fits(reply)), Meaning.RETRY)


@lru_cache(maxsize=1024)
def _list_rules(stage: Stage, code: int) -> tuple[_Rule, ...]:
    return tuple(rule for rule in _RULES if rule.is_for(stage, code))
