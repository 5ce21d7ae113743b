"""Pages in the form of the seeds, made from values by a seeded generator."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from newsletter.content import Entry, ParsedSource

_NOUNS = "Minsk ministry exports dialogue summit budget parliament harvest refinery border army workers"
NOUNS = _NOUNS.split()
_VERBS = "seeks resists plans postpones welcomes measures doubts extends restores reviews"
VERBS = _VERBS.split()
REST = [
    "closer ties with neighbours",
    "higher wages in spring",
    "the old agreement on transit",
    "new rules for exporters",
]
CREDITS = ["Belarus' MFA", "Catholic.by", "Sgt. Kissta M. Feldner/Army", "Reuters", "photo.example/12"]
CATEGORIES = ["Foreign policy", "Economy", "Security", "Внешняя политика"]
STATUSES = ["tense", "calm but watchful", "no change", "напряжённо"]
NAMES = ["Situation in Belarus", "The Harbour Weekly", "Обзор недели"]
_MONTHS = "January February March April May June July August September October November December"
MONTHS = _MONTHS.split()


def make_page(seed: int) -> tuple[ParsedSource, str]:
    """Make a page, and a text that says it: sections shuffled, dropped or repeated, lines missing."""
    return _Builder(random.Random(seed)).page()


class _Builder:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share

    def title(self) -> str:
        self.count += 1
        verb, rest = self.chance.choice(VERBS), self.chance.choice(REST)
        return f"{self.chance.choice(NOUNS).capitalize()} {verb} {rest} {self.count}"

    def sentence(self) -> str:
        self.count += 1
        words = " ".join(self.chance.choices(NOUNS, k=self.chance.randint(4, 14)))
        return f"{words.capitalize()} {self.count}{self.chance.choice(['.', '.', '.', '!', '.”'])}"

    def text(self, most: int) -> list[str]:
        return [
            " ".join(self.sentence() for _ in range(self.chance.randint(1, 5)))
            for _ in range(self.chance.randint(1, most))
        ]

    def moment(self) -> datetime:
        zone = self.chance.choice([UTC, UTC, UTC, timezone(timedelta(hours=3))])
        return datetime(2016, 1, 1, tzinfo=zone) + timedelta(minutes=self.chance.randrange(10**6))

    def article(self, *, dated: float, body: int) -> tuple[Entry, list[str]]:
        paragraphs = self.text(body)
        # A title that asks and has no field is not told from a short paragraph that asks.
        entry = Entry(
            title=self.title(),
            published=self.moment() if self.maybe(dated) else None,
            image_credit=self.chance.choice(CREDITS) if self.maybe(0.7) else None,
            text="\n\n".join(paragraphs),
        )
        if entry.published:
            entry = replace(entry, title=entry.title + self.chance.choice(["", "", "?", "!", "."]))
        return entry, paragraphs

    def write_date(self, moment: datetime) -> str:
        zone = "" if moment.utcoffset() == timedelta(0) else " +03:00"
        month = MONTHS[moment.month - 1]
        return self.chance.choice(
            [
                f"{month} {moment:%d, %Y %H:%M}{zone}",
                f"{moment.day} {month} {moment:%Y %H:%M}{zone}",
                f"{moment:%d.%m.%Y %H:%M}{zone}",
                f"{moment:%Y-%m-%dT%H:%M}{zone.strip()}",
                f"{month[:3]} {moment.day}, {moment:%Y}, {moment:%I:%M %p}{zone}",
            ]
        )

    def fields(self, entry: Entry, *, standing: bool) -> list[str]:
        lines = []
        if standing:
            lines.append(self.standing(entry))
        if entry.published:
            lines.append(self.write_date(entry.published))
        if entry.image_credit:
            lines.append(f"Image: {entry.image_credit}")
        if self.maybe(0.3):
            self.chance.shuffle(lines)
        return [line for line in lines if line]

    def standing(self, entry: Entry) -> str:
        category, status = entry.category, entry.status
        if category and status:
            return self.chance.choice(
                [
                    f"Category: {category}  Status: {status}",
                    f"Category: {category} | Status: {status}",
                    f"{category} status: {status}",
                    f"Category: {category}\nStatus: {status}",
                ]
            )
        if category:
            return f"Category: {category}"
        if status:
            return self.chance.choice([f"Category status: {status}", f"CATEGORY STATUS: {status}"])
        return self.chance.choice(["Category status:", "Category status:", ""])

    def page(self) -> tuple[ParsedSource, str]:
        main, body = self.article(dated=0.85, body=5)
        main = replace(
            main,
            category=self.chance.choice(CATEGORIES) if self.maybe(0.4) else None,
            status=self.chance.choice(STATUSES) if self.maybe(0.4) else None,
        )
        similar = [self.article(dated=0.8, body=4) for _ in range(self.chance.randint(0, 3))]
        trends = [self.article(dated=0, body=6) for _ in range(self.chance.randint(0, 2))]
        name = self.chance.choice(NAMES) if self.maybe(0.7) else None
        main = replace(
            main, similar=tuple(entry for entry, _ in similar), trends=tuple(entry for entry, _ in trends)
        )
        blocks = [self.write_similar(similar), self.write_trends(trends), self.write_name(name)]
        if self.maybe(0.4):
            self.chance.shuffle(blocks)
        if self.maybe(0.15):
            blocks.append(self.chance.choice(blocks))
        chrome = self.chance.choice(["header -->\n\n", "header -->\n\n", "<!-- header -->\n", "-->\n", ""])
        first = chrome + self.write_main(main, body)
        text = "\n\n".join([first, *(block for block in blocks if block)]) + "\n"
        return ParsedSource("page", name, entries=(main,)), self.spoil(text)

    def write_main(self, entry: Entry, body: list[str]) -> str:
        parts = [entry.title, "\n".join(self.fields(entry, standing=True))]
        return "\n\n".join([*(part for part in parts if part), self.gap().join(body)])

    def write_similar(self, items: list[tuple[Entry, list[str]]]) -> str:
        if not items:
            return self.chance.choice(["", "Similar articles"])
        parts = [
            self.chance.choice(
                ["Similar articles", "Similar articles", "SIMILAR ARTICLES", "Similar articles:"]
            )
        ]
        for entry, body in items:
            parts.append("\n".join([entry.title, *self.fields(entry, standing=False)]))
            parts.append("\n\n".join(body))
        return "\n\n".join(parts)

    def write_trends(self, items: list[tuple[Entry, list[str]]]) -> str:
        if not items:
            return self.chance.choice(["", "Recent trends"])
        heading = self.chance.choice(
            ["Recent trends", "Recent trends\n", "Recent trends\n\n", "RECENT TRENDS\n"]
        )
        written = []
        for entry, body in items:
            credit = [f"Image: {entry.image_credit}"] if entry.image_credit else []
            written.append("\n".join([entry.title, *body, *credit]))
        return heading + "\n\n".join(written)

    def write_name(self, name: str | None) -> str:
        if not name:
            return ""
        return f"Subscribe to our newsletter{self.chance.choice([chr(10), chr(10) * 2, ': '])}{name}"

    def gap(self) -> str:
        return self.chance.choice(["\n\n", "\n\n", "\n"])

    def spoil(self, text: str) -> str:
        if self.maybe(0.2):
            text = text.replace("\n", "\r\n")
        if self.maybe(0.2):
            text = text.replace("\n", " \t\n")
        if self.maybe(0.2):
            text = text.replace(" ", "\u00a0", 40)
        if self.maybe(0.2):
            text = "\ufeff" + text
        return text
