"""What may lie in the repository."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from tests.house.sources import ROOT, count_lines, list_files, list_modules

# Put together here so that this file does not hold what it looks for.
PLACES = ("wo" + "rk", "ro" + "ot", "t" + "mp", "ho" + "me")
MACHINE_PATHS = re.compile(rf"(?<![\w.:/~-])/(?:{'|'.join(PLACES)})/\w")
REGISTRIES = re.compile(
    "|".join(
        re.escape(needle)
        for needle in (
            "pypi" + ".org",
            "python" + "hosted.org",
            "npmjs" + ".org",
            "crates" + ".io",
            "proxy.golang" + ".org",
            "deb.debian" + ".org",
            "archive.ubuntu" + ".com",
            "maven" + ".org",
            "--index" + "-url",
            "--extra-index" + "-url",
            "--find" + "-links",
        )
    ),
    re.IGNORECASE,
)
BINARY_BYTES = 500_000
TESTS_TO_PROGRAM = 2.5
# A smaller program has fewer lines than the machines that watch it.
SMALL_PROGRAM = 3_000
LOCK = ROOT / "requirements.lock"


def get_package(requirement: str) -> str:
    """Return the name in a requirement such as `httpx2[brotli]>=2`."""
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


def find_leaks(text: str) -> list[str]:
    """Return the lines that name a place on the machine or a package registry."""
    return [line for line in text.splitlines() if MACHINE_PATHS.search(line) or REGISTRIES.search(line)]


def read_text(path: Path) -> str | None:
    """Return a file's text, or None for a binary file."""
    content = path.read_bytes()
    return None if b"\0" in content[:8192] else content.decode("utf-8", errors="replace")


def test_no_file_names_a_machine_or_a_registry() -> None:
    leaks = {
        path.relative_to(ROOT).as_posix(): found[:3]
        for path in list_files()
        if (text := read_text(path)) is not None and (found := find_leaks(text))
    }

    assert leaks == {}


def test_no_large_binary_is_kept() -> None:
    large = [path for path in list_files() if path.stat().st_size > BINARY_BYTES and read_text(path) is None]

    assert large == []


def test_nothing_made_at_run_time_is_kept() -> None:
    made = {".db", ".key", ".pyc", ".log", ".sqlite", ".whl"}

    assert [path for path in list_files() if path.suffix in made or path.name == "newsletter.toml"] == []


def test_tests_are_not_out_of_proportion(record_property: Callable[[str, object], None]) -> None:
    program = sum(map(count_lines, list_modules("newsletter")))
    tests = sum(map(count_lines, list_modules("tests")))
    record_property("figure", f"lines: newsletter {program}, tests {tests}, {tests / program:.2f} to 1")

    assert program < SMALL_PROGRAM or tests <= TESTS_TO_PROGRAM * program


def test_lock_holds_every_dependency_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {get_package(each) for each in [*project["project"]["dependencies"], *chain(*groups.values())]}

    pins = re.findall(r"^(\S+)==\S+.*?((?:\n +--hash=\S+.*)*)\n", LOCK.read_text("utf-8"), re.MULTILINE)

    assert asked - {name.partition("[")[0] for name, _ in pins} == set()
    assert [name for name, hashes in pins if "--hash=sha256:" not in hashes] == []


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "work/main",
        "open('/" + "tmp/x')",
        "-i https://pypi" + ".org/simple",
        "pip install --index" + "-url=x",
    ],
)
def test_a_leak_is_found(text: str) -> None:
    assert find_leaks(text) == [text]


def test_a_link_is_no_leak() -> None:
    assert find_leaks("https://example.org/" + "work/1 and pages/home/index and ~/" + "work/x") == []
