"""Where the files of this checkout are, and what their syntax trees say; for the tests of the house."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def list_files() -> tuple[Path, ...]:
    """Return every file that git holds or would take in."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def list_modules(*folders: str) -> list[Path]:
    """Return the Python files below the folders, which need not exist."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def count_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def get_name(path: Path, root: Path = ROOT) -> str:
    """Return the dotted name of a module's file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True)
class Import:
    """One imported name: `module` is the dotted module, `name` what was taken from it, if anything."""

    importer: str
    line: int
    module: str
    name: str | None = None

    def reaches(self, target: str) -> bool:
        """Return whether this imports the target module, or something in it."""
        full = self.module if self.name is None else f"{self.module}.{self.name}"
        return any(
            imported == target or imported.startswith(target + ".") for imported in (self.module, full)
        )

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module}" + (f".{self.name}" if self.name else "")


def iterate_imports(path: Path, root: Path = ROOT) -> Iterator[Import]:
    """Yield every import of a module, those inside functions too."""
    importer = get_name(path, root)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(importer, node.lineno, node.module or "", alias.name)


def clean_environment() -> dict[str, str]:
    """Return the environment for a tool that is not ours to measure."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
