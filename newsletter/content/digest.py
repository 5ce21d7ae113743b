"""What goes into an issue: publication, articles, cards, sections, trends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

Approval = Literal["required", "unless-stopped"]
SendAt = Literal["together", "local"]
"""To everyone at once, or to each when it is that hour where they live."""


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
    send_at: SendAt = "together"


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
