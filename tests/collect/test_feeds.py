"""Feeds in XML, each fault of the wild in a feed of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.collect.alternates import find_feed_link
from newsletter.collect.charset import choose_charset
from newsletter.collect.clean import clean_entry
from newsletter.collect.feeds import parse_feed
from newsletter.collect.identity import canonical_url, identity_keys
from newsletter.content import Enclosure, Entry
from newsletter.errors import ParseError

MINSK = timezone(timedelta(hours=3))
RUSSIAN = "<rss version='2.0'><channel><item><title>Порт</title></item></channel></rss>"


def rss(item: str, channel: str = "", namespaces: str = "") -> bytes:
    return (
        f'<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"'
        f' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" {namespaces}>'
        f"<channel><title>The Feed</title>{channel}<item>{item}</item></channel></rss>"
    ).encode()


def atom(entry: str, feed: str = "", attributes: str = "") -> bytes:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}>'
        f"<title>The Feed</title>{feed}<entry>{entry}</entry></feed>"
    ).encode()


def read(data: bytes, location: str = "", **options: object) -> Entry:
    return parse_feed(data, location=location, **options).entries[0]  # type: ignore[arg-type]  # options by name


def test_an_item_of_rss_gives_every_part() -> None:
    entry = read(
        rss(
            "<title>Harbour &amp;amp; sea</title><link>https://e.example/1</link><guid"
            " isPermaLink='false'>id-1</guid>"
            "<pubDate>Mon, 26 Sep 2016 10:28:00 +0300</pubDate><author>ann@e.example (Ann Lee)</author>"
            "<category>Sea</category><category>News</category><description>A"
            " &lt;b&gt;short&lt;/b&gt; word</description>"
            "<content:encoded>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</content:encoded>"
            "<media:content url='https://e.example/1.jpg' medium='image'/>",
            "<language>en-GB</language>",
        )
    )

    assert entry == Entry(
        title="Harbour & sea",
        id="id-1",
        link="https://e.example/1",
        published=datetime(2016, 9, 26, 10, 28, tzinfo=MINSK),
        author="Ann Lee",
        category="Sea",
        categories=("Sea", "News"),
        summary="A short word",
        image="https://e.example/1.jpg",
        text="One.\n\nTwo.",
        html="<p>One.</p><p>Two.</p>",
        language="en-GB",
    )
    assert entry.published is not None
    assert entry.published.isoformat() == "2016-09-26T10:28:00+03:00"


def test_an_entry_of_atom_gives_every_part() -> None:
    feed = parse_feed(
        atom(
            '<title type="html">Harbour &amp;lt;b&amp;gt; &lt;i&gt;sea&lt;/i&gt;</title>'
            "<id>tag:e.example,2016:1</id>"
            '<link rel="self" href="/1.atom"/><link href="1"/>'
            "<published>2016-09-26T10:28:00+03:00</published>"
            "<updated>2016-09-27T10:28:00Z</updated><author><name>Ann</name></author><author><name>Bo</name></author>"
            '<category term="sea" label="The sea"/><summary>Short</summary>'
            '<content type="xhtml" xml:lang="de"><div xmlns="http://www.w3.org/1999/xhtml"><p>One.</p></div></content>',
            '<link href="https://e.example/"/>',
            'xml:base="https://e.example/news/" xml:lang="en"',
        )
    )
    entry = feed.entries[0]

    assert (feed.title, feed.link) == ("The Feed", "https://e.example/")
    assert (entry.title, entry.id, entry.link) == (
        "Harbour <b> sea",
        "tag:e.example,2016:1",
        "https://e.example/news/1",
    )
    assert entry.published == datetime(2016, 9, 26, 10, 28, tzinfo=MINSK)
    assert entry.updated == datetime(2016, 9, 27, 10, 28, tzinfo=UTC)
    assert (entry.author, entry.category, entry.summary) == ("Ann, Bo", "The sea", "Short")
    assert entry.text == "One."


def test_an_item_of_rdf_takes_its_one_date() -> None:
    data = b"""<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <channel rdf:about="https://e.example/"><title>T</title></channel>
    <item rdf:about="https://e.example/1"><title>A</title><link>https://e.example/1</link>
    <dc:date>2016-09-26T10:28+03:00</dc:date><dc:creator>Ann</dc:creator></item></rdf:RDF>"""
    entry = read(data)

    assert (entry.title, entry.link, entry.author) == ("A", "https://e.example/1", "Ann")
    assert entry.published == entry.updated == datetime(2016, 9, 26, 10, 28, tzinfo=MINSK)


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Plain", "Plain"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move"),
        ("<![CDATA[<em>Bold</em> &eacute;]]>", "Bold é"),
        ("1 &lt; 2 and 3 &gt; 2", "1 < 2 and 3 > 2"),
        ("How &lt;iframe&gt; works", "How <iframe> works"),
        (" two\n lines ", "two lines"),
        ("", ""),
        ("It&#8217;s", "It’s"),
        ("It&amp;#8217;s", "It’s"),
    ],
)
def test_titles_are_one_line_of_plain_text(written: str, title: str) -> None:
    assert read(rss(f"<title>{written}</title>")).title == title


@pytest.mark.parametrize(
    ("written", "location", "link"),
    [
        ("<link>https://e.example/1</link>", "", "https://e.example/1"),
        ("<link>/1</link>", "https://e.example/feed", "https://e.example/1"),
        ("<link>1</link>", "", "1"),
        ("<guid>https://e.example/1</guid>", "", "https://e.example/1"),
        ("<guid isPermaLink='false'>https://e.example/1</guid>", "", None),
        ("<guid>17</guid>", "https://e.example/feed", None),
        ("<link> https://e.example/1\n</link>", "", "https://e.example/1"),
        (
            "<link>https://e.example/1</link><atom:link href='https://e.example/2'/>",
            "",
            "https://e.example/1",
        ),
        ("<link>javascript:alert(1)</link>", "https://e.example/", "javascript:alert(1)"),
        ("", "https://e.example/", None),
    ],
)
def test_links_are_as_published_but_absolute(written: str, location: str, link: str | None) -> None:
    assert read(rss(f"<title>A</title>{written}"), location).link == link


def test_a_relative_link_in_rss_is_relative_to_the_site() -> None:
    data = rss("<title>A</title><link>/1</link>", "<link>https://site.example/</link>")

    assert read(data, "https://feeds.example/f.xml").link == "https://site.example/1"


def test_a_relative_link_in_atom_is_relative_to_the_document() -> None:
    data = atom('<title>A</title><link href="/1"/>', '<link href="https://site.example/"/>')

    assert read(data, "https://feeds.example/f.xml").link == "https://feeds.example/1"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Mon, 26 Sep 2016 10:28:00 +0300", datetime(2016, 9, 26, 10, 28, tzinfo=MINSK)),
        (
            "Mon, 26 Sep 2016 10:28:00 EST",
            datetime(2016, 9, 26, 10, 28, tzinfo=timezone(timedelta(hours=-5))),
        ),
        ("Mon, 26 Sep 2016 10:28:00", datetime(2016, 9, 26, 10, 28, tzinfo=ZoneInfo("Europe/Minsk"))),
        ("26.09.2016 10:28", datetime(2016, 9, 26, 10, 28, tzinfo=ZoneInfo("Europe/Minsk"))),
        ("2016-09-26", datetime(2016, 9, 26, tzinfo=ZoneInfo("Europe/Minsk"))),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_keep_their_offset_or_take_the_publications_zone(written: str, moment: datetime | None) -> None:
    entry = read(rss(f"<title>A</title><pubDate>{written}</pubDate>"), tz=ZoneInfo("Europe/Minsk"))

    assert entry.published == moment
    assert (entry.published and entry.published.utcoffset()) == (moment and moment.utcoffset())


def test_a_date_that_cannot_be_read_is_told() -> None:
    feed = parse_feed(rss("<title>A</title><pubDate>yesterday</pubDate>"))

    assert feed.problems == ("“A” has a date that cannot be read: yesterday",)


@pytest.mark.parametrize(
    ("written", "image"),
    [
        (
            "<media:content url='/v.mp4' type='video/mp4'/><media:thumbnail url='/t.png'/>",
            "https://e.example/t.png",
        ),
        ("<enclosure url='/e.jpg' type='image/jpeg' length='1'/>", "https://e.example/e.jpg"),
        ("<enclosure url='/e.mp3' type='audio/mpeg' length='1'/>", None),
        ("<itunes:image href='https://e.example/i.png'/>", "https://e.example/i.png"),
        ("<description>&lt;img alt='x' src='/d.png'&gt;</description>", "https://e.example/d.png"),
        (
            "<media:group><media:content url='https://e.example/g.webp'/></media:group>",
            "https://e.example/g.webp",
        ),
    ],
)
def test_the_image_is_the_named_one_or_the_first(written: str, image: str | None) -> None:
    assert read(rss(f"<title>A</title><link>https://e.example/1</link>{written}")).image == image


def test_the_words_of_a_picture_are_nothing_without_it() -> None:
    entry = read(rss("<title>A</title><link>https://e.example/1</link><media:credit>Ann</media:credit>"))

    assert (entry.image, entry.image_alt, entry.image_credit) == (None, None, None)


def test_relative_links_in_the_body_become_absolute_and_the_rest_stays() -> None:
    body = "&lt;p class='x'&gt;&lt;a href=\"/2\"&gt;two&lt;/a&gt; &lt;a href='#f'&gt;f&lt;/a&gt;&lt;/p&gt;"
    entry = read(rss(f"<title>A</title><link>https://e.example/1</link><description>{body}</description>"))

    assert entry.html == "<p class='x'><a href=\"https://e.example/2\">two</a> <a href='#f'>f</a></p>"


def test_text_that_is_not_html_keeps_its_signs() -> None:
    entry = read(
        atom('<title type="text">1 &lt; 2 &amp; &lt;b&gt;</title><content type="text">a &lt; b</content>')
    )

    assert (entry.title, entry.text) == ("1 < 2 & <b>", "a < b")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "koi8-r", "windows-1251"]
)
def test_encodings_are_found_by_mark_by_declaration_or_by_shape(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + RUSSIAN

    assert read(text.encode(encoding)).title == "Порт"


def test_the_charset_of_http_wins_unless_it_is_plainly_wrong() -> None:
    text = RUSSIAN

    assert read(text.encode("koi8-r"), charset="koi8-r").title == "Порт"
    assert read(text.encode(), charset="iso-8859-1").title == "Порт"
    assert read(text.encode(), charset="no-such").title == "Порт"
    assert choose_charset("é".encode("latin-1"), "iso-8859-1") == "iso-8859-1"
    assert choose_charset("é".encode(), "iso-8859-1") is None


def test_another_charset_than_the_declared_one_is_no_damage() -> None:
    feed = parse_feed(
        b"<?xml version='1.0' encoding='utf-8'?>" + rss("<title>Żółw</title>").decode().encode("latin2")
    )

    assert (len(feed.entries), feed.problems) == (1, ())


@pytest.mark.parametrize(
    ("more", "link"),
    [
        (
            '<id>urn:a</id><link rel="enclosure" href="/1.mp3"/><link rel="related" href="/1"/>',
            "https://e.example/1",
        ),
        (
            '<id>urn:a</id><link rel="edit" href="/1/edit"/><link rel="self" href="/1.atom"/>',
            "https://e.example/1.atom",
        ),
        ('<id>https://e.example/id</id><link type="text/pdf" href="/1.pdf"/>', "https://e.example/1.pdf"),
    ],
)
def test_an_entry_of_atom_without_a_page_has_the_next_best_link(more: str, link: str) -> None:
    assert read(atom(f"<title>A</title>{more}"), "https://e.example/feed").link == link


def test_links_of_a_body_begin_where_it_says_that_they_do() -> None:
    body = '<content type="html" xml:base="https://b.example/x/">&lt;a href="1"&gt;one&lt;/a&gt;</content>'
    entry = read(atom(f'<title>A</title><link href="/1"/>{body}'), "https://e.example/feed")

    assert entry.html == '<a href="https://b.example/x/1">one</a>'


def test_a_feed_that_is_cut_off_gives_what_is_there_and_says_so() -> None:
    data = rss("<title>A</title></item><item><title>B</title>")
    feed = parse_feed(data[: data.index(b"B</title>") + 9])

    assert [entry.title for entry in feed.entries] == ["A", "B"]
    assert len(feed.problems) == 1
    assert "the XML is damaged at line" in feed.problems[0]


def test_a_page_served_as_a_feed_is_an_error_that_names_the_feed() -> None:
    page = b"<!DOCTYPE html><html><link rel='alternate' type='application/rss+xml' href='/feed?a=1&amp;b=2'>"

    with pytest.raises(
        ParseError, match=r"is an HTML page, not a feed; the page names the feed https://e\.example/feed"
    ):
        parse_feed(page, location="https://e.example/")
    with pytest.raises(ParseError, match="is an HTML page, not a feed; add it as a page"):
        parse_feed(b"<html><body>Hello</body></html>")
    assert find_feed_link(page, "https://e.example/") == "https://e.example/feed?a=1&b=2"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a feed"),
        (b"hello", "is not a feed"),
        (b"<?xml version='1.0'?><svg/>", "is XML but not RSS, RDF or Atom"),
    ],
)
def test_what_is_no_feed_is_an_error_that_says_so(data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_feed(data)


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parse_feed(b"<rss version='2.0'><channel><title>T</title></channel></rss>").entries == ()


def test_external_entities_are_neither_read_nor_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    data = (
        f"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>"
        "<rss version='2.0'><channel><item><title>A &x; B</title></item></channel></rss>"
    )

    assert "the secret" not in repr(parse_feed(data.encode()))


def test_a_bomb_of_entities_stays_small() -> None:
    entities = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10))
    data = (
        f"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY e0 'ha'>{entities}]>"
        "<rss version='2.0'><channel><item><title>&e9;</title></item></channel></rss>"
    )
    begun = time.monotonic()
    feed = parse_feed(data.encode())

    assert time.monotonic() - begun < 3
    assert len(repr(feed)) < 10_000


@pytest.mark.parametrize("and_", ["&", "&#38;", "&#x26;"])
def test_entities_made_of_entities_are_not_read(and_: str) -> None:
    data = (
        f"<!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '{and_}a;{and_}a;'>]>"
        "<rss version='2.0'><channel><item><title>x&b;y</title></item></channel></rss>"
    )

    assert "haha" not in repr(parse_feed(data.encode()))


def test_an_entity_that_is_one_letter_is_read() -> None:
    data = (
        '<!DOCTYPE rss [<!ENTITY dash "&#8212;">]>'
        "<rss version='2.0'><channel><item><title>y&dash;z</title></item></channel></rss>"
    )

    assert read(data.encode()).title == "y—z"


def test_deep_nesting_is_read_in_bounded_time() -> None:
    data = b"<rss version='2.0'><channel><item><title>A</title><description>" + b"<b>" * 20_000
    begun = time.monotonic()
    parse_feed(data)

    assert time.monotonic() - begun < 10


def test_the_caption_of_a_picture_is_not_the_summary() -> None:
    media = 'xmlns:m="http://search.yahoo.com/mrss/"'
    caption = '<m:description type="plain">A desk</m:description>'
    entry = read(
        rss(
            f"<m:content url='https://e.example/1.jpg' medium='image'>{caption}</m:content>"
            "<description>What happened</description>",
            namespaces=media,
        )
    )
    video = read(rss(f"<m:group><m:title>Film</m:title>{caption}</m:group>", namespaces=media))

    assert (entry.summary, entry.text, entry.image_alt) == ("What happened", "What happened", "A desk")
    assert video.summary == "A desk"


def test_what_is_enclosed_is_told_with_its_type_and_size() -> None:
    entry = read(
        rss("<link>https://e.example/1</link><enclosure url='/1.mp3' type='audio/mpeg' length='12'/>"
            "<enclosure url='/2.mp3' length='x'/><category>Sea</category><category>News</category>")
    )  # fmt: skip

    assert entry.enclosures == (
        Enclosure("https://e.example/1.mp3", "audio/mpeg", 12),
        Enclosure("https://e.example/2.mp3"),
    )
    assert entry.categories == ("Sea", "News")


def test_a_named_picture_has_its_credit_and_the_text_it_has_in_the_body() -> None:
    item = (
        '<media:content url="http://a.example/ship.png" medium="image">'
        '<media:credit role="photographer">Ann Ode</media:credit></media:content>'
        '<description>&lt;img src="http://a.example/ship.png" alt="A ship"&gt;</description>'
    )
    feed = (
        '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title>'
        f"<item><title>One</title>{item}</item></channel></rss>"
    )

    entry = parse_feed(feed.encode()).entries[0]

    assert (entry.image, entry.image_alt, entry.image_credit) == (
        "http://a.example/ship.png",
        "A ship",
        "Ann Ode",
    )


@pytest.mark.parametrize("own", ["https://e.example/own", "javascript:alert(1)", "mailto:a@e.example", ""])
def test_an_article_behind_feedburner_has_its_own_address(own: str) -> None:
    item = f"<item><link>https://feedproxy.example/~r/1</link><fb:origLink>{own}</fb:origLink></item>"
    feed = (
        '<rss version="2.0" xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0"><channel><title>T</title>'
        f"{item}</channel></rss>"
    )
    (entry,) = parse_feed(feed.encode()).entries
    there = own if own.startswith("https") else "https://feedproxy.example/~r/1"

    assert entry.link == "https://feedproxy.example/~r/1"
    assert clean_entry(entry).link == there
    assert identity_keys(entry, source="1")[-1] == f"link:{canonical_url(there)}"
