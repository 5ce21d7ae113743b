"""The guards around every test hold: no way out, no setting from outside, no silent skip."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.house.sources import ROOT, clean_environment

SAMPLE = """
import os
import pytest

@pytest.mark.deep
def test_deep(is_deep):
    assert is_deep

def test_skipped():
    pytest.skip("not here")

def test_clean(found):
    assert not [name for name in os.environ if name.startswith("NEWSLETTER_")]
"""

FIXTURES = """
import pytest

@pytest.fixture
def found():
    return True
"""


def run_sample(folder: Path, *options: str, **variables: str) -> str:
    """Run a few tests under this project's conftest and return pytest's last line."""
    (folder / "tests/support").mkdir(parents=True)
    (folder / "tests/support/sample_fixtures.py").write_text(FIXTURES, encoding="utf-8")
    shutil.copy(ROOT / "tests/conftest.py", folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests/test_sample.py").write_text(SAMPLE, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        # The settings of the outer run are none of the inner one.
        env={k: v for k, v in clean_environment().items() if k != "FORBID_SKIPS"} | variables,
        check=False,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip().splitlines()[-1].partition(" in ")[0]


def test_sockets_are_closed_but_for_loopback() -> None:
    with socket.socket() as outward, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(SocketConnectBlockedError):
            outward.connect(("192.0.2.1", 25))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()


def test_unix_sockets_are_open(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(os.fspath(tmp_path / "s"))
        server.listen()
        client.connect(os.fspath(tmp_path / "s"))


def test_a_test_starts_in_its_own_directory(tmp_path: Path) -> None:
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("options", "variables", "expected"),
    [
        ((), {"NEWSLETTER_BASE_URL": "x"}, "1 passed, 1 skipped, 1 deselected"),
        (("--deep",), {}, "2 passed, 1 skipped"),
        (("--forbid-skips",), {}, "1 failed, 1 passed, 1 deselected"),
        (("--deep", "-n", "2"), {"NEWSLETTER_FORBID_SKIPS": "1"}, "1 failed, 2 passed"),
    ],
)
@pytest.mark.deep
def test_options_choose_what_runs(
    tmp_path: Path, options: tuple[str, ...], variables: dict[str, str], expected: str
) -> None:
    assert run_sample(tmp_path, *options, **variables) == expected
