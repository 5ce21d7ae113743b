"""The built wheel carries all that the program needs, and runs far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.sources import ROOT, clean_environment, list_files


def run(*arguments: str | Path, cwd: Path, path: Path | None = None) -> str:
    environment = clean_environment() | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


def list_kept(folder: str) -> set[str]:
    """Return the files below a folder of the checkout that a wheel must hold."""
    return {
        path.relative_to(ROOT / folder).as_posix()
        for path in list_files()
        if path.is_relative_to(ROOT / folder) and path.name != ".gitkeep"
    }


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("templates", "newsletter/_templates"),
        ("examples", "newsletter/_examples"),
        ("newsletter", "newsletter"),
    ],
)
def test_wheel_holds_every_file(wheel: Path, folder: str, place: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())

    assert {name for name in list_kept(folder) if f"{place}/{name}" not in inside} == set()


def test_installed_wheel_runs_elsewhere(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(*install, "--target", site, wheel, cwd=tmp_path)

    place = run("-c", "import newsletter; print(newsletter.__file__)", cwd=tmp_path, path=site)
    text = run("-m", "newsletter", "--help", cwd=tmp_path, path=site)

    assert place.strip() == os.fspath(site / "newsletter/__init__.py")
    assert "Usage: " in text
