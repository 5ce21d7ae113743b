"""The fuzzing program: it finds what it is there to find, and nothing in what we have."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.errors import ParseError
from tests import fuzz
from tests.fuzz import TARGETS, Target


@pytest.fixture
def _watched() -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, fuzz.interrupt)
    yield
    signal.signal(signal.SIGPROF, before)


def fall(data: bytes) -> None:
    if b"<" in data:
        raise KeyError(data)
    raise ParseError("as documented")


def turn(data: bytes) -> None:
    while b"<" in data:
        pass


@pytest.mark.usefixtures("_watched")
@pytest.mark.parametrize(("read", "reason"), [(fall, "KeyError: b'"), (turn, "took 0.")])
def test_a_reader_that_falls_or_takes_long_is_named_with_its_document(
    read: fuzz.Reader, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "PER_KILOBYTE", 0.1)
    monkeypatch.setitem(TARGETS, "mine", Target(read, (), (b"<rss>", b"plain")))

    fault = next(fuzz.fuzz(["mine"], range(100), tmp_path, 1))

    assert fault.reason.startswith(reason)
    assert b"<" in fault.path.read_bytes()
    assert fuzz.attempt(TARGETS["mine"], fault.path.read_bytes())
    assert fuzz.attempt(TARGETS["mine"], b"plain") is None


@pytest.mark.deep
@pytest.mark.usefixtures("_watched")
def test_no_reader_falls_over_a_few_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Libraries are loaded meanwhile, so no time is taken.
    monkeypatch.setattr(fuzz, "PER_KILOBYTE", 60.0)
    rounds = range(len(TARGETS) * 100)

    assert list(fuzz.fuzz(list(TARGETS), rounds, tmp_path, 1)) == []
    assert list(tmp_path.iterdir()) == []
