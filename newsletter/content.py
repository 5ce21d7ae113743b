"""Frozen values that travel between the stages; instants are aware, text is str, mail is bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

SourceKind = Literal["feed", "page", "sitemap", "folder"]
IssueState = Literal["draft", "approved", "scheduled", "sending", "sent", "paused", "cancelled", "skipped"]
DeliveryState = Literal["queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped"]
SubscriptionStatus = Literal["pending", "active", "paused", "unsubscribed", "bounced", "complained"]
Approval = Literal["required", "unless-stopped"]
OnUncertain = Literal["resend", "hold"]
Cause = Literal["hard", "soft", "policy"]
"""Why a delivery failed: the mailbox is not there, it took no mail, or we were refused."""


# --- collect: what a source says ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with an article, such as the sound of a broadcast."""

    url: str
    media_type: str | None = None
    length: int | None = None
    """Octets, as the source says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One article as its source published it; links absolute, text and HTML not yet cleaned."""

    title: str
    id: str | None = None
    link: str | None = None
    published: datetime | None = None
    """Aware, with the offset as published."""
    updated: datetime | None = None
    author: str | None = None
    category: str | None = None
    """The first of `categories`, or the section that a page stands in."""
    categories: tuple[str, ...] = ()
    status: str | None = None
    summary: str | None = None
    """Plain text."""
    image: str | None = None
    image_alt: str | None = None
    image_credit: str | None = None
    text: str | None = None
    """Plain text, paragraphs parted by blank lines."""
    html: str | None = None
    """The body as HTML where the source has it, as published."""
    language: str | None = None
    licence: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    similar: tuple[Entry, ...] = ()
    trends: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a feed says that it is to be asked."""

    wait: timedelta = timedelta()
    """At least so long between two times."""
    skip_hours: frozenset[int] = frozenset()
    """Of the day in GMT, 0 to 23."""
    skip_days: frozenset[int] = frozenset()
    """Monday is 0."""


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """What the bytes of one source, page or file say, in document order."""

    kind: SourceKind
    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()
    pace: Pace = Pace()
    leads: tuple[Entry, ...] = ()
    """Articles that a page or a sitemap only names: their pages are still to be fetched."""
    maps: tuple[str, ...] = ()
    """Sitemaps that an index names, the most promising first."""


# --- compose: what goes into an issue ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Publication:
    """One newsletter, as the stages need to know it."""

    id: int
    slug: str
    name: str
    sender: str
    """The mailbox of From, as in RFC 5322: `Name <local@domain>` or a bare address."""
    reply_to: str | None
    address: str | None
    """Postal address, lines parted by newlines."""
    language: str
    timezone: str
    schedule: str
    """Five cron fields, wall-clock time in `timezone`."""
    approval: Approval
    url: str
    """Public address of its page, without a trailing slash."""
    theme: str = "default"


@dataclass(frozen=True, slots=True)
class Article:
    """One collected, cleaned article; `html` is safe to show."""

    id: int
    title: str
    url: str | None
    page_url: str
    """Its page in the archive; what a card without `url` links to."""
    source: str | None
    source_id: int | None
    published_at: datetime | None
    collected_at: datetime
    author: str | None = None
    category: str | None = None
    status: str | None = None
    language: str | None = None
    image: str | None = None
    image_alt: str | None = None
    image_credit: str | None = None
    image_width: int = 0
    image_height: int = 0
    """Pixels; 0 where its source does not say."""
    summary: str = ""
    text: str = ""
    html: str = ""
    words: int = 0
    weight: int = 1
    """How much its source counts against others."""
    pinned: bool = False
    """An editor wants it in the next issue, first."""
    similar: tuple[Article, ...] = ()
    trends: tuple[Article, ...] = ()

    @property
    def link(self) -> str:
        """Where a card's headline leads."""
        return self.url or self.page_url

    @property
    def reading_minutes(self) -> int:
        """At 230 words a minute, rounded up; 0 where there is no text."""
        return -(-self.words // 230)


@dataclass(frozen=True, slots=True)
class Card:
    """One story in an issue: its lead article, who else tells it, and what is like it."""

    article: Article
    also: tuple[Article, ...] = ()
    similar: tuple[Article, ...] = ()
    reason: str = ""
    """Why it is in, for the editor."""
    score: tuple[tuple[str, float], ...] = ()
    """The parts that its place in the issue is made of; they add up."""


@dataclass(frozen=True, slots=True)
class Section:
    """The cards of one category under its standing status line."""

    category: str | None
    status: str | None
    cards: tuple[Card, ...]
    status_changed: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What an editor writes under the recent trends."""

    title: str
    text: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Rise:
    """A term or name that comes up more than it used to, with the articles behind it."""

    term: str
    articles: tuple[Article, ...]
    sources: int
    days: int
    """How long the period is, of which `articles` are."""
    before: float
    """How many articles of a period as long named it, in the weeks before."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The whole content of one issue, before it has a look."""

    number: int
    subject: str
    preheader: str
    date: datetime
    """When it is to go out, in the publication's zone."""
    sections: tuple[Section, ...]
    notes: tuple[Note, ...] = ()
    trends: tuple[Article, ...] = ()
    """As the sources printed them."""
    rises: tuple[Rise, ...] = ()

    @property
    def cards(self) -> tuple[Card, ...]:
        """Every card, in reading order."""
        return tuple(card for section in self.sections for card in section.cards)

    @property
    def reading_minutes(self) -> int:
        """For all the cards together."""
        return sum(card.article.reading_minutes for card in self.cards)


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


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """What asking for one address of a mail gave."""

    url: str
    status: int | None = None
    """HTTP status of the last answer; None where there was none."""
    hops: tuple[str, ...] = ()
    """Every address that it redirected to, in order."""
    error: str | None = None
    """Why there was no answer."""
    content_type: str | None = None
    size: int | None = None
    """Octets, where the server says how many."""
    is_refused: bool = False
    """Whether it was not asked at all, being no public address."""


@dataclass(frozen=True, slots=True)
class SpamRule:
    """One rule of a spam filter that a mail met."""

    name: str
    score: float
    description: str


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """What a spam filter says of a mail."""

    score: float
    rules: tuple[SpamRule, ...] = ()


@dataclass(frozen=True, slots=True)
class AxeViolation:
    """One fault that axe found in a browser."""

    rule: str
    impact: str
    help: str
    mode: str
    """`light` or `dark`."""
    snippet: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Outside:
    """What only the network and other programs can say of a mail, handed to the rules as values."""

    links: tuple[LinkAnswer, ...] = ()
    spam: SpamVerdict | None = None
    axe: tuple[AxeViolation, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not asked, and why."""


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
