"""Use case: collect what the sources of a publication have."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import DataError

from newsletter.collect.fetch import Fetched, FetchRequest
from newsletter.collect.folders import read_folder
from newsletter.collect.pace import plan_next
from newsletter.content import Pace
from newsletter.errors import DatabaseError, FetchError, SourceError
from newsletter.publishing.extraction import extract_apart
from newsletter.publishing.following import follow
from newsletter.publishing.intake import Intake, clean_text, take_in
from newsletter.publishing.pictures import read_pictures
from newsletter.publishing.reading import Reading, fetch_all, is_url, parse_fetched
from newsletter.store import publications, sources
from newsletter.store.models import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from newsletter.config import Settings
    from newsletter.content import SourceKind
    from newsletter.store.engine import Database

AT_ONCE = 50
"""Sources whose bytes are held in memory together."""
LONGEST_WAIT = timedelta(days=1)
PATIENCE = timedelta(days=30)
"""After that long without a success a source is no longer asked."""


@dataclass(frozen=True, slots=True)
class CollectReport:
    """Counts of one run; the keys are those of `collect --json`."""

    sources: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    """`source` (its location) and `error`."""


def collect_sources(
    database: Database, settings: Settings, slug: str | None, *, now: datetime, due_only: bool = False
) -> CollectReport:
    """Collect from every source (or those that are due); one that fails never stops the rest.

    Args:
        database: The handle.
        settings: Limits of fetching.
        slug: Whose sources; None means every publication's.
        now: What is recorded as the time of collecting.
        due_only: Leave out sources that are not yet to be asked again or are disabled.

    """
    with database.read() as session:
        if slug is not None:
            chosen = [publications.find_publication(session, slug)]
        else:
            chosen = publications.list_publications(session)
        zones = {row.id: ZoneInfo(row.timezone) for row in chosen}
        rows = sources.list_sources(session, list(zones), due_at=now if due_only else None)
    taken, failed = Intake(), []
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        quiet: dict[int, Reading] = {}
        for row, listed in zip(some, _read_all(settings, some, zones), strict=True):
            if _is_quiet(listed):
                quiet[row.id] = listed
                continue
            run = _Run(database, settings, zones[row.publication_id], now)
            intake, errors = _record(run, row, listed)
            taken += intake
            failed += [{"source": row.location, "error": error} for error in errors]
        taken += _record_quiet(database, quiet, now=now)
    read_pictures(database, settings, list(zones), now=now)
    return CollectReport(len(rows), taken.new, taken.updated, taken.unchanged, failed)


def _is_quiet(reading: Reading) -> bool:
    """Whether all there is to write is that nothing changed."""
    fetched = reading.fetched
    return reading.error is None and fetched is not None and fetched.not_modified and not fetched.moved_to


def _record_quiet(database: Database, quiet: dict[int, Reading], *, now: datetime) -> Intake:
    """Write that nothing changed, for many sources in one transaction: most sources, most of the time."""
    taken = Intake()
    if not quiet:
        return taken
    with database.write() as session:
        for source in session.scalars(select(Source).where(Source.id.in_(quiet))):
            intake = Intake(unchanged=int(source.state.get("entries", 0)))
            _record_success(source, quiet[source.id], intake, now=now)
            taken += intake
    return taken


def _read_all(settings: Settings, rows: Sequence[Source], zones: dict[int, ZoneInfo]) -> Iterator[Reading]:
    requests = [
        FetchRequest(row.location, row.etag, row.last_modified) for row in rows if is_url(row.location)
    ]
    fetched = iter(fetch_all(settings, requests))
    for row in rows:
        zone = zones[row.publication_id]
        if is_url(row.location):
            yield parse_fetched(next(fetched), _kind(row), zone)
        else:
            yield _read_folder(settings, row, zone)


def _kind(row: Source) -> SourceKind:
    return row.kind  # type: ignore[return-value] # written by add_source, which checks it


def _read_folder(settings: Settings, row: Source, zone: ZoneInfo) -> Reading:
    try:
        found = read_folder(
            Path(row.location), max_bytes=settings.fetch_max_bytes, tz=zone, extract=extract_apart
        )
    except FetchError as error:
        return Reading(error=error)
    return Reading(parsed=found.source, problems=found.source.problems)


@dataclass(frozen=True, slots=True)
class _Run:
    """What reading one source needs."""

    database: Database
    settings: Settings
    zone: ZoneInfo
    now: datetime


def _record(run: _Run, row: Source, listed: Reading) -> tuple[Intake, list[str]]:
    """Write what one source gave in a transaction of its own, so that it takes nothing else down with it."""
    database, now = run.database, run.now
    try:
        reading, missed = follow(database, run.settings, row, listed, tz=run.zone, now=now)
        with database.write() as session:
            source = session.get(Source, row.id)
            if source is None:
                return Intake(), []
            if reading.error is not None:
                _record_failure(source, reading.error, now=now)
                return Intake(), [str(reading.error)]
            intake = Intake(unchanged=int(source.state.get("entries", 0)))
            if reading.parsed is not None:
                base = reading.fetched.final_url or reading.fetched.url if reading.fetched else None
                intake = take_in(session, source, reading.parsed, base, now=now)
                source.title = source.title or clean_text(reading.parsed.title or "") or None
                source.state = source.state | {
                    "entries": len(reading.parsed.entries),
                    "missed": missed,
                }
            _record_success(source, reading, intake, now=now)
            _follow_move(session, source, reading.fetched)
            return intake, list(reading.problems) if source.kind == "folder" else []
    except Exception as error:  # one source that breaks the program must not stop the rest
        if isinstance(error, DatabaseError) and not isinstance(error.__cause__, DataError):
            raise
        failure = SourceError(f"could not be stored ({type(error).__name__}: {error}); please report it")
        with database.write() as session:
            source = session.get(Source, row.id)
            if source is not None:
                _record_failure(source, failure, now=now)
        return Intake(), [str(failure)]


def _follow_move(session: Session, source: Source, fetched: Fetched | None) -> None:
    """A permanent redirect (RFC 9110 15.4.2) is the new address, unless another source has it already."""
    target = fetched.moved_to if fetched else None
    if target and sources.find_source(session, source.publication_id, target) is None:
        source.location = target


def _record_success(source: Source, reading: Reading, intake: Intake, *, now: datetime) -> None:
    source.last_fetched_at = source.last_success_at = now
    source.last_error = "; ".join(reading.problems)[:1000] or None
    source.failed_count = 0
    source.disabled_at = None
    interval = timedelta(seconds=source.interval_seconds)
    fetched: Fetched | None = reading.fetched
    if fetched is None:
        source.next_attempt_at = now + interval  # a folder of this machine costs nobody anything
        return
    if reading.parsed is not None:
        source.state = source.state | {"pace": _pace_to_json(reading.parsed.pace)}
    quiet = 0 if intake.new else int(source.state.get("quiet", 0)) + 1
    source.state = source.state | {"quiet": quiet}
    pace = _pace_from_json(source.state.get("pace", {}))
    fresh = timedelta(seconds=max(fetched.max_age or 0.0, fetched.retry_after or 0.0))
    source.next_attempt_at = plan_next(now, interval, quiet=quiet, pace=pace, fresh=fresh)
    if not fetched.not_modified:
        source.etag, source.last_modified = fetched.etag, fetched.last_modified


def _pace_to_json(pace: Pace) -> dict[str, Any]:
    return {
        "wait": pace.wait.total_seconds(),
        "hours": sorted(pace.skip_hours),
        "days": sorted(pace.skip_days),
    }


def _pace_from_json(kept: dict[str, Any]) -> Pace:
    wait = timedelta(seconds=kept.get("wait", 0))
    return Pace(wait, frozenset(kept.get("hours", ())), frozenset(kept.get("days", ())))


def _record_failure(source: Source, error: SourceError, *, now: datetime) -> None:
    """Ask ever less often; what was seen stays, and the row says what is wrong."""
    source.last_fetched_at = now
    source.last_error = str(error)[:1000]
    source.failed_count += 1
    wait = timedelta(seconds=source.interval_seconds * 2 ** min(source.failed_count - 1, 8))
    asked = timedelta(seconds=(error.retry_after or 0) if isinstance(error, FetchError) else 0)
    source.next_attempt_at = now + min(max(wait, asked), LONGEST_WAIT)
    if isinstance(error, FetchError) and error.status == HTTPStatus.GONE:
        _disable(source, "no longer asked, as its publisher closed it for good", now=now)
    elif now - (source.last_success_at or source.created_at) > PATIENCE:
        _disable(source, f"no longer asked after {PATIENCE.days} days of failures", now=now)


def _disable(source: Source, why: str, *, now: datetime) -> None:
    source.disabled_at = source.disabled_at or now
    source.last_error = f"{why}; the last: {source.last_error}; `newsletter source add` takes it up again"
