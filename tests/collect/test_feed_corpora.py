"""How far we agree with three other readers on feeds of the wild, and that none brings us down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any
from urllib.parse import urljoin

import pytest

from newsletter.collect.detect import parse_source
from newsletter.content import Entry, ParsedSource, SourceKind
from newsletter.errors import ParseError
from tests.collect.corpus import CORPORA, list_cases, list_feed_corpora, require

FLOORS = {"entries": 0.99, "feed_title": 0.98, "title": 0.99, "link": 0.99, "date": 0.99}
SLICE = 4


def fold(text: str | None) -> str:
    return " ".join((text or "").split())


def instant(entry: Entry) -> str | None:
    moment = entry.published or entry.updated
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


COMPARE: dict[str, Callable[[Entry, Any], bool]] = {
    "title": lambda entry, value: fold(entry.title) == fold(value),
    # The consensus leaves links relative, we do not.
    "link": lambda entry, value: entry.link in {value, urljoin(entry.link or "", value)},
    "date": lambda entry, value: instant(entry) == value,
}


def read(data: bytes, name: str) -> ParsedSource | None:
    try:
        return parse_source(data, location=name)
    except ParseError:
        return None


def compare(source: ParsedSource | None, expect: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Say for each value of the consensus whether we agree."""
    entries = source.entries if source else ()
    yield "entries", len(entries) == expect["entries"]
    if source is None or len(entries) != expect["entries"]:
        return
    if expect.get("feed_title") is not None:
        yield "feed_title", fold(source.title) == fold(expect["feed_title"])
    for entry, item in zip(entries, expect["items"], strict=False):
        for name, value in item.items():
            if "\ufffd" in value:
                # Letters that the others lost.
                continue
            yield name, COMPARE[name](entry, value)


def test_feeds_of_the_wild_are_read_as_others_read_them(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    cases = [
        (path, expect["consensus"])
        for corpus in list_feed_corpora()
        for path, expect in list_cases(corpus)
        if "consensus" in expect
    ]
    step = 1 if request.config.getoption("--deep", default=False) else SLICE
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for path, expect in cases[::step]:
        for name, agrees in compare(read(path.read_bytes(), path.name), expect):
            total[name] += 1
            agreed[name] += agrees
    figures = {name: agreed[name] / total[name] for name in FLOORS}
    record_property(
        "figure", f"feeds: {', '.join(f'{n} {agreed[n]}/{total[n]} ({s:.2%})' for n, s in figures.items())}"
    )

    assert {name: share for name, share in figures.items() if share < FLOORS[name]} == {}


@pytest.mark.parametrize("kind", [None, "feed"])
def test_no_file_of_the_corpora_brings_us_down(
    request: pytest.FixtureRequest, kind: SourceKind | None
) -> None:
    folders = [require(CORPORA) / name for name in [*list_feed_corpora(), "hostile-xxe", "opml-listparser"]]
    step = 1 if request.config.getoption("--deep", default=False) else SLICE * 4
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files[::step]:
        try:
            parse_source(path.read_bytes(), location=path.name, kind=kind)
        except ParseError:
            continue
