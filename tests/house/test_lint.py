"""Lint, format and types, and a reason beside every exception from them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.house.sources import ROOT, clean_environment, list_files

# A code, then words: `
BARE_NOQA = re.compile(r"#\s*noqa\b(?!: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \w.* .)")
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore\b(?!\[[\w, -]+\]\s+# \w.* .)")
BARE_PRAGMA = re.compile(r"#\s*pragma:\s*no (cover|branch)\b(?! - \w.* .)")


def run_tool(*arguments: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=clean_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def find_bare_exceptions(text: str) -> list[str]:
    patterns = (BARE_NOQA, BARE_IGNORE, BARE_PRAGMA)
    return [line.strip() for line in text.splitlines() if any(pattern.search(line) for pattern in patterns)]


def test_ruff_finds_nothing() -> None:
    run_tool("ruff", "check", "--no-fix", ".")


def test_ruff_would_format_nothing() -> None:
    run_tool("ruff", "format", "--check", ".")


@pytest.mark.timeout(300)
def test_mypy_finds_nothing() -> None:
    run_tool("mypy", ".")


def test_every_exception_from_a_rule_has_a_reason() -> None:
    this = ROOT / "tests/house/test_lint.py"
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in list_files()
        if path.suffix == ".py" and path != this
        if (lines := find_bare_exceptions(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_every_rule_that_is_off_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.isort]")]

    codes = [line for line in section.splitlines() if re.match(r'  "[A-Z]+[0-9]*",', line)]

    assert len(codes) > 10
    assert [line for line in codes if not re.search(r"# \w+.* .|# the same", line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: E501",
        "x = 1  # type: ignore",
        "x = 1  # type: ignore[assignment]",
        "x = 1  # pragma: no cover",
    ],
)
def test_an_exception_without_a_reason_is_found(line: str) -> None:
    assert find_bare_exceptions(line) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: BLE001, S110 - one bad feed never stops the rest",
        "x = 1  # type: ignore[assignment]  # premailer has no types",
        "x = 1  # pragma: no cover - only on a full disk",
    ],
)
def test_an_exception_with_a_reason_passes(line: str) -> None:
    assert find_bare_exceptions(line) == []
