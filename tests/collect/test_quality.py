"""What docs/quality.md says of collecting, measured: `pytest tests/collect/test_quality.py --deep`."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from newsletter.collect.dates import parse_date
from newsletter.collect.detect import parse_source
from newsletter.collect.pages import decode_html
from newsletter.content import Entry
from newsletter.errors import ParseError
from tests.collect.corpus import CORPORA, list_cases, list_items
from tests.collect.test_feed_corpora import compare, read

Record = Callable[[str, object], None]
pytestmark = pytest.mark.deep


def read_page(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.name.endswith(".gz") else data


def parse(data: bytes, url: str) -> Entry:
    try:
        return parse_source(data, location=url, content_type="text/html").entries[0]
    except ParseError:
        return Entry("")


def extract(data: bytes) -> str:
    """What bare trafilatura makes of a page."""
    import trafilatura

    return trafilatura.extract(data, include_comments=False) or ""


def list_pages(corpus: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for path, expect in list_cases(corpus):
        yield read_page(path), expect


def score(hits: float, extra: float, missed: float) -> tuple[float, float, float]:
    precision, recall = hits / (hits + extra or 1), hits / (hits + missed or 1)
    return precision, recall, 2 * precision * recall / (precision + recall or 1)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Runs of four words, as the article benchmark compares by."""
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3)))


def score_bodies(pairs: list[tuple[str, str]]) -> tuple[float, float, float]:
    """The mean over pages of precision and recall, and their F1."""
    found = []
    for got, expected in pairs:
        ours, theirs = shingles(got), shingles(expected)
        hits = (ours & theirs).total()
        found.append(score(hits, (ours - theirs).total(), (theirs - ours).total()))
    precision, recall = (sum(each[place] for each in found) / len(found) for place in (0, 1))
    return precision, recall, 2 * precision * recall / (precision + recall)


def score_segments(pairs: list[tuple[str, dict[str, Any]]]) -> tuple[float, float, float]:
    """Segments that must be in the text, and those that must not."""
    hits = sum(part in text for text, expect in pairs for part in expect["with"])
    missed = sum(part not in text for text, expect in pairs for part in expect["with"])
    extra = sum(part in text for text, expect in pairs for part in expect["without"])
    return score(hits, extra, missed)


def show(figures: tuple[float, ...]) -> str:
    return " / ".join(f"{figure:.4f}" for figure in figures)


@pytest.mark.parametrize("corpus", sorted(path.name for path in CORPORA.glob("feeds-*")))
def test_feeds_agree_with_other_readers(corpus: str, record_property: Record) -> None:
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    files = refused = 0
    for path, expect in list_cases(corpus):
        files += 1
        source = read(path.read_bytes(), path.name)
        refused += source is None
        if "consensus" in expect:
            for name, agrees in compare(source, expect["consensus"]):
                total[name] += 1
                agreed[name] += agrees
    shares = ", ".join(f"{name} {agreed[name]}/{total[name]}" for name in total)
    record_property("figure", f"{corpus}: {files} files, {refused} no feed, {shares or 'no consensus'}")

    assert all(total[name] - agreed[name] <= max(3, 0.01 * total[name]) for name in total)


def test_the_bodies_of_articles_are_found_as_well_as_trafilatura_finds_them(record_property: Record) -> None:
    pages = list(list_pages("pages-article-benchmark"))
    ours = score_bodies(
        [(parse(data, expect["url"]).text or "", expect["articleBody"]) for data, expect in pages]
    )
    theirs = score_bodies([(extract(data), expect["articleBody"]) for data, expect in pages])
    record_property(
        "figure", f"article benchmark, precision / recall / F1: {show(ours)}; trafilatura {show(theirs)}"
    )

    assert ours[2] >= theirs[2]


def test_what_belongs_to_a_text_is_found_as_well_as_trafilatura_finds_it(record_property: Record) -> None:
    pages = list(list_pages("pages-trafilatura"))
    ours = score_segments([(parse(data, expect["url"]).text or "", expect) for data, expect in pages])
    theirs = score_segments([(extract(data), expect) for data, expect in pages])
    record_property(
        "figure", f"trafilatura's pages, precision / recall / F1: {show(ours)}; bare {show(theirs)}"
    )

    assert ours[2] >= theirs[2]


def test_dates_of_pages_are_found_as_well_as_htmldate_finds_them(record_property: Record) -> None:
    import htmldate

    ours = theirs = count = 0
    for data, expect in list_pages("pages-htmldate"):
        moment = parse(data, expect["url"]).published
        count += 1
        ours += (moment.date().isoformat() if moment else None) == expect["date"]
        theirs += htmldate.find_date(decode_html(data, None), url=expect["url"]) == expect["date"]
    record_property("figure", f"dates of pages: {ours} of {count}, htmldate {theirs}")

    assert ours >= theirs


def test_dates_that_feeds_were_seen_with_are_read(record_property: Record) -> None:
    items = [item for item in list_items("hostile-feed-dates") if "expected" in item]
    right = 0
    for item in items:
        moment, expected = parse_date(item["date"]), item["expected"]
        told = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
        right += told is not None if str(expected).startswith("some") else told == expected
    record_property("figure", f"dates of feeds: {right} of {len(items)}")

    assert right >= 0.95 * len(items)
