"""Pages read in a process with limits: the same articles, and none that keeps or fills this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from newsletter.collect.detect import parse_source
from newsletter.collect.extraction import READY, Extracted, PageJob, extract, read_answer
from newsletter.content import ParsedSource
from newsletter.errors import ParseError
from newsletter.publishing.extraction import PageReader
from newsletter.publishing.sources import NewSource, add_source, check_sources
from tests.publishing.test_following import NAMES, TEXT, make_desk_with, serve_list, serve_page, titles
from tests.support.feed_server import wait_until
from tests.support.publishing_builders import NOW, Desk, Item

GOOD = PageJob(
    "<html lang='en'><head><title>Cranes turn again</title><meta name='author' content='Ann Ode'>"
    f"<meta name='keywords' content='port, cranes'></head><article><p>{TEXT}</p></article></html>",
    "https://post.example/2026/11/cranes",
)
SLOW = "<html><body><article>" + "<p>w <a href=/x>aa</a> b</p><ul><li>k</li></ul>" * 10_000
"""trafilatura would take more than three seconds for it."""
LARGE = "<html><body>" + "<p><b>x</b> <i>y</i>" * 300_000
"""It would need 600 MB."""


ODD = [json.dumps(asdict(Extracted()) | each).encode() for each in ({"text": 1}, {"categories": [1]})]


@pytest.fixture
def reader() -> Iterator[PageReader]:
    found = PageReader(cpu_seconds=1, memory=300 << 20)
    yield found
    found.end()


def list_children() -> list[int]:
    return list(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def test_a_page_read_apart_is_what_it_is_here(reader: PageReader) -> None:
    assert reader.extract(GOOD) == extract(GOOD)
    assert extract(GOOD).author == "Ann Ode"
    assert reader.extract(PageJob(" ")) == Extracted()


def test_one_process_reads_page_after_page_and_ends_when_told(reader: PageReader) -> None:
    before = set(list_children())
    reader.extract(GOOD)
    begun = set(list_children()) - before
    reader.extract(GOOD)

    assert len(begun) == 1
    assert set(list_children()) - before == begun
    reader.end()
    assert set(list_children()) == before


def test_the_process_ends_in_peace_with_whoever_asked() -> None:
    command = [sys.executable, "-m", "newsletter.collect.extraction", "10", str(1 << 30)]
    ended = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, READY, b"")


def test_a_page_that_keeps_it_busy_is_an_error_and_the_next_is_read(reader: PageReader) -> None:
    with pytest.raises(ParseError, match="more than a page may: 1 seconds of work or 300 MiB; add"):
        reader.extract(PageJob(SLOW))
    assert reader.extract(GOOD).title == "Cranes turn again"


def test_a_page_that_keeps_it_busy_is_not_tried_twice(
    reader: PageReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    (tmp_path / "sitecustomize.py").write_text(f"open({str(started)!r}, 'a').write('x')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    reader.extract(GOOD)
    with pytest.raises(ParseError, match="more than a page may"):
        reader.extract(PageJob(SLOW))

    assert started.read_text() == "x"


def test_a_page_that_grows_is_an_error_and_the_next_is_read() -> None:
    reader = PageReader(cpu_seconds=60, memory=260 << 20)
    reader.extract(GOOD)
    with pytest.raises(ParseError, match="took more than a page may"):
        reader.extract(PageJob(LARGE))
    assert reader.extract(GOOD).title == "Cranes turn again"
    reader.end()


def test_a_page_that_takes_long_by_the_clock_is_an_error() -> None:
    reader = PageReader(seconds=0.5, cpu_seconds=60)
    with pytest.raises(ParseError, match="took more than a page may"):
        reader.extract(PageJob(SLOW))
    reader.end()


def test_the_process_has_so_much_memory_and_no_more(reader: PageReader) -> None:
    before = set(list_children())
    reader.extract(GOOD)
    (child,) = set(list_children()) - before

    assert f"{300 << 20} " in re.findall("Max address space.*", Path(f"/proc/{child}/limits").read_text())[0]


def test_a_process_that_ended_meanwhile_is_not_the_pages_fault(reader: PageReader) -> None:
    before = set(list_children())
    reader.extract(GOOD)
    (child,) = set(list_children()) - before
    os.kill(child, 9)

    assert reader.extract(GOOD).title == "Cranes turn again"


def test_an_unused_process_ends_by_itself(
    reader: PageReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import signal; alarm = signal.alarm; signal.alarm = lambda seconds: alarm(min(seconds, 1))"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    before = set(list_children())
    reader.extract(GOOD)
    (child,) = set(list_children()) - before

    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    assert wait_until(lambda: os.waitid(os.P_PID, child, flags) is not None, 30)
    assert reader.extract(GOOD).title == "Cranes turn again"


def test_secrets_of_this_process_do_not_reach_it(
    reader: PageReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "spied"
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "s3cret")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "sitecustomize.py").write_text(
        f"import os; open({str(spy)!r}, 'w').write(repr(dict(os.environ)))", encoding="utf-8"
    )

    reader.extract(GOOD)

    assert "s3cret" not in spy.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b"[1]", b'{"text": 1, "categories": []}', b'{"categories": [], "evil": 1}', b"\xff", *ODD],
)
def test_an_answer_of_a_process_that_was_taken_over_is_refused(answer: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_answer(answer)


def test_a_program_that_is_not_whole_says_so(reader: PageReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(ParseError, match="did not start"):
        reader.extract(GOOD)


def test_no_use_case_reads_a_page_in_its_own_process(
    collecting_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    desk, server = collecting_desk, make_desk_with(collecting_desk)
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text(GOOD.source)
    url = serve_page(server, "b", "Ferry is cut")

    places = [str(folder), str(folder / "a.html"), url]
    checked = list(check_sources(desk.settings, places, kind=None, base=None))
    for place, kind in ((str(folder), "folder"), (url, "page")):
        add_source(desk.database, desk.settings, None, NewSource(place, kind=kind), now=NOW)  # type: ignore[arg-type] # both are kinds
    report = desk.collect()

    assert [problem for found in checked for problem in found["problems"]] == []
    assert (report.new, report.failed) == (2, [])


def test_a_source_that_breaks_its_reader_stops_no_other(
    collecting_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = collecting_desk
    urls = [desk.serve(Item(f"Report {path}"), path=path) for path in ("/a.xml", "/b.xml")]

    def fall(data: bytes, **options: Any) -> ParsedSource:  # noqa: ANN401 - as parse_source has them
        if b"/a.xml" in data:
            raise RecursionError("so deep")
        return parse_source(data, **options)

    monkeypatch.setattr("newsletter.publishing.reading.parse_source", fall)
    for url in urls:
        desk.add_source(url)
    report = desk.collect()

    assert report.new == 1
    assert report.failed == [
        {
            "source": urls[0],
            "error": f"{urls[0]} could not be read (RecursionError: so deep); please report it",
        }
    ]


def test_a_page_that_cannot_be_read_is_said_on_its_source_and_stops_no_other(
    collecting_desk: Desk, reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.publishing.reading.extract_apart", reader.extract)
    desk, server = collecting_desk, make_desk_with(collecting_desk)
    desk.settings = desk.settings.model_copy(update={"fetch_max_bytes": 1_000_000})
    for name in NAMES:
        serve_page(server, name, name)
    serve_page(server, NAMES[0], NAMES[0], SLOW)
    url = serve_list(server, *NAMES)
    desk.add_source(url, kind="page")

    report = desk.collect()

    assert (report.new, report.failed) == (3, [])
    assert titles(desk) == sorted(NAMES[1:])
    assert f"{NAMES[0]} took more than a page may" in str(desk.get_source(url).last_error)
