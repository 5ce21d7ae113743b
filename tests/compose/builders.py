"""Articles for tests of what goes into an issue: real ones of the samples, and made ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from newsletter.collect.clean import clean_entry
from newsletter.collect.detect import parse_source
from newsletter.content import Article, Entry
from newsletter.operating.demo.samples import list_samples, read_sample
from tests.support.mail_builders import make_article

EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TITLES = (
    "Ferry accord with Sarrow Isles initialled after eleven months of talks",
    "Port Arden and the Sarrow Isles initial ferry accord after eleven months",
    "Budget committee trims the tram and spares the archive",
    "Fewer trams have made the night longer, not quieter",
    "Potash strike ends after nine days",
    "Strike at the potash works ends after nine days",
    "Harbour levy passes first reading",
    "مينسك تسعى إلى استعادة الحوار العسكري",
    "",
)


def to_articles(entries: Sequence[Entry], source_id: int, first_id: int) -> list[Article]:
    """What collecting makes of entries, as far as composing reads it."""
    articles = []
    for number, published in enumerate(entries):
        entry = clean_entry(published)
        text = entry.text or entry.summary or ""
        articles.append(
            make_article(
                first_id + number,
                title=entry.title,
                url=entry.link,
                source=f"source {source_id}",
                source_id=source_id,
                published_at=entry.published or NOW,
                summary=entry.summary or text[:280],
                text=text,
                words=len(text.split()),
                category=entry.category,
            )
        )
    return articles


def read_samples() -> list[Article]:
    """Every article of the sample publication."""
    articles: list[Article] = []
    sources: dict[str, int] = {}
    for sample in list_samples(EXAMPLES):
        if sample.path.startswith("sources/"):
            source_id = sources.setdefault(sample.path.split("/")[1], len(sources) + 1)
            data = read_sample(EXAMPLES, sample, now=NOW, base="http://127.0.0.1:1")
            parsed = parse_source(data, location=sample.path)
            articles += to_articles(parsed.entries, source_id, len(articles) + 1)
    return articles


@st.composite
def article_lists(draw: st.DrawFn, most: int = 8) -> list[Article]:
    """Articles with ids of their own, of few sources, titles and categories, so that much coincides."""
    return [
        make_article(
            number,
            title=draw(st.sampled_from(TITLES)),
            source_id=draw(st.sampled_from([1, 2, 3, None])),
            category=draw(st.sampled_from(["Security", "security", "Economy", None])),
            published_at=draw(
                st.sampled_from([None, NOW, NOW - timedelta(days=2), NOW - timedelta(days=30)])
            ),
            summary=draw(st.sampled_from(["", "The same words for all of them."])),
            image=draw(st.sampled_from([None, "https://example.org/a.png"])),
            words=draw(st.sampled_from([0, 90, 900])),
        )
        for number in range(1, draw(st.integers(1, most)) + 1)
    ]
