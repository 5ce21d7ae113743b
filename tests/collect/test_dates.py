"""Dates of feeds and of pages."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from newsletter.collect.dates import parse_date, parse_date_line
from tests.collect.corpus import list_items


@pytest.mark.parametrize(
    ("line", "iso"),
    [
        ("September 26, 2016 10:28", "2016-09-26T10:28:00+00:00"),
        ("Sep 26 2016", "2016-09-26T00:00:00+00:00"),
        ("26 September 2016, 10:28", "2016-09-26T10:28:00+00:00"),
        ("26.9.2016 10:28", "2016-09-26T10:28:00+00:00"),
        ("26/09/2016", "2016-09-26T00:00:00+00:00"),
        ("09/26/2016", "2016-09-26T00:00:00+00:00"),
        ("2016-09-26 10:28:30.5", "2016-09-26T10:28:30.500000+00:00"),
        ("2016/09/26 10:28 +0300", "2016-09-26T10:28:00+03:00"),
        ("26 September 2016 10:28 PM EST", "2016-09-26T22:28:00-05:00"),
        ("26 September 2016 12:05 am", "2016-09-26T00:05:00+00:00"),
        ("26 September 2016 10:28 UTC+3", "2016-09-26T10:28:00+03:00"),
        ("Понедельник, 26 сентября 2016 года, 10:28", "2016-09-26T10:28:00+00:00"),
        ("26 верасня 2016", "2016-09-26T00:00:00+00:00"),
        ("26. März 2016, 10:28 Uhr", "2016-03-26T10:28:00+00:00"),
        ("26 de septiembre de 2016", "2016-09-26T00:00:00+00:00"),
        ("1er août 2016 à 10h28", "2016-08-01T10:28:00+00:00"),
        ("Date: 26 Sep 2016", "2016-09-26T00:00:00+00:00"),
        ("In September 2016", None),
        ("September 2016", None),
        ("May 5, 2016 we met", None),
        ("31 February 2016", None),
        ("26 September 2016 25:00", None),
        ("26 September 2016 10:28 +24:00", None),
        ("26 Harbour 2016", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_line_that_is_a_date_is_read_and_no_other(line: str, iso: str | None) -> None:
    moment = parse_date_line(line)

    assert (moment and moment.isoformat()) == iso


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Mon, 26 Sep 2016 10:28:00 +0300", "2016-09-26T10:28:00+03:00"),
        ("Mon, 26 Sep 2016 10:28:00 -01:30", "2016-09-26T10:28:00-01:30"),
        ("Mon, 26 Sep 2016 10:28:00 PDT", "2016-09-26T10:28:00-07:00"),
        ("26 Sep 16 10:28 GMT", "2016-09-26T10:28:00+00:00"),
        ("Mon Sep 26 2016 10:28:00 GMT+0300 (Moscow Standard Time)", "2016-09-26T10:28:00+03:00"),
        ("2016-09-26T24:00:00Z", "2016-09-27T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
        ("2016-09", "2016-09-01T00:00:00+00:00"),
        ("2016-09-26T10:28Z", "2016-09-26T10:28:00+00:00"),
        ("20160926T102800Z", "2016-09-26T10:28:00+00:00"),
        ("9999-12-31T24:00:00Z", None),
        ("Mon, 26 Sep 2016 25:10:00 GMT", "2016-09-26T00:00:00+00:00"),
        ("Mon, 26 Sep 2016 24:00:00 GMT", "2016-09-27T00:00:00+00:00"),
        ("Fri, 31 Mar 2023 20:19:00 America/Los_Angeles", "2023-03-31T20:19:00-07:00"),
        ("Fri, 31 Mar 2023 20:19:00 Europe/Nowhere", "2023-03-31T20:19:00+00:00"),
        ("1520932969", "2018-03-13T09:22:49+00:00"),
        ("1520932969000", "2018-03-13T09:22:49+00:00"),
        ("March 30 2020 07:02:38 PM", "2020-03-30T19:02:38+00:00"),
        ("Nov. 2020", "2020-11-01T00:00:00+00:00"),
        ("2003-12-31T25:14:55Z", None),
        ("22013", None),
        ("soon", None),
        ("x" * 1000, None),
        ("Mon, 26 Sep 2016 10:28:00 GMT" + " x" * 80, None),
    ],
)
def test_the_dates_of_feeds_keep_their_offset(text: str, iso: str | None) -> None:
    moment = parse_date(text)

    assert (moment and moment.isoformat()) == iso


def test_without_an_offset_the_zone_is_the_publications() -> None:
    zone = ZoneInfo("Europe/Vilnius")

    assert parse_date("2016-07-01T10:00:00", zone) == datetime(2016, 7, 1, 7, tzinfo=UTC)
    assert parse_date("Fri, 01 Jan 2016 10:00:00", zone) == datetime(2016, 1, 1, 8, tzinfo=UTC)
    assert parse_date_line("1 January 2016 10:00", zone) == datetime(2016, 1, 1, 8, tzinfo=UTC)


def test_most_dates_that_readers_have_met_are_read_as_they_read_them() -> None:
    wrong = 0
    items = [
        item
        for item in list_items("hostile-feed-dates")
        if item.get("expected") and len(item["expected"]) == 20
    ]
    for item in items:
        moment = parse_date(item["date"])
        wrong += moment is None or moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") != item["expected"]

    assert wrong <= 0.05 * len(items)
