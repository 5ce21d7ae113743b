"""Where the shared test material lies, and how to skip without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CORPORA = SHARED / "corpora"
SEEDS = SHARED / "seeds"


def require(folder: Path) -> Path:
    """Skip the test where the shared material is absent."""
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: it holds material that may not be published with the program")
    return folder


def list_cases(corpus: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give every input file of a corpus with what is expected of it."""
    folder = require(CORPORA / corpus)
    for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        for file in case["files"]:
            if file["role"] == "input":
                yield folder / file["path"], case.get("expect") or {}


def list_items(corpus: str) -> list[dict[str, Any]]:
    """Give every item of a list."""
    path = require(CORPORA / corpus) / "items.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def list_feed_corpora() -> list[str]:
    """Name the corpora of feeds."""
    return sorted(path.name for path in require(CORPORA).glob("feeds-*"))
