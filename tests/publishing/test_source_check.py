"""`source check` tells everything that a source says, and stores nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from newsletter.config import Settings
from newsletter.publishing.sources import check_sources
from tests.support.feed_server import FeedServer
from tests.support.publishing_builders import Item, make_feed, make_settings

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
FIELDS = {
    *("id", "title", "link", "published", "updated", "author", "category", "status", "summary"),
    *("categories", "image", "image_alt", "image_credit", "language", "licence", "enclosures"),
    *("text", "similar", "trends"),
}


def check(settings: Settings, *locations: object, base: str | None = None) -> list[dict[str, Any]]:
    found = list(check_sources(settings, [str(place) for place in locations], kind=None, base=base))
    assert json.loads(json.dumps(found)) == found
    return found


@pytest.fixture
def seeds() -> list[Path]:
    if not SEEDS.is_dir():
        pytest.skip(f"{SEEDS} is not there: the seed pages are not part of the repository")
    return sorted(SEEDS.iterdir())


def test_the_first_seed_gives_every_part(seeds: list[Path], tmp_path: Path) -> None:
    (found,) = check(make_settings(tmp_path), seeds[0])
    (article,) = found["articles"]
    (similar,) = article["similar"]

    assert (found["source"], found["kind"], found["title"], found["problems"]) == (
        str(seeds[0]),
        "page",
        None,
        [],
    )
    assert set(article) == set(similar) == FIELDS
    assert article["title"] == "Minsk aims to restore military dialogue with western capitals"
    assert (article["category"], article["status"], article["trends"]) == (None, None, [])
    assert (article["published"], article["image_credit"]) == ("2016-09-26T10:28:00+00:00", "Belarus' MFA")
    assert article["text"].startswith("Minsk continues adhering to a strategy")
    assert article["text"].endswith("i.e. until its negative reaction.")
    assert article["text"].count("\n\n") == 4
    assert similar["title"].startswith("Minsk attempts to make up for image losses")
    assert (similar["published"], similar["image_credit"]) == ("2017-10-02T11:49:00+00:00", "Catholic.by")
    assert similar["text"].startswith("The Belarusian authorities regard the Catholic conference")
    assert similar["text"].endswith("religious, sportive and other dialogues.")


def test_the_second_seed_gives_every_part(seeds: list[Path], tmp_path: Path) -> None:
    (found,) = check(make_settings(tmp_path), seeds[1])
    (article,) = found["articles"]

    assert (found["title"], found["problems"]) == ("Situation in Belarus", [])
    assert article["title"] == "Military cooperation between Belarus and US will be very modest"
    assert (article["published"], article["category"], article["status"]) == (None, None, None)
    assert article["image_credit"] == "Sgt. Kissta M. Feldner/Army"
    assert article["text"].startswith("Belarusian-American military cooperation will directly depend")
    assert article["text"].endswith("politically neutral and positive at the same time.")
    assert "– Establish cooperation in military medicine field." in article["text"]
    assert (article["similar"], article["trends"]) == ([], [])


def test_every_argument_gives_a_line_in_its_order(tmp_path: Path, feed_server: FeedServer) -> None:
    page = tmp_path / "page.txt"
    page.write_text("A page\n\nOf text.\n", encoding="utf-8")
    packed = tmp_path / "feed.xml.gz"
    packed.write_bytes(gzip.compress(make_feed(Item("packed", link="/one"))))
    url = feed_server.serve("/feed", make_feed(Item("A ship came in")), headers={"Content-Type": "text/xml"})
    places = [
        feed_server.url("/none"),
        page,
        url,
        packed,
        tmp_path / "none.txt",
        tmp_path,
        "ftp://post.example/x",
        "http://[::1/feed",
    ]
    found = check(make_settings(tmp_path), *places, base="https://post.example/feed")

    assert [line["source"] for line in found] == [str(place) for place in places]
    assert [[article["title"] for article in line["articles"]] for line in found] == [
        [],
        ["A page"],
        ["A ship came in"],
        ["packed"],
        [],
        ["A page"],
        [],
        [],
    ]
    assert [bool(line["problems"]) for line in found] == [True, False, False, False, True, False, True, True]
    assert found[3]["articles"][0]["link"] == "https://post.example/one"
    assert found[5]["kind"] == "folder"


def test_a_check_makes_no_database(tmp_path: Path, feed_server: FeedServer) -> None:
    check(make_settings(tmp_path), feed_server.serve("/feed", make_feed(Item("one"))))

    assert not (tmp_path / "test.db").exists()
    assert [seen.path for seen in feed_server.seen] == ["/feed"]
