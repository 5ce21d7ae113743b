"""The pictures of new articles: asked for once each, for their size and, where wanted, a copy."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from newsletter.collect.fetch import Fetched, FetchRequest
from newsletter.collect.images import HEAD, Picture, make_copy, parse_picture
from newsletter.errors import NotFoundError, ParseError
from newsletter.publishing.reading import fetch_all
from newsletter.store import images

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.errors import FetchError
    from newsletter.store.engine import Database
    from newsletter.store.images import UnseenImage

AT_ONCE: Final = 20
"""Pictures whose bytes are held in memory together."""
_LONGEST: Final = 5.0
"""Seconds: a picture that comes later is not worth the wait of a whole run."""
_COPY: Final = re.compile(r"[0-9a-f]{32}\.(?:jpg|png)")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of asking for one picture."""

    picture: Picture | None = None
    copy: str | None = None


def read_pictures(
    database: Database, settings: Settings, publication_ids: Sequence[int], *, now: datetime
) -> None:
    """Learn the size of the pictures of new articles, newest first, and keep copies where that is set.

    A run asks for `images_per_run` of them, for each once, whatever comes of it: a picture without a size is
    shown all the same. A host that cannot be reached is not asked again in this run.
    """
    since = now - timedelta(days=settings.lookback_days)
    with database.read() as session:
        waiting = images.list_unseen_images(session, publication_ids, since, limit=settings.images_per_run)
    silent: set[str] = set()
    while waiting := [each for each in waiting if _host(each.url) not in silent]:
        some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        fetched = _fetch(settings, some)
        silent |= {_host(url) for url, answer in fetched.items() if _is_silent(answer)}
        seen = {url: _look(settings, answer) for url, answer in fetched.items()}
        with database.write() as session:
            for each in some:
                found = seen[each.url]
                size = (found.picture.width, found.picture.height) if found.picture else None
                images.record_image(session, each, size, found.copy, now=now)


def get_copy(settings: Settings, name: str) -> Path:
    """Where the copy of a picture lies.

    Raises:
        NotFoundError: There is none of that name.

    """
    if settings.image_copies is not None and _COPY.fullmatch(name):
        path = settings.image_copies / name
        if path.is_file():
            return path
    message = "there is no such picture"
    raise NotFoundError(message)


def _fetch(settings: Settings, some: Iterable[UnseenImage]) -> dict[str, Fetched | FetchError]:
    seconds = min(settings.fetch_timeout_seconds, _LONGEST)
    hurried = settings.model_copy(update={"fetch_timeout_seconds": seconds})
    whole = settings.image_copies is not None
    answers: dict[str, Fetched | FetchError] = {}
    # A picture may be of this machine only where its own source is: the operator wrote that host down.
    for is_own in (False, True):
        urls = list(dict.fromkeys(each.url for each in some if _is_own(each) is is_own))
        requests = [FetchRequest(url, most_bytes=None if whole else HEAD) for url in urls]
        fetched = fetch_all(hurried, requests, written=None if is_own else frozenset())
        answers |= {url: answer for url, answer in zip(urls, fetched, strict=True) if url not in answers}
    return answers


def _is_own(each: UnseenImage) -> bool:
    return bool(_host(each.url)) and _host(each.url) == _host(each.location)


def _is_silent(answer: Fetched | FetchError) -> bool:
    return not isinstance(answer, Fetched) and answer.status is None


def _look(settings: Settings, answer: Fetched | FetchError) -> _Seen:
    if not isinstance(answer, Fetched):
        return _Seen()
    try:
        picture = parse_picture(answer.body)
        copy = _keep(settings.image_copies, answer.body) if settings.image_copies is not None else None
    except ParseError:
        return _Seen()
    return _Seen(picture, copy)


def _keep(folder: Path, data: bytes) -> str:
    """Write a copy under a name made of its bytes, so that one address always shows the same."""
    copy = make_copy(data)
    name = f"{hashlib.sha256(copy.data).hexdigest()[:32]}.{copy.suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}"
    partial.write_bytes(copy.data)
    partial.replace(folder / name)
    return name


def _host(url: str | None) -> str:
    try:
        return (urlsplit(url or "").hostname or "").lower()
    except ValueError:
        return ""
