"""What every use case that reads sources needs: the bytes of many at once, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter import __version__
from newsletter.collect.detect import parse_source
from newsletter.collect.fetch import Fetched, FetchOptions, FetchRequest, fetch_sources
from newsletter.config import is_loopback
from newsletter.errors import FetchError, ParseError, SourceError
from newsletter.publishing.extraction import extract_apart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from newsletter.config import Settings
    from newsletter.content import ParsedSource, SourceKind


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading one source: parsed, not modified, or an error."""

    parsed: ParsedSource | None = None
    fetched: Fetched | None = None
    error: SourceError | None = None
    problems: tuple[str, ...] = ()


def is_url(location: str) -> bool:
    """Whether a source is fetched rather than read from the disk."""
    return location.lower().startswith(("http://", "https://"))


def fetch_all(
    settings: Settings, requests: Sequence[FetchRequest], *, written: frozenset[str] | None = None
) -> list[Fetched | FetchError]:
    """Fetch many addresses, in order.

    An address of this machine that the operator wrote down is meant; nothing else may lead to one.

    Args:
        settings: Limits of fetching.
        requests: What to fetch.
        written: The hosts that the operator wrote down; None where the requests are all of his writing.

    """
    hosts = [_host(request.url) for request in requests]
    own = [is_loopback(host) and (written is None or host in written) for host in hosts]
    results: dict[int, Fetched | FetchError] = {}
    for local in (False, True):
        places = [place for place, is_own in enumerate(own) if is_own is local]
        allowed = frozenset(_host(requests[place].url) for place in places) if local else frozenset()
        options = _options(settings, allowed)
        if places:
            fetched = fetch_sources([requests[place] for place in places], options)
            results.update(zip(places, fetched, strict=True))
    return [results[place] for place in range(len(requests))]


def parse_fetched(fetched: Fetched | FetchError, kind: SourceKind | None, tz: tzinfo) -> Reading:
    """Parse what was fetched; whatever goes wrong is in the result."""
    if isinstance(fetched, FetchError):
        return Reading(error=fetched)
    if fetched.not_modified:
        return Reading(fetched=fetched)
    try:
        parsed = parse_source(
            fetched.body,
            location=fetched.final_url or fetched.url,
            content_type=fetched.content_type,
            kind=kind,
            tz=tz,
            extract=extract_apart,
        )
    except ParseError as error:
        return Reading(fetched=fetched, error=error)
    except Exception as error:  # noqa: BLE001 - one source that breaks the program must not stop the rest
        message = f"{fetched.url} could not be read ({type(error).__name__}: {error}); please report it"
        return Reading(fetched=fetched, error=SourceError(message))
    return Reading(parsed=parsed, fetched=fetched, problems=parsed.problems)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _options(settings: Settings, own: frozenset[str]) -> FetchOptions:
    contact = settings.contact or settings.base_url
    return FetchOptions(
        user_agent=f"newsletter/{__version__} (+{contact})",
        timeout_seconds=settings.fetch_timeout_seconds,
        max_bytes=settings.fetch_max_bytes,
        page_delay_seconds=settings.page_delay_seconds,
        allowed_hosts=frozenset(settings.fetch_allow_hosts) | own,
    )
