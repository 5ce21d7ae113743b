# ruff: noqa: ANN401, E501 - replace() checks the types of changes; titles are as long as they are
"""Values for tests of what goes into a mail: every field has a default, a test gives what matters to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from newsletter.content import Article, Card, Digest, Publication, Recipient, Section

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
BASE_URL = "https://news.example.org"
LEAVE = f"{BASE_URL}/unsubscribe/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-A"
PREFERENCES = f"{BASE_URL}/preferences/ZyXwVuTsRqPoNmLkJiHgFeDcBa9876543210_-Z"


def make_publication(**changes: Any) -> Publication:
    """Make a weekly in English, sent from Minsk."""
    publication = Publication(
        id=1,
        slug="belarus",
        name="Situation in Belarus",
        sender="Situation in Belarus <digest@example.org>",
        reply_to="editors@example.org",
        address="Situation in Belarus\n12 Example Street\nVilnius 01100, Lithuania",
        language="en",
        timezone="Europe/Minsk",
        schedule="0 8 * * 1",
        approval="required",
        url=BASE_URL,
    )
    return replace(publication, **changes)


def make_article(id: int = 1, **changes: Any) -> Article:  # noqa: A002 - the field's own name
    """Make an article in English with everything but an image."""
    article = Article(
        id=id,
        title="Minsk aims to restore military dialogue with western capitals",
        url=f"https://source.example.com/articles/{id}",
        page_url=f"{BASE_URL}/archive/articles/{id}",
        source="Belarus in Focus",
        source_id=1,
        published_at=NOW - timedelta(days=2, hours=id),
        collected_at=NOW - timedelta(days=1),
        category="Security",
        summary=(
            "Minsk seeks to oust democratisation and human rights from the agenda with regional security. "
            "The strategy is due to the economy rather than to any threat."
        ),
        words=520,
    )
    return replace(article, **changes)


def make_card(article: Article | None = None, **changes: Any) -> Card:
    """Make a card with nothing under it."""
    return replace(Card(article or make_article()), **changes)


def make_section(*cards: Card, category: str | None = "Security", status: str | None = None) -> Section:
    """Make a section of these cards, or of one."""
    return Section(category, status, cards or (make_card(),))


def make_digest(*sections: Section, **changes: Any) -> Digest:
    """Make issue 12, of one card unless sections are given."""
    digest = Digest(
        number=12,
        subject="Minsk looks west again, and eleven more stories",
        preheader="Also: what the budget says, a strike that ended, and a bridge that opened.",
        date=NOW,
        sections=sections or (make_section(),),
    )
    return replace(digest, **changes)


def make_recipient(**changes: Any) -> Recipient:
    """Make a reader with both personal links."""
    slots = {"unsubscribe_url": LEAVE, "preferences_url": PREFERENCES}
    return replace(Recipient(7, "reader@example.net", "Ada Reader", slots), **changes)


def make_rich_digest() -> Digest:
    """Make an issue of twelve cards, for eyes and for tests that want breadth.

    It has images with and without size, alt and credit, two tellers of one event, similar articles and
    trends, a card in Arabic and one in Hebrew without a language, a very long title, a word that has no
    blank to break at, emoji, an article without address, date or source, and three sections.
    """
    security = Section(
        "Security",
        "The authorities balance between Moscow and talks with NATO states.",
        (_lead(), _without_image(), _long()),
        status_changed=True,
    )
    economy = Section("Economy", "Growth slows; wages lag behind prices.", tuple(_economy()))
    rest = Section(None, None, tuple(_rest()))
    return make_digest(security, economy, rest, trends=_trends())


def make_long_digest(cards: int = 40) -> Digest:
    """Make an issue of so many cards, each with an image, two similar articles and 240 characters."""
    one = replace(_lead(), also=())
    many = tuple(
        replace(
            one, article=replace(one.article, id=n, title=f"{one.article.title} ({n})", words=200 + 13 * n)
        )
        for n in range(cards)
    )
    sections = [
        Section(f"Category {n}", "Steady.", many[n * 10 : n * 10 + 10]) for n in range(-(-cards // 10))
    ]
    return make_digest(*sections, trends=_trends())


def _similar() -> tuple[Article, ...]:
    first = make_article(
        101,
        title="Minsk attempts to make up for image losses from military exercises by opening to Western values",
        published_at=datetime(2017, 10, 2, 11, 49, tzinfo=UTC),
    )
    return (first, make_article(102, title="Military cooperation between Belarus and US will be very modest"))


def _lead() -> Card:
    article = make_article(
        1,
        image=f"{BASE_URL}/images/talks.jpg",
        image_alt="Two delegations at a long table",
        image_credit="Belarus’ MFA",
        image_width=1200,
        image_height=675,
        summary=(
            "Minsk continues a strategy that would take questions of value out of the Belarusian-American "
            "normalisation, and put regional security in their place. The economy explains it better than "
            "any existing threat does."
        ),
    )
    other = make_article(51, source="Reuters", title="Belarus, US officials meet")
    third = make_article(52, source="BelaPAN", title="Makei meets Carpenter")
    return Card(article, also=(other, third), similar=_similar())


def _without_image() -> Card:
    return make_card(make_article(2, title="Border guards train with their Latvian colleagues", words=210))


def _long() -> Card:
    article = make_article(
        3,
        title=(
            "What the minutes of eleven meetings between 2009 and 2016 say about how the accreditation of "
            "military attachés was agreed, delayed, agreed again and in the end quietly resolved"
        ),
        words=9_800,
        image=f"{BASE_URL}/images/attaches.jpg",
        image_credit="Sgt. Kissta M. Feldner/Army",
    )
    return Card(article, similar=_similar()[:1])


def _economy() -> list[Card]:
    return [
        make_card(make_article(4, title="Budget for next year: pensions up, roads down 📉", image=f"{BASE_URL}/b.png",
                               image_alt="Chart of spending", image_width=800, image_height=800)),
        make_card(make_article(5, title="Potash strike ends after nine days", author="A. Kavaliova"),
                  also=(make_article(53, source="Radio Svaboda"),)),
        make_card(make_article(6, title="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft")),
        make_card(make_article(7, title="مينسك تسعى إلى استعادة الحوار العسكري مع العواصم الغربية", language="ar",
                               source="الجزيرة", summary="تواصل مينسك استراتيجية تهدف إلى تطبيع العلاقات مع واشنطن.",
                               image=f"{BASE_URL}/images/talks.jpg", image_alt="محادثات")),
    ]  # fmt: skip


def _rest() -> list[Card]:
    bare = make_article(
        8, title="A letter to the editors", url=None, source=None, published_at=None, summary="", words=0
    )
    return [
        make_card(bare),
        make_card(make_article(9, title="גשר חדש נפתח מעל נהר הנמן", summary="הגשר נפתח ביום שני.")),
        make_card(make_article(10, title="Orchestra tours the regions 🎻🎺", category=None)),
        make_card(make_article(11, title='<b>Tom & Jerry</b> "return" to cinemas', summary="5 < 6 & 7 > 2.")),
        make_card(make_article(12, title="Ice on the Dnieper, in numbers"), similar=_similar()),
    ]


def _trends() -> tuple[Article, ...]:
    return (
        make_article(201, title="Military drills near the western border", source=None,
                     summary="Eleven reports from five sources, twice as many as in an ordinary month."),
        make_article(202, title="Wages in the public sector", summary="", published_at=None),
    )  # fmt: skip
