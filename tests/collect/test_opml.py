"""Lists of feeds, in and out."""

from __future__ import annotations

import pytest

from newsletter.collect.opml import Subscription, parse_opml, write_opml
from newsletter.errors import ParseError
from tests.collect.corpus import list_cases

LIST = [
    Subscription("https://e.example/1?a=1&b=2", 'A & "B" <c>', "Порт"),
    Subscription("https://e.example/map.xml", "Map", "Порт", "sitemap"),
    Subscription("https://e.example/2"),
]


def test_what_is_written_is_read_back() -> None:
    assert parse_opml(write_opml("Mine\x00", LIST), name="x") == LIST


def test_the_folder_that_a_feed_lies_in_is_its_category() -> None:
    data = (
        b"<opml><body><outline text='News'><outline text='Sea'><outline text='A' xmlUrl='https://e.example/a'/>"
        b"</outline><outline text='B' xmlUrl='https://e.example/b'/></outline>"
        b"<outline text='C' xmlUrl='https://e.example/c' category='/Land/Hills'/></body></opml>"
    )

    assert [each.category for each in parse_opml(data, name="x")] == ["Sea", "News", "Hills"]


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "utf-16"])
def test_letters_survive_whatever_they_are_written_in(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?><opml><outline text='Порт' xmlUrl='https://e.example/'/></opml>"

    assert [each.title for each in parse_opml(text.encode(encoding), name="x")] == ["Порт"]


def test_entities_that_a_list_declares_are_not_read() -> None:
    bomb = (
        b"<?xml version='1.0'?><!DOCTYPE o [<!ENTITY a 'aaaaaaaaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>"
        b"<!ENTITY c SYSTEM 'file:///etc/passwd'>]><opml><outline text='&b;&c;' xmlUrl='https://e.example/'/></opml>"
    )

    assert parse_opml(bomb, name="x") == [Subscription("https://e.example/", "&b;&c;")]


@pytest.mark.parametrize("data", [b"", b"no list", b"<html><body>A page</body></html>", b"\x00\xff\x01"])
def test_what_is_no_list_is_an_error_that_names_it(data: bytes) -> None:
    with pytest.raises(ParseError, match=r"mine\.opml is not a list of feeds"):
        parse_opml(data, name="mine.opml")


def test_lists_of_the_wild_are_read_as_listparser_reads_them() -> None:
    import listparser

    cases = [path for path, _ in list_cases("opml-listparser")]
    for path in cases:
        theirs = listparser.parse(path.read_bytes())["feeds"]
        try:
            ours = parse_opml(path.read_bytes(), name=path.name)
        except ParseError:
            ours = []
        named = [(each.location, each.title or "") for each in ours]

        assert named == [(each["url"], each["title"]) for each in theirs], path.name
        assert sorted(parse_opml(write_opml("t", ours), name="x"), key=repr) == sorted(ours, key=repr)
    assert len(cases) > 50
