"""The script behind every target says what to install, and does nothing twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT

SYSTEM = "/usr/bin/python3"
OLD = "#!/bin/sh\nexit 1\n"
BARE = f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/bootstrap.sh", folder / "deploy")
    (folder / "pyproject.toml").touch()
    (folder / "requirements.lock").touch()
    return folder


def is_fit(python: str) -> bool:
    """Whether an interpreter is new enough and can make environments."""
    code = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    return Path(python).exists() and subprocess.run([python, "-c", code], check=False).returncode == 0


def run_bootstrap(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", checkout / "deploy/bootstrap.sh"],
        env={"PATH": os.defpath} | variables,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("script", "package"), [(OLD, "python3-venv"), (BARE, "python3.")])
def test_a_missing_package_is_one_line_with_the_command(checkout: Path, script: str, package: str) -> None:
    python = checkout / "python"
    python.write_text(script, encoding="utf-8")
    python.chmod(0o755)

    run = run_bootstrap(checkout, PYTHON=str(python))

    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1)
    assert "sudo apt install" in run.stderr
    assert package in run.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.skipif(not is_fit(SYSTEM), reason=f"needs a {SYSTEM} of 3.11 or newer with venv")
def test_the_systems_interpreter_goes_before_others_on_path(checkout: Path) -> None:
    other = checkout / "python3.13"
    other.write_text('#!/bin/sh\n[ "$1" != --version ] || echo "a slow one"\n', encoding="utf-8")
    other.chmod(0o755)
    version = subprocess.run([SYSTEM, "--version"], check=True, capture_output=True, text=True).stdout.strip()

    with subprocess.Popen(
        ["sh", checkout / "deploy/bootstrap.sh"],
        env={"PATH": f"{checkout}:{os.defpath}"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)

    assert said.startswith(f"Making .venv with {version} ")
