"""Thirty captured feeds over four weeks, articles appearing day by day: four issues, as one reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from lxml import etree

from newsletter.publishing.contents import IssueContents, show_contents
from tests.flow.test_real_feeds import list_captured
from tests.support.publishing_builders import DAY, NOW, Desk

START = NOW - timedelta(days=28)
DATES = {"pubDate", "date", "published", "updated", "issued", "modified", "created"}
ITEMS = {"item", "entry"}
FEEDS = 30


@dataclass
class Serial:
    """A captured feed whose items appear one after the other, the oldest first, over the four weeks."""

    name: str
    root: Any
    items: list[Any]

    def write(self, day: int) -> bytes:
        """The feed as it is on that day."""
        for place, item in enumerate(self.items):
            parent = item.getparent()
            is_out = place * 28 // len(self.items) < day
            if not is_out and parent is not None:
                parent.remove(item)
        data: bytes = etree.tostring(self.root, encoding="utf-8", xml_declaration=True)
        for item in self.items:
            if item.getparent() is None:
                self.parent.append(item)
        return data

    def __post_init__(self) -> None:
        self.parent = self.items[0].getparent()
        for place, item in enumerate(self.items):
            when = START + timedelta(days=place * 28 // len(self.items), hours=8 + place % 9)
            for child in item:
                if isinstance(child.tag, str) and etree.QName(child).localname in DATES:
                    is_rss = etree.QName(child).localname == "pubDate"
                    child.text = format_datetime(when) if is_rss else when.isoformat()


def read_serials() -> Iterator[Serial]:
    """Captured feeds that are XML and hold several items, the newest item last."""
    for path, _ in list_captured():
        try:
            root = etree.fromstring(
                path.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True)
            )
        except etree.XMLSyntaxError:
            continue
        items = [
            each for each in root.iter() if isinstance(each.tag, str) and etree.QName(each).localname in ITEMS
        ]
        if len(items) > 3:
            yield Serial(path.name, root, items[::-1])


def walk(desk: Desk) -> list[int]:
    """Collect every day and draft every Monday; the ids of the issues."""
    assert desk.feeds
    serials = list(read_serials())[:FEEDS]
    urls = [f"/{number}/{serial.name}" for number, serial in enumerate(serials)]
    for url in urls:
        desk.feeds.serve(url, b"")
        desk.add_source(desk.feeds.url(url))
    issues = []
    for day in range(1, 29):
        for url, serial in zip(urls, serials, strict=True):
            desk.feeds.serve(url, serial.write(day))
        desk.collect(START + day * DAY)
        if day % 7 == 0:
            issue = desk.draft(START + day * DAY)
            desk.approve(issue.id, START + day * DAY, override="a walk")
            issues.append(issue.id)
    return issues


def read(desk: Desk, issue_id: int) -> IssueContents:
    return show_contents(desk.database, desk.settings, issue_id)


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_four_issues_of_captured_feeds_read_well(collecting_desk: Desk) -> None:
    issues = walk(collecting_desk)
    told: Counter[int] = Counter()
    for issue in issues:
        holds = read(collecting_desk, issue)
        assert len(holds.cards) >= 10
        for card in holds.cards:
            told.update([card.article, *[each["id"] for each in card.also]])
            assert card.title.strip()
            assert card.reason.startswith("score ")
            assert {each["id"] for each in card.similar}.isdisjoint([card.article])
        titles = Counter(card.title.casefold() for card in holds.cards)
        assert max(titles.values()) <= 2

    assert max(told.values()) == 1
