"""The tables; instants are UTC, a published date keeps its offset beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.store.columns import Base, Id


def _index_where_set(*columns: str) -> Index:
    """An index of the few rows in which the last of the columns holds something."""
    is_set = text(f"{columns[-1]} IS NOT NULL")
    return Index(None, *columns, sqlite_where=is_set, postgresql_where=is_set)


class Publication(Base):
    """One newsletter."""

    __tablename__ = "publications"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    sender: Mapped[str]
    reply_to: Mapped[str | None]
    address: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    timezone: Mapped[str] = mapped_column(default="UTC")
    schedule: Mapped[str] = mapped_column(default="0 8 * * 1")
    approval: Mapped[str] = mapped_column(default="required")
    theme: Mapped[str] = mapped_column(default="default")
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    send_at: Mapped[str | None] = mapped_column(String(16))
    """`local`: at each subscriber's own hour; otherwise to everyone at once."""
    created_at: Mapped[datetime]


class Category(Base):
    """A section of a publication and its standing status line."""

    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("publication_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    status: Mapped[str | None]
    status_changed_at: Mapped[datetime | None]


class Source(Base):
    """Where articles come from; a failure is kept on its row until it is mended."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("publication_id", "location"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    location: Mapped[str]
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str | None]
    category: Mapped[str | None]
    weight: Mapped[int] = mapped_column(default=1)
    interval_seconds: Mapped[int]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    full_text: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the pages of its articles are fetched for their whole text."""
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the source's kind wants to remember, as the digests of a folder's files."""
    last_fetched_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    failed_count: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Article(Base):
    """One collected text; `standalone` tells those that a source gave for themselves from mere mentions."""

    __tablename__ = "articles"
    __table_args__ = (Index(None, "publication_id", "standalone", "collected_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("sources.id", ondelete="SET NULL"), index=True)
    standalone: Mapped[bool]
    title: Mapped[str]
    url: Mapped[str | None]
    author: Mapped[str | None]
    category: Mapped[str | None]
    status: Mapped[str | None]
    language: Mapped[str | None]
    published_at: Mapped[datetime | None]
    published_offset: Mapped[int | None]
    """Minutes east of UTC, as the source published it."""
    updated_at: Mapped[datetime | None]
    collected_at: Mapped[datetime]
    image: Mapped[str | None]
    image_alt: Mapped[str | None]
    image_credit: Mapped[str | None]
    image_width: Mapped[int | None]
    image_height: Mapped[int | None]
    image_copy: Mapped[str | None] = mapped_column(String(80))
    """The name of its file among the copies."""
    image_asked_at: Mapped[datetime | None]
    """When its size was last read or tried."""
    licence: Mapped[str | None]
    enclosures: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    summary: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    words: Mapped[int] = mapped_column(default=0)
    content_hash: Mapped[str] = mapped_column(String(64))
    choice: Mapped[str | None] = mapped_column(String(16))
    """What an editor said: `pinned` or `dropped`."""


class ArticleKey(Base):
    """One of the names by which an article is recognised when it is met again."""

    __tablename__ = "article_keys"
    __table_args__ = (UniqueConstraint("publication_id", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    key: Mapped[str]
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)


class ArticleRelation(Base):
    """What a source printed with an article: its similar articles and recent trends, in order."""

    __tablename__ = "article_relations"
    __table_args__ = (UniqueConstraint("article_id", "kind", "related_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    position: Mapped[int]
    related_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)


class Issue(Base):
    """One digest mail of a publication, exactly one per period."""

    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("publication_id", "number"),
        UniqueConstraint("publication_id", "period"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    number: Mapped[int | None]
    period: Mapped[str | None] = mapped_column(String(64))
    """Its local hour by the schedule, as `2026-11-23T08:00`; null when drafted by hand."""
    cadence: Mapped[str] = mapped_column(String(16), default="weekly")
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None]
    subject: Mapped[str] = mapped_column(default="")
    preheader: Mapped[str] = mapped_column(default="")
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The composed digest: section and card order by article id."""
    content_hash: Mapped[str | None] = mapped_column(String(64))
    since_at: Mapped[datetime | None]
    asked_since: Mapped[bool | None]
    """Whether an editor said since when; otherwise it follows from the last issue."""
    due_at: Mapped[datetime | None]
    drafted_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None]
    override_reason: Mapped[str | None]
    on_uncertain: Mapped[str | None] = mapped_column(String(8))
    """What a run of its send was told, `resend` or `hold`; null: as the settings say."""
    scheduled_at: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]
    """Bounces before it were seen by whoever resumed the send."""
    waits_until: Mapped[datetime | None]
    """No scheduler goes on with the send before."""
    sent_at: Mapped[datetime | None]


class IssueArticle(Base):
    """An article's place in an issue; how later issues know what was already told."""

    __tablename__ = "issue_articles"
    __table_args__ = (UniqueConstraint("issue_id", "article_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), index=True)
    position: Mapped[int]


class IssueVariant(Base):
    """What was frozen at approval: the mail's bytes with slots, and the page for the archive."""

    __tablename__ = "issue_variants"
    __table_args__ = (UniqueConstraint("issue_id", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    """Which selection of articles it holds; `all` for the whole issue."""
    subject: Mapped[str]
    preheader: Mapped[str]
    html: Mapped[str]
    text: Mapped[str]
    archive_html: Mapped[str]
    mime: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The publication as it was: sender, name, postal address and what else the headers are made of."""
    content_hash: Mapped[str] = mapped_column(String(64))


class Subscriber(Base):
    """A person's address."""

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    """Normalised; of an erased person `erased-ID@invalid`."""
    name: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class Subscription(Base):
    """A subscriber's standing with a publication."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("publication_id", "subscriber_id"),
        Index(None, "publication_id", "status"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"), index=True)
    status: Mapped[str] = mapped_column(String(16))
    categories: Mapped[list[str] | None] = mapped_column(JSON)
    """Null: all of them."""
    cadence: Mapped[str | None] = mapped_column(String(16))
    paused_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Consent(Base):
    """What a subscriber agreed to or withdrew, when and by which way; never altered."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(32))
    via: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str | None]


class Suppression(Base):
    """An address that must never be mailed again, as a keyed hash."""

    __tablename__ = "suppressions"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]


class Delivery(Base):
    """One issue to one subscriber: the ledger."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("issue_id", "subscriber_id"),
        Index(None, "issue_id", "state", "id"),
        _index_where_set("issue_id", "next_attempt_at"),
        _index_where_set("claim_token"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    variant: Mapped[str] = mapped_column(String(64), default="all")
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    claim_token: Mapped[str | None] = mapped_column(String(32))
    first_attempt_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    code: Mapped[int | None]
    enhanced: Mapped[str | None] = mapped_column(String(16))
    reply: Mapped[str | None]
    cause: Mapped[str | None] = mapped_column(String(8))
    """Why it failed: `hard`, `soft` or `policy`."""
    route: Mapped[str | None] = mapped_column(String(64))


class Worker(Base):
    """One sending process; its token fences its claims, its lock file tells whether it lives."""

    __tablename__ = "workers"

    token: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str]
    lock: Mapped[str]
    """Path of the file that the living process keeps locked."""
    started_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    """By the database's clock; decides for processes of other machines."""


class Notice(Base):
    """A mail to one person outside any issue, kept until it is sent: confirmations, editors' notes."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    """Makes it happen once: `draft-waits:12:ada@example.org`."""
    kind: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(String(320), index=True)
    sender: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class JobRun(Base):
    """One period of one job: what the clock asked for and what came of it."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("job", "period"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    job: Mapped[str] = mapped_column(String(64))
    period: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    note: Mapped[str | None]
    at: Mapped[datetime]


class User(Base):
    """An editor, operator or admin."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str]
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class UserSession(Base):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what to what, and why."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str]
    detail: Mapped[str | None]
