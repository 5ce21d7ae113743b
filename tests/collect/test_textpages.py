"""Text pages in the form of the seeds and a good dozen variants of it, each read in full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsletter.collect.detect import parse_source
from newsletter.collect.textpages import decode_text, parse_text_page
from newsletter.content import Entry, ParsedSource
from newsletter.errors import ParseError
from tests.collect.corpus import SEEDS, require

MOMENT = datetime(2016, 9, 26, 10, 28, tzinfo=UTC)
PAGE = """\
header -->

Harbour reopens after the storm

Category status:
September 26, 2016 10:28
Image: Port office

The cranes turned again on Monday.

Ships had waited for a week.

Similar articles

Ferry timetable is cut for the winter
October 02, 2017 11:49
Image: Ferry line

Two boats will stay in dock.

Recent trendsFreight rates fall for a third month
Rates are down by a tenth.
– Containers
– Bulk
Image: Exchange
Subscribe to our newsletter
The Harbour Weekly
"""
SIMILAR = Entry(
    "Ferry timetable is cut for the winter",
    published=datetime(2017, 10, 2, 11, 49, tzinfo=UTC),
    image_credit="Ferry line",
    text="Two boats will stay in dock.",
)
TREND = Entry(
    "Freight rates fall for a third month",
    image_credit="Exchange",
    text="Rates are down by a tenth.\n\n– Containers\n\n– Bulk",
)
ARTICLE = Entry(
    "Harbour reopens after the storm",
    published=MOMENT,
    image_credit="Port office",
    text="The cranes turned again on Monday.\n\nShips had waited for a week.",
    similar=(SIMILAR,),
    trends=(TREND,),
)
WHOLE = ParsedSource("page", "The Harbour Weekly", entries=(ARTICLE,))


def read(text: str) -> Entry:
    return parse_text_page(text).entries[0]


def test_a_page_in_full_gives_every_part() -> None:
    assert parse_text_page(PAGE) == WHOLE


def test_the_first_seed_gives_every_part() -> None:
    data = (require(SEEDS) / "000_700c61b0bd8a88b5.txt").read_bytes()
    page = parse_source(data, location="seed.txt")
    article = page.entries[0]
    similar = article.similar[0]

    assert (page.kind, page.title, len(page.entries), page.problems) == ("page", None, 1, ())
    assert article.title == "Minsk aims to restore military dialogue with western capitals"
    assert (article.category, article.status, article.image_credit) == (None, None, "Belarus' MFA")
    assert article.published == MOMENT
    assert article.text is not None
    assert article.text.startswith("Minsk continues adhering")
    assert article.text.endswith("until its negative reaction.")
    assert article.text.count("\n\n") == 4
    assert (len(article.similar), article.trends) == (1, ())
    assert similar.title.startswith("Minsk attempts to make up for image losses")
    assert (similar.published, similar.image_credit) == (
        datetime(2017, 10, 2, 11, 49, tzinfo=UTC),
        "Catholic.by",
    )
    assert similar.text is not None
    assert similar.text.count("\n\n") == 3


def test_the_second_seed_holds_only_a_trend_and_gives_it_as_an_article() -> None:
    data = (require(SEEDS) / "004_7db565123ad589e3.txt").read_bytes()
    page = parse_source(data, location="seed.txt")
    article = page.entries[0]

    assert (page.kind, page.title, len(page.entries)) == ("page", "Situation in Belarus", 1)
    assert article.title == "Military cooperation between Belarus and US will be very modest"
    assert (article.published, article.category, article.status) == (None, None, None)
    assert article.image_credit == "Sgt. Kissta M. Feldner/Army"
    assert article.text is not None
    assert article.text.count("\n\n") == 12
    assert "– Establish cooperation in military medicine field." in article.text
    assert (article.similar, article.trends) == ((), ())


def test_both_seeds_joined_are_one_page_with_its_trend() -> None:
    data = b"".join(path.read_bytes() for path in sorted(require(SEEDS).glob("*.txt")))
    article = parse_source(data, location="seed.txt").entries[0]

    assert (len(article.similar), len(article.trends)) == (1, 1)
    assert article.trends[0].title == "Military cooperation between Belarus and US will be very modest"


@pytest.mark.parametrize(
    "spoiled",
    [
        PAGE.replace("\n", "\r\n").encode(),
        PAGE.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + PAGE.encode(),
        PAGE.encode("utf-16"),
        PAGE.encode("cp1252"),
        PAGE.replace(" ", "\u00a0").encode(),
        PAGE.replace("\n", "  \t\n").encode(),
        PAGE.replace("\n\n", "\n\n\n \n").encode(),
        PAGE.rstrip("\n").encode(),
        PAGE.replace("header -->", "<!-- header -->").encode(),
        PAGE.replace("header -->", "-->").encode(),
        PAGE.replace("header -->\n\n", "").encode(),
        PAGE.replace("header -->\n\n", "header -->").encode(),
        PAGE.replace("Similar articles", "SIMILAR ARTICLES:").encode(),
        PAGE.replace("Recent trends", "Recent trends\n\n").encode(),
        PAGE.replace("newsletter\nThe", "newsletter: The").encode(),
        PAGE.replace("newsletter\nThe", "newsletterThe").encode(),
        PAGE.replace("Image: ", "IMAGE : ").encode(),
    ],
)
def test_the_same_page_in_another_dress_is_the_same_page(spoiled: bytes) -> None:
    assert parse_text_page(spoiled) == WHOLE


@pytest.mark.parametrize(
    ("lines", "category", "status"),
    [
        ("Category status:", None, None),
        ("Category status", None, None),
        ("Category status: tense", None, "tense"),
        ("CATEGORY STATUS : Tense", None, "Tense"),
        ("Category status:\ntense", None, "tense"),
        ("Category: Foreign policy", "Foreign policy", None),
        ("Category: Foreign policy  Status: tense", "Foreign policy", "tense"),
        ("Category: Foreign policy | Status: tense", "Foreign policy", "tense"),
        ("Category: Foreign policy, status: tense", "Foreign policy", "tense"),
        ("Category: Foreign policy\nStatus: tense", "Foreign policy", "tense"),
        ("Category: Foreign policy\nCategory status: tense", "Foreign policy", "tense"),
        ("Status: tense\nCategory: Foreign policy", "Foreign policy", "tense"),
        ("Category:  Status: ", None, None),
        ("Foreign policy status: tense", "Foreign policy", "tense"),
        ("Foreign policy status:", "Foreign policy", None),
        ("Статус категории: напряжённо", None, "напряжённо"),
        ("Категория: Политика  Статус: напряжённо", "Политика", "напряжённо"),
        ("Kategorie: Politik\nStatus: angespannt", "Politik", "angespannt"),
        ("**Category:** Foreign policy", "Foreign policy", None),
        ("Status: n/a", None, None),
    ],
)
def test_the_standing_line_is_read_in_its_forms(lines: str, category: str | None, status: str | None) -> None:
    article = read(PAGE.replace("Category status:", lines))

    assert (article.category, article.status) == (category, status)
    assert (article.title, article.published, article.text) == (ARTICLE.title, MOMENT, ARTICLE.text)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("26 September 2016", datetime(2016, 9, 26, tzinfo=UTC)),
        ("2016-09-26T10:28:00+03:00", datetime(2016, 9, 26, 10, 28, tzinfo=timezone(timedelta(hours=3)))),
        ("26.09.2016 10:28", MOMENT),
        ("Monday, 26 September 2016, 10:28", MOMENT),
        ("26 сентября 2016 г. 10:28", MOMENT),
        ("Published: Sept. 26th, 2016 at 10:28 am", MOMENT),
    ],
)
def test_the_date_line_is_read_in_its_forms(line: str, moment: datetime) -> None:
    assert read(PAGE.replace("September 26, 2016 10:28", line)) == Entry(
        ARTICLE.title,
        published=moment,
        image_credit="Port office",
        text=ARTICLE.text,
        similar=(SIMILAR,),
        trends=(TREND,),
    )


def test_a_page_without_a_date_has_none() -> None:
    article = read(PAGE.replace("September 26, 2016 10:28\n", ""))

    assert (article.published, article.image_credit, article.text) == (None, "Port office", ARTICLE.text)


def test_the_lines_of_the_head_may_stand_in_any_order() -> None:
    head = "Category status:\nSeptember 26, 2016 10:28\nImage: Port office"
    for order in (
        "Image: Port office\nSeptember 26, 2016 10:28\nCategory status:",
        "\n".join(reversed(head.split("\n"))),
    ):
        assert parse_text_page(PAGE.replace(head, order)) == WHOLE


def test_the_fields_may_stand_above_the_title() -> None:
    text = "September 26, 2016 10:28\nCategory: Sea\nHarbour reopens\n\nThe cranes turned."

    assert read(text) == Entry("Harbour reopens", published=MOMENT, category="Sea", text="The cranes turned.")


def test_a_status_above_the_title_is_told_from_a_title_of_that_form() -> None:
    above = read("Foreign policy status: tense\nHarbour reopens\nSeptember 26, 2016\n\nThe cranes turned.")
    title = read("Marital status: it is complicated\nSeptember 26, 2016\n\nThe cranes turned.")

    assert (above.title, above.category, above.status) == ("Harbour reopens", "Foreign policy", "tense")
    assert (title.title, title.status) == ("Marital status: it is complicated", None)


def test_sections_may_come_in_any_order() -> None:
    head, rest = PAGE.split("Similar articles")
    similar, rest = rest.split("Recent trends")
    trend, name = rest.split("Subscribe")
    similar, trend, name = f"Similar articles{similar}", f"Recent trends{trend}", f"Subscribe{name}\n"

    for order in ((head, name, trend, similar), (name, head, similar, trend), (trend, name, head, similar)):
        assert parse_text_page("\n".join(order)) == WHOLE


def test_an_article_below_a_section_is_known_by_its_category() -> None:
    similar = "Similar articles\n\nFerry timetable is cut\nOctober 02, 2017 11:49\n\nTwo boats stay.\n\n"
    page = parse_text_page(
        similar + "Harbour reopens\n\nCategory status:\nSeptember 26, 2016 10:28\n\nThe cranes turned."
    )

    assert [entry.title for entry in page.entries] == ["Harbour reopens"]
    assert [entry.title for entry in page.entries[0].similar] == ["Ferry timetable is cut"]


HEAD = "September 26, 2016 10:28\n"
CALL = "Subscribe to our newsletter\n"


@pytest.mark.parametrize(
    ("text", "titles", "first"),
    [
        (
            f"Subscribe to our newsletter\nHarbour reopens\n{HEAD}\nCranes turn.",
            ["Harbour reopens"],
            "Cranes turn.",
        ),
        (f"{CALL}{'Long ' * 30}name\nCranes turn.", ["Long " * 30 + "name"], "Cranes turn."),
        (f"Recent trends\nFreight falls\nHarbour reopens\n{HEAD}\nA.\n\nB.", ["Harbour reopens"], "A.\n\nB."),
        (
            f"Harbour reopens\n{HEAD}A.\n{CALL}The Weekly\nFerry is cut\n{HEAD}B.",
            ["Harbour reopens", "Ferry is cut"],
            "A.",
        ),
        (
            f"Foreign policy status: tense\n{HEAD}Image: A\nTalks go on.",
            ["Foreign policy status: tense"],
            "Talks go on.",
        ),
        (f"{'W' * 251}\n{HEAD}Talks go on.", [""], f"{'W' * 251}\n\nTalks go on."),
        (f"Recent trends: a survey\n{HEAD}Talks go on.", ["Recent trends: a survey"], "Talks go on."),
        (f"Talks\n{HEAD}\nImage: {'word ' * 50}end", ["Talks"], f"Image: {'word ' * 50}end"),
    ],
    ids=[
        "no name",
        "a name too long",
        "trends first",
        "two articles",
        "title like a status",
        "title too long",
        "title like a heading",
        "text like a field",
    ],
)
def test_what_looks_like_a_section_or_a_field_is_told_by_its_place(
    text: str, titles: list[str], first: str
) -> None:
    page = parse_text_page(text)

    assert [entry.title for entry in page.entries] == titles
    assert page.entries[0].text == first


def test_fields_above_a_similar_title_and_below_it_are_of_one_article() -> None:
    item = "Image: Ferry line\nFerry is cut\nOctober 02, 2017\nTwo boats stay."
    (similar,) = read(f"Talks\n{HEAD}They go on.\nSimilar articles\n{item}\n").similar

    assert (similar.title, similar.text, similar.image_credit) == (
        "Ferry is cut",
        "Two boats stay.",
        "Ferry line",
    )


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("Two boats stay\nImage: Ferry line\nShips wait.", "Two boats stay\n\nShips wait."),
        ("Two boats stay.\n\nMore boats\nImage: Ferry line", "Two boats stay.\n\nMore boats"),
    ],
)
def test_a_credit_does_not_make_a_title_of_the_text_above_it(item: str, text: str) -> None:
    (similar,) = read(f"Talks\n{HEAD}They go on.\nSimilar articles\nFerry is cut\n{item}\n").similar

    assert (similar.title, similar.text, similar.image_credit) == ("Ferry is cut", text, "Ferry line")


@pytest.mark.parametrize("between", ["\n", "   "])
def test_below_the_header_of_a_page_its_own_article_begins(between: str) -> None:
    page = parse_text_page(
        f"Similar articles\nFerry is cut\n\nheader -->{between}Harbour reopens\nCranes turn."
    )

    assert [entry.title for entry in page.entries] == ["Harbour reopens"]
    assert [entry.title for entry in page.entries[0].similar] == ["Ferry is cut"]


def test_sections_that_come_twice_are_one() -> None:
    similar = PAGE[PAGE.index("Similar") : PAGE.index("Recent")]

    assert parse_text_page(PAGE + "\n" + similar) == WHOLE


def test_a_section_without_items_gives_none() -> None:
    assert read("Harbour reopens\n\nThe cranes turned.\n\nSimilar articles\n\nRecent trends") == Entry(
        "Harbour reopens", text="The cranes turned."
    )


def test_similar_articles_are_told_apart_with_and_without_their_fields() -> None:
    text = """Harbour reopens

The cranes turned.

Similar articles

First has everything
October 02, 2017 11:49
Image: Ferry line

One paragraph.

Another paragraph.

Second has only a credit
Image: Ferry line

Its text is here.

Third has nothing at all

Its text is here too.

It has a second paragraph.

Fourth ends in a question?
2017-10-05

The last text.
"""
    similar = read(text).similar

    assert [entry.title for entry in similar] == [
        "First has everything",
        "Second has only a credit",
        "Third has nothing at all",
        "Fourth ends in a question?",
    ]
    assert [(entry.text or "").count("\n\n") for entry in similar] == [1, 0, 1, 0]
    assert [entry.image_credit for entry in similar] == ["Ferry line", "Ferry line", None, None]


def test_a_list_of_bare_titles_gives_an_article_each() -> None:
    text = (
        "Harbour reopens\n\nThe cranes turned.\n\nSimilar articles\n- Ferry timetable is cut\n-"
        " Pilots go on strike\n"
    )

    assert [entry.title for entry in read(text).similar] == ["Ferry timetable is cut", "Pilots go on strike"]


def test_several_trends_are_told_apart_by_a_credit_or_a_blank_line() -> None:
    text = (
        "Title here\n\nText.\n\nRecent trends\nRates fall again\nBy a tenth.\nImage:"
        " Exchange\nPilots are few\nToo few.\n\nFog\nOften."
    )
    trends = read(text).trends

    assert [(entry.title, entry.text) for entry in trends] == [
        ("Rates fall again", "By a tenth."),
        ("Pilots are few", "Too few."),
        ("Fog", "Often."),
    ]


def test_headings_inside_words_and_sentences_are_text() -> None:
    text = (
        "Recent trends in shipping\n\nSimilar articles were seen before.\n\nRecent trendsetters"
        " met.\n\nSubscribe to our cause."
    )

    assert read(text).title == "Recent trends in shipping"
    assert (read(text).text or "").count("\n\n") == 2


def test_a_date_in_the_text_stays_text_once_there_is_one() -> None:
    article = read("Chronicle\n\nSeptember 26, 2016\n\nIt began.\n\nSeptember 20, 2016\n\nIt ended.")

    assert article.published == datetime(2016, 9, 26, tzinfo=UTC)
    assert article.text == "It began.\n\nSeptember 20, 2016\n\nIt ended."


def test_a_page_that_begins_in_the_middle_of_a_text_has_no_title() -> None:
    page = parse_text_page(
        "and so " * 60 + "it went on.\n\nA last word.\n\nSubscribe to our newsletter\nThe Weekly"
    )

    assert (page.entries[0].title, page.title) == ("", "The Weekly")
    assert (page.entries[0].text or "").endswith("A last word.")


def test_a_page_of_sections_alone_gives_their_articles() -> None:
    page = parse_text_page(PAGE[PAGE.index("Recent trends") :])

    assert page == ParsedSource("page", "The Harbour Weekly", entries=(TREND,))


def test_lines_broken_at_the_margin_are_joined() -> None:
    text = (
        "Harbour reopens\n\nThe cranes turned again on Monday after a week in which no ship could\n"
        "be unloaded, and the crews were glad of it.\nA new line begins a paragraph."
    )

    assert (read(text).text or "").split("\n\n") == [
        (
            "The cranes turned again on Monday after a week in which no ship could be unloaded, and the"
            " crews were glad of it."
        ),
        "A new line begins a paragraph.",
    ]


def test_what_stands_below_the_publications_name_is_the_foot_of_the_page() -> None:
    page = parse_text_page(PAGE + "\nContacts\nPrivacy\n")

    assert page == WHOLE


@pytest.mark.parametrize(
    "data", [b"", b" \n\t\n", b"header -->\n-->\n", b"Category status:\nSeptember 26, 2016\n"]
)
def test_a_page_without_text_is_an_error_that_says_so(data: bytes) -> None:
    with pytest.raises(ParseError, match="no text"):
        parse_text_page(data)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("é".encode(), None, "é"),
        ("é".encode("latin-1"), None, "é"),
        ("“é”".encode("cp1252"), None, "“é”"),
        ("привет".encode("koi8-r"), "koi8-r", "привет"),
        ("é".encode(), "no-such-charset", "é"),
        ("é".encode("utf-16-be"), None, "é"),
        (b"\xfe\xff" + "é".encode("utf-16-be"), None, "é"),
    ],
)
def test_bytes_become_text_by_the_best_sign_there_is(data: bytes, charset: str | None, text: str) -> None:
    assert decode_text(data, charset) == text
