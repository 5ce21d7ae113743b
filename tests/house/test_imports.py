"""Who may import what. The layers stand in pyproject.toml; what import-linter cannot say stands here."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.house.sources import ROOT, Import, clean_environment, get_name, iterate_imports, list_modules

NETWORK = (
    "aiosmtpd",
    "dns",
    "ftplib",
    "http.client",
    "http.server",
    "httpcore2",
    "httpx2",
    "imaplib",
    "poplib",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "urllib.request",
    "urllib3",
)
ASYNC = ("anyio", "asyncio", "uvloop")
DATABASE = ("alembic", "psycopg", "sqlalchemy", "sqlite3")
PROGRAMS = ("multiprocessing", "subprocess")
STAGES = tuple(
    f"newsletter.{room}"
    for room in ("collect", "compose", "render", "review", "deliver", "feedback", "store")
)
DOORS = ("newsletter.cli", "newsletter.web", "newsletter.schedule", "newsletter.__main__", "scheduler")


@dataclass(frozen=True)
class Line:
    """Modules below `of`, but for those below `but`, import nothing below `never`."""

    why: str
    of: tuple[str, ...]
    never: tuple[str, ...]
    but: tuple[str, ...] = ()

    def find_breaks(self, imports: list[Import]) -> list[str]:
        return [
            str(found)
            for found in imports
            if is_below(found.importer, self.of)
            and not is_below(found.importer, self.but)
            and any(found.reaches(target) for target in self.never)
        ]


LINES = (
    Line(
        "the network is touched at the edges alone",
        of=("newsletter", "scheduler"),
        never=NETWORK,
        but=(
            "newsletter.collect.fetch",
            "newsletter.deliver.smtp",
            "newsletter.feedback.mailbox",
            "newsletter.operating.probes",
            "newsletter.operating.demo",
            # A datagram on a unix socket to the service manager.
            "newsletter.operating.systemd",
        ),
    ),
    Line(
        "sync by default: an event loop runs at the edges, and where a server or a sender is started",
        of=("newsletter", "scheduler"),
        never=ASYNC,
        but=(
            "newsletter.collect.fetch",
            "newsletter.deliver",
            "newsletter.operating",
            "newsletter.web",
            "newsletter.cli",
        ),
    ),
    Line(
        "parsers, pure stages and leaves turn values into values",
        of=(
            "newsletter.collect",
            "newsletter.compose",
            "newsletter.content",
            "newsletter.errors",
            "newsletter.feedback",
            "newsletter.render",
            "newsletter.review",
        ),
        never=(*NETWORK, *ASYNC, *DATABASE, *PROGRAMS, "ssl"),
        but=("newsletter.collect.fetch", "newsletter.collect.folders", "newsletter.feedback.mailbox"),
    ),
    Line(
        "parsers do not know what reads for them",
        of=("newsletter.collect", "newsletter.feedback"),
        never=("newsletter.collect.fetch", "newsletter.collect.folders", "newsletter.feedback.mailbox"),
        # The room's own list of its kinds may name them.
        but=("newsletter.collect.fetch", "newsletter.collect.folders", "newsletter.feedback.mailbox"),
    ),
    Line("doors only call use cases", of=DOORS, never=(*STAGES, *DATABASE)),
    Line(
        "delivery asks for what it needs of the ledger, as a protocol",
        of=("newsletter.deliver",),
        never=DATABASE,
    ),
)


def is_below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


@cache
def list_imports(root: Path = ROOT) -> list[Import]:
    paths = [*sorted((root / "newsletter").rglob("*.py")), *root.glob("scheduler.py")]
    return [found for path in paths for found in iterate_imports(path, root)]


def run_import_linter(directory: Path) -> subprocess.CompletedProcess[str]:
    script = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", script, "--no-cache", "--no-logo"],
        cwd=directory,
        env=clean_environment() | {"PYTHONPATH": str(directory)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_rooms_import_only_what_lies_below_them() -> None:
    run = run_import_linter(ROOT)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.why)
def test_no_module_crosses_the_line(line: Line) -> None:
    assert line.find_breaks(list_imports()) == []


def test_no_room_imports_the_whole_program() -> None:
    """`import newsletter` would reach every stage through its lazy exports, unseen by the layers."""
    modules = {get_name(path) for path in list_modules("newsletter")}

    breaks = [
        str(found)
        for found in list_imports()
        if found.module == "newsletter"
        and found.importer != "newsletter"
        and (found.name is None or not (found.name.startswith("__") or f"newsletter.{found.name}" in modules))
    ]

    assert breaks == []


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("newsletter.compose.select", "import socket", "pure stages"),
        ("newsletter.collect.feeds", "from urllib.request import urlopen", "pure stages"),
        ("newsletter.collect.feeds", "from newsletter.collect import fetch", "what reads for them"),
        ("newsletter.publishing.send", "import smtplib", "network"),
        ("newsletter.store.engine", "from asyncio import run", "sync by default"),
        ("newsletter.web.pages", "def page():\n    from newsletter.store import models", "doors"),
        ("newsletter.cli.issue", "from sqlalchemy.orm import Session", "doors"),
        ("scheduler", "from newsletter import store", "doors"),
        ("newsletter.deliver.ledger", "import sqlalchemy as sa", "ledger"),
    ],
)
def test_a_crossed_line_is_found(tmp_path: Path, module: str, statement: str, broken: str) -> None:
    path = tmp_path / (module.replace(".", "/") + ".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(statement + "\n", encoding="utf-8")

    breaks = [line.why for line in LINES if line.find_breaks(list_imports(tmp_path))]

    assert any(broken in why for why in breaks), breaks


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("newsletter/compose/select.py", "from newsletter.store import engine"),
        ("newsletter/store/engine.py", "from newsletter import web"),
        ("newsletter/render/inline.py", "import smtplib"),
        ("newsletter/cli/issue.py", "import newsletter.deliver"),
        ("newsletter/utils.py", "import json"),
    ],
)
def test_import_linter_finds_a_break(tmp_path: Path, module: str, statement: str) -> None:
    for path in list_modules("newsletter"):
        if path.name == "__init__.py" and len(path.relative_to(ROOT).parts) <= 3:
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    for name in ("errors", "content", "config", "schedule", "__main__"):
        (tmp_path / f"newsletter/{name}.py").touch()
    (tmp_path / "newsletter/store/engine.py").touch()
    (tmp_path / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert run_import_linter(tmp_path).returncode == 0

    (tmp_path / module).write_text(statement + "\n", encoding="utf-8")

    assert run_import_linter(tmp_path).returncode == 1
