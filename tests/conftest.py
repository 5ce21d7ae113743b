"""What every test stands on; fixtures live in `tests/support/*_fixtures.py` and are found from here."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

# Kept under a name that is no setting: the workers of pytest-xdist inherit the environment, not the option.
if os.environ.get("NEWSLETTER_FORBID_SKIPS", "0") != "0":
    os.environ["FORBID_SKIPS"] = "1"

# An operator's own settings must not reach a test, nor a program that a test starts.
for _name in [name for name in os.environ if name.startswith("NEWSLETTER_")]:
    del os.environ[_name]

pytest_plugins = [
    f"tests.support.{path.stem}" for path in sorted(Path(__file__).parent.glob("support/*_fixtures.py"))
]

# The machine is shared: a slow example says nothing about the code.
hypothesis.settings.register_profile("slice", deadline=None, max_examples=25)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=200)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deep", action="store_true", help="run everything, no seeded slices")
    parser.addoption(
        "--forbid-skips",
        action="store_true",
        default="FORBID_SKIPS" in os.environ,
        help="a skipped test fails (also NEWSLETTER_FORBID_SKIPS=1)",
    )


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("deep" if config.getoption("--deep") else "slice")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave deep tests out of a plain run: deselected, so that they count as no skip."""
    if config.getoption("--deep"):
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    if deep:
        config.hook.pytest_deselected(items=deep)
        items[:] = [item for item in items if item not in deep]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where skips are forbidden; an expected failure is no skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--forbid-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips are forbidden: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself."""
    report = yield
    if report.skipped and collector.config.getoption("--forbid-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips are forbidden: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests report by `record_property("figure", text)`."""
    figures = [
        text
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for key, text in report.user_properties
        if key == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
        for figure in sorted(figures):
            terminalreporter.line(figure)


@pytest.fixture(scope="session")
def is_deep(pytestconfig: pytest.Config) -> bool:
    """Return whether this run takes whole ranges where a plain one takes a slice."""
    return bool(pytestconfig.getoption("--deep"))


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test in an empty directory, so that no database or settings file is found or left."""
    monkeypatch.chdir(tmp_path)
