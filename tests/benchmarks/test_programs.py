"""The benchmark programs work, at sizes at which their figures mean nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from benchmarks.__main__ import MEASURES
from benchmarks.building import measure_building
from benchmarks.figures import Figure
from benchmarks.loopback import Trial
from benchmarks.mailing import Mailing, Usage
from benchmarks.servers import Sink
from tests.house.sources import ROOT

needs_postfix = pytest.mark.skipif(
    shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None,
    reason="Postfix's smtp-sink is not installed",
)


def test_a_figure_says_whether_its_bar_is_met() -> None:
    assert str(Figure("rate", 0.81, 0.8, "of it")) == "| rate | 0.81 of it | >= 0.8 of it | yes |  |"
    assert not Figure("cost", 26, 25, "%", "less").is_met


def test_a_block_about_the_reader_is_measured() -> None:
    (figure,) = measure_building(20, 1)

    assert figure.value > 0


@pytest.mark.parametrize("taken", [0, 2, 4])
def test_a_run_fails_where_the_sink_disagrees(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: object, **__: object) -> tuple[dict[str, int], Usage]:
        return {"sent": 3, "recipients": 3}, Usage(1, 1, 1)

    monkeypatch.setattr(Mailing, "send", send)
    monkeypatch.setattr(Mailing, "reset", lambda _: None)
    monkeypatch.setattr(Mailing, "reopen", lambda _: None)
    monkeypatch.setattr(Sink, "count", lambda _: taken)

    with pytest.raises(AssertionError, match=f"3 readers, but the sink took {taken}"):
        Trial(Mailing(ROOT, ""), Sink(1, ROOT), 3).send()


def test_every_measure_is_described() -> None:
    described = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    assert [name for name in MEASURES if f"`{name}`" not in described] == []


@needs_postfix
@pytest.mark.deep
@pytest.mark.parametrize("name", ["sqlite", "ledger", "dkim", "latency", "fixing"])
def test_a_measure_runs(name: str) -> None:
    small = ["--messages", "80", "--rounds", "1", "--recipients", "100"]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, *small],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    # 1 where a bar is missed, as it may be with 80 messages.
    assert done.returncode in {0, 1}
    assert done.stdout.count("\n") >= 3, done.stderr
