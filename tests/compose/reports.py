# ruff: noqa: E501 - sentences are as long as they are
"""Reports of known events, for measuring: real pages in halves, real pairs of papers, made paraphrases.

Only hashes of addresses are kept here; the texts stay in the corpora.
"""

from __future__ import annotations

import gzip
import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

from newsletter.compose.stories import list_pairs
from newsletter.content import Article
from tests.collect.corpus import list_cases
from tests.compose.builders import NOW
from tests.support.mail_builders import make_article

SAME_EVENT = (
    {"b7ca1558", "b6e6bd0c"},
    {"0aa4bd71", "f7f9a044", "18e65a5a"},
    {"964c75da", "793a299a"},
    {"b30e8033", "a32531ba"},
    {"fa8f79a6", "9e39526a"},
)
"""Captured pages of several papers on one event, by the beginning of the SHA-1 of their addresses.

All that a reading of the 464 pages and 1,297 entries of captured feeds found: the feeds hold none at all.
"""
FEWEST_SENTENCES = 8
PLACES = (
    "Port Arden",
    "Kettle Bay",
    "Marrow",
    "Ostwick",
    "Vellin",
    "Tarn Cross",
    "Dunmere",
    "Sallow",
    "Brisk Hill",
    "Halden",
)
PEOPLE = (
    "Ruta Holm",
    "Ivo Marsh",
    "Lena Quist",
    "Tomas Vale",
    "Ada Brandt",
    "Piet Corso",
    "Nora Finch",
    "Milan Reyes",
)
FIRMS = (
    "Coastline Ferries",
    "Norvik Steel",
    "Brightwater",
    "Lumen Rail",
    "Alder Foods",
    "Quayside Energy",
    "Petrel Air",
    "Cobalt Homes",
)
KINDS: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        (
            "{firm} workers walk out in {place} over pay",
            "About {n} employees of {firm} stopped work in {place} on Monday after talks on wages broke down. The union, led by {who}, wants {m} per cent more.",
        ),
        (
            "Strike shuts {firm} plant in {place}",
            "Production at the {place} site of {firm} came to a halt as {n} staff began an open-ended strike. {who}, their spokesman, said an offer below {m} per cent would be refused.",
        ),
        (
            "{n} strike at {firm}",
            "A pay dispute has closed the gates of {firm}: {n} people joined the picket line in {place} and demand a rise of {m} per cent, {who} told reporters.",
        ),
    ),
    (
        (
            "Fire destroys warehouse in {place}",
            "A blaze gutted a storage hall of {firm} in {place} overnight; {n} residents were evacuated. Fire chief {who} said {m} engines were sent.",
        ),
        (
            "{firm} depot burns down, {n} leave their homes",
            "Flames swept through a depot owned by {firm} on the edge of {place}. Some {n} neighbours had to leave, and {m} crews fought the fire until dawn, according to {who}.",
        ),
        (
            "Overnight blaze at {firm} in {place}",
            "{who} of the brigade said {m} crews were needed to put out a fire that ruined the {place} warehouse of {firm}. As a precaution {n} people were moved.",
        ),
    ),
    (
        (
            "{who} elected mayor of {place}",
            "{who} won the run-off in {place} with {m} per cent of the vote, {n} ballots ahead of the incumbent.",
        ),
        (
            "{place} picks {who} as new mayor",
            "Voters in {place} have chosen {who} to lead the town: the challenger took {m} per cent in the second round, a margin of {n}.",
        ),
        (
            "Challenger {who} ousts mayor in {place} run-off",
            "With {m} per cent, {who} unseated the head of the {place} council on Sunday. The lead was {n} votes.",
        ),
    ),
    (
        (
            "{firm} to build {m} million plant in {place}",
            "{firm} announced a factory in {place} that is to cost {m} million and employ {n}. Director {who} signed the lease on Tuesday.",
        ),
        (
            "{place} wins new factory, {n} jobs promised",
            "{n} jobs are to come to {place}, where {firm} will invest {m} million in a new works, its head {who} said.",
        ),
        (
            "{firm} picks {place} for new works",
            "The company of {who} chose {place} over three other towns for its {m} million investment; {firm} expects to hire {n} people.",
        ),
    ),
    (
        (
            "Bridge in {place} closed after cracks found",
            "Inspectors found cracks in {m} beams of the river bridge in {place}, used by {n} vehicles a day. Engineer {who} ordered it shut at once.",
        ),
        (
            "Cracked beams shut {place} river crossing",
            "{who}, the county engineer, has closed the {place} crossing: {m} girders are damaged. Drivers of {n} cars and lorries must take a detour every day.",
        ),
        (
            "{n} vehicles a day diverted as {place} bridge shuts",
            "Traffic is sent around {place} after damage to {m} beams of its bridge came to light, {who} said.",
        ),
    ),
    (
        (
            "Court clears {who} in {firm} fraud case",
            "Judges in {place} acquitted {who} on all {m} counts of defrauding {firm} of {n} thousand.",
        ),
        (
            "{who} acquitted over missing {firm} money",
            "After a trial of {m} weeks a court in {place} found {who} not guilty of taking {n} thousand from {firm}.",
        ),
        (
            "Not guilty: {who} walks free in {place}",
            "{who}, accused of cheating {firm} out of {n} thousand, left the {place} court a free citizen on all {m} charges.",
        ),
    ),
    (
        (
            "Flood warning for {place} as river rises",
            "The river at {place} stood {m} centimetres above its mark on Thursday, and {n} households were told to be ready, said {who} of the weather office.",
        ),
        (
            "{n} homes in {place} prepare for high water",
            "{who}, hydrologist, expects the crest at {place} tonight. The level is {m} centimetres over the danger line, and {n} homes have been warned.",
        ),
        (
            "River near {place} passes danger line",
            "High water threatens {n} houses in {place}: gauges showed {m} centimetres too much, the weather office's {who} reported.",
        ),
    ),
    (
        (
            "{firm} recalls {n} products sold in {place}",
            "{firm} is calling back {n} packs after {m} customers in {place} fell ill; its quality chief {who} apologised.",
        ),
        (
            "{m} ill in {place}: {firm} pulls goods from shelves",
            "Shops in {place} cleared their shelves after {m} people became sick. {firm} takes back {n} items, {who} said for the company.",
        ),
        (
            "Recall at {firm} after illnesses",
            "{who} of {firm} said sorry for {m} cases of sickness in {place} and asked buyers to return {n} packs.",
        ),
    ),
)
"""Kinds of events, each told by three papers: headline and first lines."""


@dataclass(frozen=True)
class Report:
    """One article of a known event."""

    event: str
    article: Article


def hash_address(url: str) -> str:
    return hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()[:8]


def is_held(event: str) -> bool:
    """Whether an event is of the half that nothing was tuned on."""
    return int(hashlib.sha1(event.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1


@dataclass(frozen=True)
class Page:
    """A captured article page with its text by hand or by its reader's tests."""

    url: str
    title: str
    text: str


def list_pages() -> Iterator[Page]:
    """Captured article pages whose whole text is known, each title once and none of filler text."""
    seen: set[str] = set()
    for page in (*_list_annotated(), *_list_readable()):
        if page.title and page.title not in seen and "dolor" not in page.text:
            seen.add(page.title)
            yield page


def _list_annotated() -> Iterator[Page]:
    for path, expect in list_cases("pages-article-benchmark"):
        data = path.read_bytes()
        title = _read_title(gzip.decompress(data) if path.suffix == ".gz" else data)
        yield Page(expect["url"], title, expect["articleBody"])


def _list_readable() -> Iterator[Page]:
    for path, expect in list_cases("pages-readability"):
        body = path.with_name("expected.html")
        if body.exists():
            text = unescape(re.sub(r"<[^>]+>", " ", body.read_text(encoding="utf-8")))
            yield Page(path.parent.name, expect.get("title") or "", " ".join(text.split()))


def _read_title(data: bytes) -> str:
    found = re.search(rb"<title[^>]*>(.*?)</title>", data, re.DOTALL | re.IGNORECASE)
    title = unescape(found.group(1).decode("utf-8", "replace")) if found else ""
    # The paper's own name would be a word that all its titles share.
    return re.split(r"\s[|–—-]+\s", " ".join(title.split()))[0]


def _to_report(number: int, event: str, source_id: int, title: str, text: str) -> Report:
    article = make_article(
        number,
        title=title,
        summary=text[:280],
        text=text,
        source_id=source_id,
        published_at=NOW - timedelta(hours=number % 48),
    )
    return Report(event, article)


def read_halves() -> list[Report]:
    """Each captured page as two reports of its event: every other sentence, the second under its first words."""
    reports: list[Report] = []
    for page in list_pages():
        sentences = re.split(r"(?<=[.!?])\s+", " ".join(page.text.split()))
        if len(sentences) < FEWEST_SENTENCES:
            continue
        event = hash_address(page.url)
        one, other = sentences[::2], sentences[1::2]
        title = " ".join(other[0].split()[:14])
        for source_id, (headline, half) in enumerate(((page.title, one), (title, other[1:])), 1):
            reports.append(_to_report(len(reports) + 1, event, source_id, headline, " ".join(half)))
    return reports


def read_pairs() -> list[Report]:
    """All captured pages under their own titles; those of `SAME_EVENT` share their event."""
    reports = []
    for number, page in enumerate(list_pages(), 1):
        name = hash_address(page.url)
        event = next((min(group) for group in SAME_EVENT if name in group), name)
        reports.append(_to_report(number, event, number, page.title, page.text))
    return reports


def make_paraphrases(events: int, seed: int = 1) -> list[Report]:
    """Made events, each told by two or three papers in their own words.

    Few places, people and firms, so that many events share some of them, and several are of one kind.
    """
    random_ = random.Random(seed)
    reports: list[Report] = []
    for number in range(events):
        kind = random_.choice(KINDS)
        values = {
            "place": random_.choice(PLACES),
            "who": random_.choice(PEOPLE),
            "firm": random_.choice(FIRMS),
            "n": random_.randrange(120, 3000, 10),
            "m": random_.randrange(11, 99),
        }
        told = random_.sample(range(len(kind)), random_.choice((2, 3)))
        for source_id in told:
            title, text = (part.format(**values) for part in kind[source_id])
            reports.append(_to_report(len(reports) + 1, f"made {seed}.{number}", source_id, title, text))
    return reports


def measure(found: set[tuple[int, int]], true: set[tuple[int, int]]) -> tuple[float, float]:
    """Precision and recall of pairs; precision is 1 where nothing was found."""
    right = len(found & true)
    return (right / len(found) if found else 1.0), (right / len(true) if true else 1.0)


def list_true_pairs(reports: Sequence[Report]) -> set[tuple[int, int]]:
    """The pairs of ids that report the same event."""
    events: dict[str, list[int]] = {}
    for report in reports:
        events.setdefault(report.event, []).append(report.article.id)
    return list_pairs(events.values())
