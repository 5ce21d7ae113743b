"""From what a source says to the rows of articles: cleaned, recognised, inserted or updated."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from newsletter.collect.clean import clean_entry
from newsletter.collect.identity import identify, match
from newsletter.collect.plaintext import html_to_text
from newsletter.compose.digest import shorten
from newsletter.compose.summaries import tidy_summary
from newsletter.store import articles, categories
from newsletter.store.engine import take_turn
from newsletter.store.models import Article

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.content import Entry, ParsedSource
    from newsletter.store.models import Source

SUMMARY_LENGTH = 280
TITLE_LENGTH = 90
LONGEST_KEY = 500
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Intake:
    """How many articles of one source were new, changed, or as they had been."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Intake) -> Intake:
        """Both together."""
        return Intake(self.new + other.new, self.updated + other.updated, self.unchanged + other.unchanged)


def take_in(
    session: Session, source: Source, parsed: ParsedSource, base: str | None, *, now: datetime
) -> Intake:
    """Write the articles of one source; the same article twice, or edited, is one.

    Args:
        session: A transaction that may write.
        source: Where they come from.
        parsed: What it says.
        base: The address that relative links are relative to; None for a folder.
        now: When they were collected.

    """
    take_turn(session, "intake", source.publication_id)
    known = {
        row.name.casefold(): row.name for row in categories.list_categories(session, source.publication_id)
    }
    place = _Place(session, source, now)
    taken = Intake()
    entries = [_storable(entry) for entry in parsed.entries]
    for published, keys in zip(entries, identify(entries, source=str(source.id)), strict=True):
        entry = clean_entry(published, base)
        if not (entry.title or entry.link or entry.text or entry.html or entry.summary):
            continue  # an item without a word is nothing that anybody could read, nor be told from another
        entry = replace(
            entry,
            language=entry.language or (clean_text(parsed.language) if parsed.language else None),
            category=_choose_category(entry, source, known),
        )
        taken += _put(place, entry, keys)[1]
    return taken


def _storable(entry: Entry) -> Entry:
    """Without NUL, which PostgreSQL refuses, and halves of characters, which no database can write."""
    changes: dict[str, Any] = {
        each.name: clean_text(value)
        for each in fields(entry)
        if isinstance(value := getattr(entry, each.name), str)
    }
    changes["categories"] = tuple(map(clean_text, entry.categories))
    changes["enclosures"] = tuple(
        replace(each, url=clean_text(each.url), media_type=clean_text(each.media_type or "") or None)
        for each in entry.enclosures
    )
    changes["similar"] = tuple(map(_storable, entry.similar))
    changes["trends"] = tuple(map(_storable, entry.trends))
    return replace(entry, **changes)


def clean_text(text: str) -> str:
    """The text as any database can keep it."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _shorten_key(key: str) -> str:
    """PostgreSQL's index takes no more than 2,704 octets; a digest tells long keys apart as well."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key.split(':', 1)[0]}:{hashlib.sha256(key.encode()).hexdigest()}"


def _choose_category(entry: Entry, source: Source, known: dict[str, str]) -> str | None:
    """A feed's tags are legion: the operator's choice for it goes before those that are no section here."""
    for name in (entry.category or "", *entry.categories):
        if name.casefold() in known:
            return known[name.casefold()]
    if source.kind == "folder":
        return entry.category or source.category
    return source.category or entry.category


@dataclass(frozen=True, slots=True)
class _Place:
    """Where entries go."""

    session: Session
    source: Source
    now: datetime
    seen: set[int] = field(default_factory=set)
    """Articles that this document gave already: the first mention is the newest, later ones are its past."""


def _put(place: _Place, entry: Entry, keys: Sequence[str], *, standalone: bool = True) -> tuple[int, Intake]:
    session, source = place.session, place.source
    keys = [_shorten_key(key) for key in keys]
    found = articles.find_keys(session, source.publication_id, keys)
    article_id = match(keys, found).article
    row = session.get(Article, article_id) if article_id is not None else None
    if row is not None and (row.id in place.seen or (row.standalone and not standalone)):
        return row.id, Intake()
    row, outcome = _write(place, row, _to_values(entry, place.now), standalone=standalone)
    if standalone:
        place.seen.add(row.id)
    articles.add_keys(session, row, [key for key in keys if key not in found])
    if entry.category and entry.status and standalone:
        categories.set_category(session, source.publication_id, entry.category, entry.status, now=place.now)
    if row.source_id != source.id:
        return row.id, outcome
    for kind, related in (("similar", entry.similar), ("trend", entry.trends)):
        keyed = zip(related, identify(related, source=str(source.id)), strict=True)
        ids = [_put(place, item, item_keys, standalone=False)[0] for item, item_keys in keyed]
        articles.replace_relations(session, row.id, kind, [number for number in ids if number != row.id])
    session.flush()
    return row.id, outcome


def _write(
    place: _Place, row: Article | None, values: dict[str, Any], *, standalone: bool
) -> tuple[Article, Intake]:
    """Insert or update; a text that was only mentioned before is new once a source gives it for itself."""
    if row is None:
        row = Article(
            publication_id=place.source.publication_id,
            source_id=place.source.id,
            standalone=standalone,
            collected_at=place.now,
        )
        outcome = Intake(new=1)
        place.session.add(row)
    elif standalone and not row.standalone:
        row.standalone, row.source_id, row.collected_at = True, place.source.id, place.now
        outcome = Intake(new=1)
    elif row.source_id not in {None, place.source.id}:
        # Another source tells the same article: the first one's wording stays.
        return row, Intake(unchanged=1)
    else:
        # The article of a source that was removed goes to the next one that gives it.
        row.source_id = place.source.id
        outcome = Intake(unchanged=1) if row.content_hash == values["content_hash"] else Intake(updated=1)
    if row.image != values["image"]:
        row.image_width = row.image_height = row.image_copy = row.image_asked_at = None
    for name, value in values.items():
        setattr(row, name, value)
    place.session.flush()
    return row, outcome


def _to_values(entry: Entry, now: datetime) -> dict[str, Any]:
    html = entry.html or _to_paragraphs(entry.text or "")
    text = entry.text or html_to_text(html)
    # A date further ahead than any zone is wrong or an appointment: the article is as new as its collecting,
    # and the date counts once it has come.
    published = entry.published if entry.published and entry.published <= now + AHEAD else None
    offset = published.utcoffset() if published else None
    values: dict[str, Any] = {
        "title": entry.title or shorten(entry.summary or text, TITLE_LENGTH) or entry.link or "Untitled",
        "url": entry.link,
        "author": entry.author,
        "category": entry.category,
        "status": entry.status,
        "language": entry.language,
        "published_at": published,
        "published_offset": int(offset.total_seconds() // 60) if offset is not None else None,
        "updated_at": entry.updated,
        "image": entry.image,
        "image_alt": entry.image_alt,
        "image_credit": entry.image_credit,
        "licence": entry.licence,
        "enclosures": [asdict(enclosure) for enclosure in entry.enclosures],
        "summary": shorten(tidy_summary(entry.title, entry.summary or text), SUMMARY_LENGTH),
        "text": text,
        "html": html,
        "words": len(text.split()),
    }
    digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()
    return values | {"content_hash": digest}


def _to_paragraphs(text: str) -> str:
    paragraphs = (escape(paragraph.strip()).replace("\n", "<br>") for paragraph in text.split("\n\n"))
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs if paragraph)
