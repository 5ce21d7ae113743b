"""The sample publication holds what the demo and its readers are promised."""

from __future__ import annotations

import csv
import json
import re
import struct
import tomllib
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import feedparser
import pytest

from newsletter.operating.demo.samples import list_samples, read_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2] / "examples"
NOW = datetime(2016, 9, 28, 13, 28, tzinfo=ZoneInfo("Europe/Vilnius"))
BASE = "http://127.0.0.1:8100"
WEEK = timedelta(days=7)
PAGE_DATE = re.compile(r"^[A-Z][a-z]+ \d\d, \d{4} \d\d:\d\d$", re.MULTILINE)
FEEDS = ("sources/harbour-post.xml", "sources/civic-desk.xml")
RTL_LANGUAGES = {"ar", "he"}


@dataclass(frozen=True)
class Told:
    """One article as its source tells it."""

    source: str
    title: str
    link: str | None
    published: datetime | None
    updated: datetime | None
    category: str | None
    language: str | None
    html: str


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def count_words(html: str) -> int:
    parser = _Words()
    parser.feed(html)
    return len(parser.words)


def read(path: str) -> bytes:
    sample = next(sample for sample in list_samples(ROOT) if sample.path == path)
    return read_sample(ROOT, sample, now=NOW, base=BASE)


def publication() -> dict[str, Any]:
    return tomllib.loads((ROOT / "publication.toml").read_text(encoding="utf-8"))


def parse_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z")


def told_by_feed(path: str) -> Iterator[Told]:
    for entry in feedparser.parse(read(path)).entries:
        yield Told(
            source=path,
            title=entry.title,
            link=entry.get("link"),
            published=parse_moment(entry.get("published")),
            updated=parse_moment(entry.get("updated")) if "updated_parsed" in entry.keys() else None,  # noqa: SIM118 - feedparser guesses for `in entry`
            category=entry.tags[0].term,
            language=entry.title_detail.language,
            html=entry.content[0].value,
        )


def told_by_json() -> Iterator[Told]:
    path = "sources/market-notes.json"
    for item in json.loads(read(path))["items"]:
        yield Told(
            source=path,
            title=item["title"],
            link=item.get("url"),
            published=parse_moment(item["date_published"]),
            updated=parse_moment(item.get("date_modified")),
            category=item["tags"][0],
            language=item.get("language"),
            html=item["content_html"],
        )


def text_pages() -> dict[str, str]:
    return {
        sample.path: read(sample.path).decode()
        for sample in list_samples(ROOT)
        if sample.path.startswith("sources/desk-notes/")
    }


def told_by_pages() -> Iterator[Told]:
    for path, text in text_pages().items():
        date = PAGE_DATE.search(text)
        category = re.search(r"^Category: (.+)$", text, re.MULTILINE)
        moment = datetime.strptime(date[0], "%B %d, %Y %H:%M").replace(tzinfo=NOW.tzinfo) if date else None
        yield Told(
            path, text.splitlines()[0], None, moment, None, category[1] if category else None, None, text
        )


def all_told() -> list[Told]:
    return [*(told for path in FEEDS for told in told_by_feed(path)), *told_by_json(), *told_by_pages()]


def ages() -> list[int]:
    """Full weeks before the demo's start, one for each dated article."""
    return [(NOW - told.published) // WEEK for told in all_told() if told.published]


def test_there_are_at_least_twenty_five_articles() -> None:
    assert len(all_told()) >= 25


def test_articles_are_spread_over_four_weeks_and_the_last_is_the_richest() -> None:
    weeks = ages()
    assert set(weeks) == {0, 1, 2, 3}
    assert all(weeks.count(week) >= 5 for week in (1, 2, 3))
    assert 8 <= weeks.count(0) <= 12


def test_no_article_comes_from_the_future() -> None:
    assert all(told.published < NOW for told in all_told() if told.published)


def test_four_categories_have_a_name_and_a_status() -> None:
    categories = publication()["categories"]
    assert len(categories) == 4
    assert all(category["name"] and category["status"] for category in categories)


def test_every_named_category_is_one_of_the_publication() -> None:
    names = {category["name"] for category in publication()["categories"]}
    told = {article.category for article in all_told()} - {None}
    assert told == names
    assert {source["category"] for source in publication()["sources"]} <= names


def test_the_sources_are_of_four_forms_and_exist() -> None:
    sources = publication()["sources"]
    assert {source["format"] for source in sources} == {"rss", "atom", "json", "text"}
    assert all((ROOT / source["path"]).exists() for source in sources)


@pytest.mark.parametrize(("path", "version"), [(FEEDS[0], "rss20"), (FEEDS[1], "atom10")])
def test_a_filled_feed_is_well_formed(path: str, version: str) -> None:
    parsed = feedparser.parse(read(path))
    assert not parsed.bozo
    assert parsed.version == version


def test_the_filled_json_feed_names_its_version_and_has_unique_items() -> None:
    feed = json.loads(read("sources/market-notes.json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])


def test_no_placeholder_is_left_in_any_source() -> None:
    assert not [s.path for s in list_samples(ROOT) if s.is_template and b"{{" in read(s.path)]


def test_one_event_is_told_by_two_newspapers_within_a_day() -> None:
    first, second = (told for told in all_told() if "accord" in told.title and "initial" in told.title)
    assert first.source != second.source
    assert first.published
    assert second.published
    assert abs(first.published - second.published) < timedelta(days=1)
    assert first.html != second.html


def test_one_article_is_written_from_right_to_left_and_says_so() -> None:
    (told,) = (told for told in all_told() if told.language in RTL_LANGUAGES)
    assert re.search(r"[\u0590-\u06ff]", told.title)


def test_one_article_has_more_than_three_thousand_words_with_structure() -> None:
    (told,) = (told for told in all_told() if count_words(told.html) > 3000)
    assert all(f"<{tag}>" in told.html for tag in ("h2", "ul", "ol", "blockquote"))


def test_every_other_article_is_short_enough_to_read_at_once() -> None:
    lengths = sorted(count_words(told.html) for told in all_told())
    assert lengths[0] >= 80
    assert lengths[-2] <= 600


def test_the_awkward_cases_are_there() -> None:
    told = all_told()
    feeds = [article for article in told if article.source in FEEDS]
    assert sum(article.link is None for article in feeds) == 1
    assert any(a.published and a.updated and a.updated > a.published for a in feeds)
    assert any(max(map(len, article.title.split())) > 100 for article in told)
    assert any(ord(article.title[0]) > 0x1F000 for article in told)
    assert any('"' in article.title and "&" in article.title for article in told)
    assert any("<img" in article.html for article in feeds)


def test_the_text_pages_take_the_forms_of_the_seeds() -> None:
    pages = text_pages().values()
    assert len(pages) >= 6
    assert any(page.count("Image: ") == 0 for page in pages)
    assert any("Recent trends\n" in page for page in pages)
    assert any(len(PAGE_DATE.findall(page)) >= 4 for page in pages)
    assert any(not PAGE_DATE.search(page) and "Category" not in page for page in pages)
    assert any(re.search(r"^Category status:$", page, re.MULTILINE) for page in pages)
    assert any("Subscribe to our newsletter\nThe Harbour Week" in page for page in pages)


def read_png(data: bytes) -> dict[bytes, bytes]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(body)
        chunks[body[:4]] = body[4:]
        at += length + 12
    return chunks


PICTURES = sorted((ROOT / "images").glob("*.png"))


def test_there_are_eight_pictures_or_more() -> None:
    assert len(PICTURES) >= 8


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_is_a_small_png_of_the_stated_size(picture: Path) -> None:
    data = picture.read_bytes()
    chunks = read_png(data)
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (width, height, depth, colour) == (1200, 630, 8, 3)
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (width + 1)
    assert len(data) <= 60_000


def test_every_picture_has_a_caption_and_is_used_and_none_is_missing() -> None:
    captions = tomllib.loads((ROOT / "images" / "captions.toml").read_text(encoding="utf-8"))
    fed = "".join(read(source["path"]).decode() for source in publication()["sources"][:3])
    used = set(re.findall(rf"{BASE}/images/([a-z-]+)\.png", fed))
    assert set(captions) == {picture.stem for picture in PICTURES} == used
    assert all(caption["alt"] for caption in captions.values())


def test_the_readers_are_invented_and_their_names_are_of_many_kinds() -> None:
    with (ROOT / "subscribers.csv").open(encoding="utf-8", newline="") as file:
        readers = list(csv.DictReader(file))
    assert len(readers) >= 12
    assert all(reader["email"].endswith(("@example.org", "@example.net")) for reader in readers)
    names = [reader["name"] for reader in readers]
    assert any(re.search(r"[\u0600-\u06ff]", name) for name in names)
    assert any(len(name) > 80 for name in names)
    assert "" in names


def test_every_picture_in_an_article_says_what_it_shows() -> None:
    pictures = [tag for told in all_told() for tag in re.findall(r"<img[^>]*>", told.html)]
    assert len(pictures) >= len(PICTURES)
    assert all(re.search(r'alt="[^"]{20,}"', tag) for tag in pictures)


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    texts = [file for file in ROOT.rglob("*") if file.is_file() and file.suffix != ".png"]
    assert not [file for file in texts if re.search(r"/(work|tmp|home)/", file.read_text(encoding="utf-8"))]
