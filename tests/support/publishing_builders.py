"""Builders for the use cases of publishing: feeds, settings, and a desk that calls them in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

from newsletter.config import Settings
from newsletter.publishing.approval import Decision, approve_issue
from newsletter.publishing.collection import CollectReport, collect_sources
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.issues import IssueStatus, IssueView, get_issue_status, list_deliveries
from newsletter.publishing.publications import PublicationChanges, add_publication
from newsletter.publishing.sending import SendOptions, send_issue
from newsletter.publishing.sources import NewSource, SourceView, add_source, list_sources
from newsletter.store import models, publications
from newsletter.store.engine import Database
from tests.support.feed_server import FeedServer
from tests.support.ledger_builders import add_reader

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def make_settings(folder: Path, smtp_port: int = 9) -> Settings:
    """Everything on this machine; port 9 answers nothing."""
    return Settings(
        database_url=f"sqlite:///{folder / 'test.db'}",
        smtp_url=f"smtp://127.0.0.1:{smtp_port}",  # type: ignore[arg-type] # pydantic makes it secret
        base_url="http://localhost:8000",
        secret_key="k" * 32,  # type: ignore[arg-type] # as above
        fetch_timeout_seconds=3,
        smtp_timeout_seconds=5,
        fetch_max_bytes=100_000,
        page_delay_seconds=0,
        images_per_run=0,
        templates_dir=folder / "templates",
    )


@dataclass(frozen=True)
class Item:
    """One entry of a feed."""

    title: str
    link: str = ""
    published: datetime | None = NOW - DAY
    text: str = "Something happened at the quay, and many came to see it."
    id: str = ""


def make_feed(*items: Item, title: str = "Harbour Post") -> bytes:
    """An RSS 2.0 document."""
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel>'
        f"<title>{title}</title>{''.join(map(_make_item, items))}</channel></rss>"
    ).encode()


def _make_item(item: Item) -> str:
    link = item.link or f"https://post.example/{escape(item.title.lower().replace(' ', '-'))}"
    date = f"<pubDate>{format_datetime(item.published)}</pubDate>" if item.published else ""
    return (
        f"<item><title>{escape(item.title)}</title><link>{link}</link>"
        f"<guid isPermaLink='false'>{escape(item.id or link)}</guid>{date}"
        f"<description>{escape(item.text)}</description></item>"
    )


@dataclass
class Desk:
    """One publication, and its use cases with their usual arguments."""

    database: Database
    settings: Settings
    folder: Path
    feeds: FeedServer | None = None

    def sent_by(self, port: int) -> Desk:
        """The same, sending by a server on that port."""
        return replace(self, settings=make_settings(self.folder, port))

    def serve(self, *items: Item, path: str = "/feed.xml") -> str:
        """Have the HTTP server give a feed, known as a source from now on."""
        assert self.feeds
        url = self.feeds.serve(path, make_feed(*items), headers={"Content-Type": "application/rss+xml"})
        self.add_source(url)
        return url

    def add_source(self, location: str, category: str | None = None, **options: Any) -> SourceView:  # noqa: ANN401 - what NewSource takes
        new = NewSource(location, category=category, **options)
        return add_source(self.database, self.settings, None, new, now=NOW)

    def write_page(self, name: str, text: str) -> str:
        """Put a page into the folder `pages`, a source from now on."""
        path = self.folder / "pages" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self.add_source(str(path.parent)).location

    def collect(self, now: datetime = NOW, *, due_only: bool = False) -> CollectReport:
        return collect_sources(self.database, self.settings, None, now=now, due_only=due_only)

    def get_source(self, location: str) -> SourceView:
        return next(view for view in list_sources(self.database, None) if view.location == location)

    def add_article(self, title: str, **changes: object) -> int:
        """An article that no source gave; its id."""
        values: dict[str, object] = {
            "standalone": True,
            "collected_at": NOW - DAY,
            "published_at": NOW - DAY,
            "url": f"https://post.example/{title.replace(' ', '-')}",
            "summary": f"All about {title}.",
            "content_hash": title,
        }
        with self.database.write() as session:
            publication = publications.find_publication(session, None)
            row = models.Article(publication_id=publication.id, title=title, **(values | changes))
            session.add(row)
            session.flush()
            return row.id

    def add_readers(self, count: int) -> None:
        with self.database.write() as session:
            publication = publications.find_publication(session, None)
            for number in range(count):
                add_reader(session, publication, f"reader{number:04}@example.net")

    def draft(
        self, now: datetime = NOW, *, since: datetime | None = None, period: str | None = None
    ) -> IssueView:
        request = DraftRequest(since=since, period=period)
        return draft_issue(self.database, self.settings, request, now=now)

    def approve(
        self, issue_id: int, now: datetime = NOW, *, override: str | None = None, seen_hash: str | None = None
    ) -> IssueView:
        decision = Decision(actor="ada", override=override, seen_hash=seen_hash)
        return approve_issue(self.database, self.settings, issue_id, decision, now=now)

    def approve_one(self, readers: int) -> int:
        """An approved issue of one article for so many readers; its id."""
        self.add_article("A ship came in")
        self.add_readers(readers)
        return self.approve(self.draft().id).id

    def send(self, issue_id: int, now: datetime = NOW, **options: object) -> IssueStatus:
        chosen = replace(SendOptions(connections=2), **options)  # type: ignore[arg-type] # as SendOptions says
        return send_issue(self.database, self.settings, issue_id, chosen, now=now)

    def status(self, issue_id: int) -> IssueStatus:
        return get_issue_status(self.database, issue_id)

    def list_states(self, issue_id: int) -> dict[str, str]:
        """State by address."""
        return {row["email"]: row["state"] for row in list_deliveries(self.database, issue_id)}


def make_desk(database: Database, folder: Path) -> Desk:
    """A publication without sources or readers, and nowhere to send to."""
    made = Desk(database, make_settings(folder), folder)
    changes = PublicationChanges(
        name="Harbour Weekly", sender="Harbour Weekly <desk@example.org>", address="1 Quay, Portside"
    )
    add_publication(database, made.settings, "harbour", changes, now=NOW)
    return made


def count_states(status: IssueStatus) -> dict[str, int]:
    """The states that any delivery is in."""
    names = ("queued", "claimed", "dot_sent", "sent", "deferred", "failed", "uncertain", "skipped")
    return {name: count for name in names if (count := getattr(status, name))}
