"""The program starts as a process of its own, and its lines are measured there too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import typer
from typer.core import TyperGroup

from docs.reference import iterate_commands
from newsletter.cli import app
from tests.house.sources import ROOT


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_module_starts_the_command() -> None:
    run = run_python("-m", "newsletter", "--help")

    assert (run.returncode, run.stderr) == (0, "")
    assert "Usage:" in run.stdout


def test_help_leaves_nothing_behind(tmp_path: Path) -> None:
    run_python("-m", "newsletter", "--help")

    assert list(tmp_path.iterdir()) == []


def test_every_command_says_what_it_does() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)

    texts = dict(iterate_commands(root, "newsletter"))

    # The usage line, then a sentence, then the options.
    assert [path for path, text in texts.items() if text.split("\n\n")[1].startswith("Options:")] == []
