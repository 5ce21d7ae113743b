"""What is the same article: pairs, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.collect.identity import canonical_url, identify, identity_keys, match, without_tracking
from newsletter.collect.proxies import unwrap
from newsletter.content import Entry

DAY = datetime(2016, 9, 26, 10, tzinfo=UTC)
ONE = Entry("Harbour reopens", id="id-1", link="https://e.example/news/1", published=DAY)
PAGE = Entry("Harbour reopens", published=DAY, text="The cranes turned.")


def reason(first: Entry, second: Entry, source: str = "1") -> str | None:
    """Why the second is taken for the first; None where it is not."""
    known = dict.fromkeys(identity_keys(first, source="1"), 7)
    found = match(identity_keys(second, source=source), known)
    return found.reason if found.article == 7 else None


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (ONE, "it has the same id"),
        (replace(ONE, title="Harbour reopens at last", text="edited"), "it has the same id"),
        (replace(ONE, link="https://e.example/moved"), "it has the same id"),
        (replace(ONE, id="id-2"), "it has the same address and title"),
        (replace(ONE, id=None), "it has the same address and title"),
        (replace(ONE, id="id-2", title="Harbour open again"), "it has the same address and day"),
        (replace(ONE, id="id-2", link="http://www.e.example/news/1/"), "it has the same address and title"),
        (
            replace(ONE, id="id-2", link="https://e.example/news/1?utm_source=rss#c"),
            "it has the same address and title",
        ),
        (replace(ONE, id="id-2", link="https://e.example/news/1/amp/"), "it has the same address and title"),
        (
            replace(ONE, id="id-2", link="https://proxy.example/~r/x/9"),
            "it has the same title on the same day",
        ),
        (
            replace(ONE, title="HARBOUR – reopens!", id=None, link=None),
            "it has the same title on the same day",
        ),
    ],
)
def test_the_same_article_is_known_again(second: Entry, why: str) -> None:
    assert reason(ONE, second) == why


@pytest.mark.parametrize(
    "second",
    [
        Entry("Ferry is cut", id="id-2", link="https://e.example/news/2", published=DAY),
        replace(ONE, id="id-2", title="Another", published=DAY + timedelta(days=3)),
        replace(ONE, id="id-2", link="https://e.example/news/2", published=DAY + timedelta(days=7)),
        Entry("Another", published=DAY),
    ],
)
def test_another_article_is_another(second: Entry) -> None:
    assert reason(ONE, second) is None


def test_an_entry_without_an_id_is_known_by_its_address_alone() -> None:
    first = replace(ONE, id=None)
    edited = replace(first, title="Harbour open again", published=DAY + timedelta(days=1))

    assert reason(first, edited) == "it has the same address"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/url?rct=j&sa=t&url=https%3A%2F%2Fe.example%2Fnews%2F1&ct=ga",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fe.example%2Fnews%2F1&h=x",
        "https://www.bing.com/news/apiclick.aspx?ref=x&url=https%3a%2f%2fe.example%2fnews%2f1",
        "https://t.umblr.com/redirect?z=https%3A%2F%2Fe.example%2Fnews%2F1&t=x",
        "https://cdn.ampproject.org/c/s/e.example/news/1",
        "https://e-example.cdn.ampproject.org/v/s/e.example/news/1/amp?usqp=mq",
        "https://www.google.com/amp/s/e.example/news/1",
        "http://go.e.example/feed/www.e.example/news/1",
    ],
)
def test_a_service_that_leads_on_is_no_address_of_its_own(link: str) -> None:
    assert reason(ONE, replace(ONE, id="id-2", link=link)) in {
        "it has the same address and title",
        "it has the same title on the same day",
    }
    assert canonical_url(link).removesuffix("?usqp=mq") == "e.example/news/1"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/search?q=https://e.example/1",
        "https://e.example/url?url=https://other.example/",
        "https://www.google.com/url?url=javascript:alert(1)",
        "https://www.google.com/url?" + "&".join(f"url={number}" for number in range(200)),
        "ftp://go.e.example/feed/www.e.example/news/1",
        "http://[",
    ],
)
def test_an_address_that_leads_nowhere_else_stays(link: str) -> None:
    assert unwrap(link) == link


def test_parameters_that_only_track_are_taken_out_of_a_link() -> None:
    assert (
        without_tracking("https://e.example/1?utm_source=x&a=%20b&gclid=1#t")
        == "https://e.example/1?a=%20b#t"
    )
    assert without_tracking("https://e.example/1?source=x") == "https://e.example/1?source=x"
    assert without_tracking("https://e.example/1?utm_source=x") == "https://e.example/1"


def test_ids_count_within_their_source_only() -> None:
    assert reason(Entry("A", id="17", published=DAY), Entry("B", id="17", published=DAY), source="2") is None


def test_an_address_used_as_an_id_may_change_its_scheme() -> None:
    first = Entry("A", id="http://www.e.example/1/", published=DAY)

    assert reason(first, Entry("B", id="https://e.example/1")) == "it has the same id"
    assert reason(first, Entry("B", id="https://e.example/1#2")) is None


def test_a_page_without_an_address_is_known_by_title_and_day() -> None:
    assert reason(PAGE, replace(PAGE, text="edited")) == "it has the same title on the same day"
    assert (
        reason(replace(PAGE, published=None), replace(PAGE, published=None))
        == "it has the same title, and no date"
    )
    assert reason(PAGE, replace(PAGE, published=DAY + timedelta(days=1))) is None


def test_a_file_is_the_same_article_edited_and_renamed_but_not_reused() -> None:
    first = replace(PAGE, id="file:a.txt")

    assert reason(first, replace(first, title="Harbour open again")) == "it has the same id"
    assert reason(first, replace(first, id="file:b.txt")) == "it has the same title on the same day"
    assert reason(first, replace(first, title="Next week", published=DAY + timedelta(days=7))) is None


def count(*entries: Entry) -> int:
    """How many articles a document's entries are."""
    known: dict[str, int] = {}
    articles = 0
    for keys in identify(entries, source="1"):
        found = match(keys, known).article
        articles += found is None
        known |= dict.fromkeys(keys, articles if found is None else found)
    return articles


def test_articles_that_share_their_address_are_two() -> None:
    home = [Entry(f"Note {n}", link="https://e.example/", published=DAY) for n in range(2)]
    page = [Entry(f"Note {n}", link="https://e.example/notes", published=DAY) for n in range(2)]

    assert (count(*home), count(*page)) == (2, 2)


def test_articles_that_share_their_id_or_title_are_two() -> None:
    ids = [Entry(f"Note {n}", id="same", link=f"https://e.example/{n}", published=DAY) for n in range(2)]
    titles = [Entry("Photo", id=f"{n}", link=f"https://e.example/{n}", published=DAY) for n in range(2)]

    assert (count(*ids), count(*titles)) == (2, 2)


def test_an_article_that_comes_twice_in_one_feed_is_one() -> None:
    assert count(ONE, ONE, replace(ONE, title="Harbour open again")) == 1


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://E.example/a?b=1&a=2", "e.example/a?a=2&b=1"),
        ("http://m.e.example:80/a/index.html", "e.example/a"),
        ("https://e.example:8443/a", "e.example:8443/a"),
        ("https://e.example/a%2Fb/%7Ec", "e.example/a/b/~c"),
        ("https://e.example/?p=12", "e.example?p=12"),
        ("https://e.example/#!/news/1", "e.example#!/news/1"),
        ("https://e.example/a?source=rss&fbclid=x&id=1", "e.example/a?id=1"),
        ("https://e.example/a?source=agency", "e.example/a?source=agency"),
        ("https://amp.e.example/a.amp.html", "e.example/a.html"),
        ("https://www.example/a", "www.example/a"),
        ("tag:e.example,2016:1", "tag:e.example,2016:1"),
        ("http://[", "http://["),
    ],
)
def test_addresses_are_reduced_to_what_tells_them_apart(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
