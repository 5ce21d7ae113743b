"""Fixtures: the command line, in this process and in one of its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from newsletter.cli import main
from newsletter.config import Settings
from newsletter.operating.setup import initialise

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON is any
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Ran]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run a command in this process; what it did to logging is undone."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    yield call
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `newsletter init` leaves it, to be copied: migrating anew takes long."""
    folder = tmp_path_factory.mktemp("workdir")
    settings = Settings(
        database_url=f"sqlite:///{folder}/subscribers.db", secret_key_file=folder / "newsletter.key"
    )
    initialise(settings, folder / "newsletter.toml", now=datetime.now(UTC))
    return folder


@pytest.fixture
def home(fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the working directory; nobody answers at its SMTP server, or shows a picture."""
    monkeypatch.setenv("NEWSLETTER_IMAGES_PER_RUN", "0")
    monkeypatch.setenv("NEWSLETTER_SMTP_URL", "smtp://127.0.0.1:9")
    shutil.copytree(fresh_home, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run_program(*arguments: object, stdin: str | None = None, **variables: str) -> Ran:
    """Run a command in a process of its own, in the working directory."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=make_environment(**variables),
        input=stdin,
        check=False,
        capture_output=True,
        text=True,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def make_environment(**variables: str) -> dict[str, str]:
    """The environment of a process that finds this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs that the test ends, and that end with it in any case."""
    with ExitStack() as stack:

        def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                env=make_environment(**variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.callback(_end, process)
            return process

        yield start


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
