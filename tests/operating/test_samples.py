"""What the placeholders of the sample publication turn into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from newsletter.operating.demo.samples import Sample, fill, list_samples, read_sample

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2016, 9, 28, 13, 28, 5, tzinfo=UTC)
BASE = "http://127.0.0.1:8100"


@pytest.mark.parametrize(
    ("placeholder", "expected"),
    [
        ("{{base}}/images/ferry.png", "http://127.0.0.1:8100/images/ferry.png"),
        ("{{date:rfc822:-2d3h}}", "Mon, 26 Sep 2016 10:28:05 +0000"),
        ("{{date:iso:-9d}}", "2016-09-19T13:28:05+00:00"),
        ("{{date:iso:-90m}}", "2016-09-28T11:58:05+00:00"),
        ("{{date:page:-2d3h}}", "September 26, 2016 10:28"),
        ("{{date:page:-26d}}", "September 02, 2016 13:28"),
        ("{{date:day:-26d}}", "2 September"),
        ("{{ date:weekday:-2d }}", "Monday"),
    ],
)
def test_a_placeholder_becomes_a_moment_before_the_start_or_the_address_of_the_server(
    placeholder: str, expected: str
) -> None:
    assert fill(placeholder, now=NOW, base=BASE) == expected


def test_dates_carry_the_offset_of_the_publication() -> None:
    vilnius = NOW.astimezone(ZoneInfo("Europe/Vilnius"))
    assert fill("{{date:iso:-1h}}", now=vilnius, base=BASE) == "2016-09-28T15:28:05+03:00"


def test_a_slash_at_the_end_of_the_address_is_not_doubled() -> None:
    assert fill("{{base}}/a", now=NOW, base=BASE + "/") == f"{BASE}/a"


def test_text_without_placeholders_stays_as_it_is() -> None:
    assert fill("{ a } {b} }}", now=NOW, base=BASE) == "{ a } {b} }}"


@pytest.mark.parametrize(
    "placeholder",
    [
        "{{}}",
        "{{bass}}",
        "{{date:iso:2d}}",
        "{{date:iso:-}}",
        "{{date:iso:-2}}",
        "{{date:julian:-2d}}",
        "{{date:iso:-3h2d}}",
    ],
)
def test_a_placeholder_that_is_not_known_is_refused_by_name(placeholder: str) -> None:
    with pytest.raises(ValueError, match="unknown placeholder"):
        fill(placeholder, now=NOW, base=BASE)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        fill("", now=NOW.replace(tzinfo=None), base=BASE)


def test_only_what_the_server_can_name_is_listed_and_in_order(tmp_path: Path) -> None:
    for name in ("sources/notes/b.txt", "sources/a.xml", "images/c.png", "sources/.d.swp", "README.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    listed = list_samples(tmp_path)
    assert [sample.path for sample in listed] == ["images/c.png", "sources/a.xml", "sources/notes/b.txt"]
    assert listed[0] == Sample("images/c.png", "image/png", is_template=False)
    assert listed[1].is_template


def test_templates_are_filled_when_read_and_pictures_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é {{base}}", encoding="utf-8")
    (tmp_path / "b.png").write_bytes(b"\x89{{base}}")
    template = Sample("a.txt", "text/plain", is_template=True)
    picture = Sample("b.png", "image/png", is_template=False)
    assert read_sample(tmp_path, template, now=NOW, base=BASE) == f"é {BASE}".encode()
    assert read_sample(tmp_path, picture, now=NOW, base=BASE) == b"\x89{{base}}"
