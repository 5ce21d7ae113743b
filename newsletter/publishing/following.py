"""From lists to articles: the pages that a page, a sitemap or a teaser leads to, fetched and read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from newsletter.collect.fetch import FetchRequest
from newsletter.collect.identity import canonical_url, identify, match
from newsletter.collect.leads import is_same_site
from newsletter.publishing.reading import Reading, fetch_all, parse_fetched
from newsletter.store import articles
from newsletter.store.models import Article, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from newsletter.config import Settings
    from newsletter.content import Entry, ParsedSource
    from newsletter.store.engine import Database

MOST_MAPS: Final = 3
"""Sitemaps of an index that are read in one run."""
TRIES: Final = 3
"""How often a page that gives no article is fetched."""
TEASER: Final = 1200
"""Characters: a feed's text that is shorter may be the beginning of a longer one."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """One source whose articles lie elsewhere."""

    database: Database
    settings: Settings
    row: Source
    tz: tzinfo
    now: datetime
    problems: list[str] = field(default_factory=list)
    """What could not be had or read of it."""


def follow(
    database: Database, settings: Settings, row: Source, reading: Reading, *, tz: tzinfo, now: datetime
) -> tuple[Reading, dict[str, int]]:
    """Fetch the pages that a source only names, as far as they are new; at most `follow_pages` in a run.

    Args:
        database: Where known articles are.
        settings: Limits of fetching and following.
        row: The source.
        reading: What it says.
        tz: The zone of dates without an offset.
        now: The time.

    Returns:
        The reading with whole articles in it, and how often each page that gave none was tried. While more
        pages wait than a run may fetch, the list's version is forgotten, so that it is read again.
    """
    missed: dict[str, int] = dict(row.state.get("missed", {}))
    parsed = reading.parsed
    if parsed is None:
        return reading, missed
    errand = _Errand(database, settings, row, tz, now)
    if parsed.leads or parsed.maps:
        return _follow_leads(errand, reading, parsed, missed)
    if row.full_text and parsed.kind == "feed":
        return _fill_teasers(errand, reading, parsed, missed)
    return reading, missed


def _follow_leads(
    errand: _Errand, reading: Reading, parsed: ParsedSource, missed: dict[str, int]
) -> tuple[Reading, dict[str, int]]:
    leads = list(parsed.leads)
    for inner in _fetch(errand, parsed.maps[:MOST_MAPS], is_page=False):
        leads += inner.parsed.leads if inner.parsed else ()
    since = errand.now - timedelta(days=errand.settings.lookback_days)
    fresh = [
        lead for lead in leads if _is_fresh(lead, since) and is_same_site(str(lead.link), errand.row.location)
    ]
    if parsed.kind == "sitemap":
        fresh.sort(key=lambda lead: (lead.published or lead.updated or since).timestamp(), reverse=True)
    # A sitemap is there for what it names, so it has no article of its own, and neither has a list.
    entries, missed, is_all = _read_pages(errand, fresh, missed)
    source = replace(parsed, entries=entries, leads=(), maps=())
    return _as_followed(errand, replace(reading, parsed=source), is_all=is_all), missed


def _is_fresh(lead: Entry, since: datetime) -> bool:
    told = lead.published or lead.updated
    return told is None or told >= since


def _read_pages(
    errand: _Errand, leads: Sequence[Entry], missed: dict[str, int]
) -> tuple[tuple[Entry, ...], dict[str, int], bool]:
    by_key = {canonical_url(str(lead.link)): lead for lead in leads}
    kept = {key: tries for key, tries in missed.items() if key in by_key}
    with errand.database.read() as session:
        known = articles.find_keys(session, errand.row.publication_id, [f"link:{key}" for key in by_key])
    wanted = [key for key in by_key if f"link:{key}" not in known and kept.get(key, 0) < TRIES]
    chosen = wanted[: errand.settings.follow_pages]
    entries = []
    readings = _fetch(errand, [str(by_key[key].link) for key in chosen], is_page=True)
    for key, found in zip(chosen, readings, strict=True):
        if entry := _as_article(found, by_key[key]):
            entries.append(entry)
        else:
            kept[key] = kept.get(key, 0) + 1
    return tuple(entries), kept, len(chosen) == len(wanted)


def _as_article(found: Reading, lead: Entry) -> Entry | None:
    """The article of a page, under the address that its list gives it, by which it is known the next time."""
    if found.parsed is None or not found.parsed.entries or found.parsed.leads or found.parsed.kind != "page":
        return None
    page = found.parsed.entries[0]
    return replace(
        page, title=page.title or lead.title, link=lead.link, published=page.published or lead.published
    )


def _fill_teasers(
    errand: _Errand, reading: Reading, parsed: ParsedSource, missed: dict[str, int]
) -> tuple[Reading, dict[str, int]]:
    """Put the text of its page in the place of a teaser; what was put there before stays."""
    entries = list(parsed.entries)
    wanted: dict[int, str] = {}
    kept = {}
    with errand.database.read() as session:
        for place, keys in enumerate(identify(entries, source=str(errand.row.id))):
            entry = entries[place]
            if len(entry.text or "") >= TEASER or not entry.link:
                continue
            found = match(keys, articles.find_keys(session, errand.row.publication_id, keys)).article
            row = session.get(Article, found) if found is not None else None
            key = canonical_url(entry.link)
            if row is not None and row.words > len((entry.text or "").split()):
                entries[place] = replace(entry, text=row.text, html=row.html, image=entry.image or row.image)
            elif missed.get(key, 0) < TRIES:
                wanted[place] = key
            if key in missed:
                kept[key] = missed[key]
    chosen = list(wanted)[: errand.settings.follow_pages]
    readings = _fetch(errand, [str(entries[place].link) for place in chosen], is_page=True)
    for place, found_page in zip(chosen, readings, strict=True):
        page = _as_article(found_page, entries[place])
        if page and len(page.text or "") > len(entries[place].text or ""):
            entries[place] = _filled(entries[place], page)
        else:
            kept[wanted[place]] = kept.get(wanted[place], 0) + 1
    done = replace(reading, parsed=replace(parsed, entries=tuple(entries)))
    return _as_followed(errand, done, is_all=len(chosen) == len(wanted)), kept


def _filled(entry: Entry, page: Entry) -> Entry:
    """The feed's word on everything but the text, and what the feed does not say."""
    return replace(
        entry,
        text=page.text,
        html=page.html,
        summary=entry.summary or page.summary,
        author=entry.author or page.author,
        published=entry.published or page.published,
        image=entry.image or page.image,
        licence=entry.licence or page.licence,
    )


def _as_followed(errand: _Errand, reading: Reading, *, is_all: bool) -> Reading:
    reading = replace(reading, problems=(*reading.problems, *errand.problems))
    if is_all or reading.fetched is None:
        return reading
    return replace(reading, fetched=replace(reading.fetched, etag=None, last_modified=None))


def _fetch(errand: _Errand, links: Sequence[str], *, is_page: bool) -> list[Reading]:
    # What a source leads to may be of this machine only where the operator wrote that very host down.
    own = frozenset({(urlsplit(errand.row.location).hostname or "").lower()})
    requests = [FetchRequest(link, is_page=is_page) for link in links]
    fetched = fetch_all(errand.settings, requests, written=own)
    readings = [parse_fetched(each, None, errand.tz) for each in fetched]
    errand.problems.extend(str(each.error) for each in readings if each.error)
    return readings
