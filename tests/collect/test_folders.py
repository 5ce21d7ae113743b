"""Folders of pages: one bad file stops none of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newsletter.collect.folders import list_files, read_file, read_folder
from newsletter.errors import FetchError


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_pages_are_listed_by_name_and_hidden_ones_are_not(tmp_path: Path) -> None:
    write(tmp_path, b_txt="b", a_html="a", sub__c_MD="c", d_png="d", _hidden_txt="h", _git__e_txt="e")

    assert [path.name for path in list_files(tmp_path)] == ["a.html", "b.txt", "c.MD"]
    assert list_files(tmp_path / "d.png") == [tmp_path / "d.png"]


def test_every_page_of_a_folder_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_txt="Harbour reopens\n\nThe cranes turned.\n\nSubscribe to our newsletter\nThe Weekly",
        b_md="---\nid: own\n---\n# Ferry is cut\n\nTwo boats stay.",
        c_html="<html><body><h1>Fog</h1><p>" + "Often in autumn. " * 30 + "</p></body></html>",
    )
    source = read_folder(tmp_path).source

    assert (source.kind, source.title, source.problems) == ("folder", "The Weekly", ())
    assert [(entry.title, entry.id) for entry in source.entries] == [
        ("Harbour reopens", "file:a.txt"),
        ("Ferry is cut", "own"),
        ("Fog", "file:c.html"),
    ]


def test_a_bad_file_is_a_problem_and_stops_nothing(tmp_path: Path) -> None:
    write(tmp_path, a_txt="", b_txt=b"\x00\x01\x02" * 100, c_txt="Fog\n\nOften.", d_txt="x" * 2000)
    source = read_folder(tmp_path, max_bytes=1000).source

    assert [entry.title for entry in source.entries] == ["Fog"]
    assert [problem.split(":")[0] for problem in source.problems] == ["a.txt", "b.txt", "d.txt"]


def test_files_that_have_not_changed_are_not_parsed_again(tmp_path: Path) -> None:
    write(tmp_path, a_txt="Fog\n\nOften.", b_txt="Rain\n\nSeldom.")
    first = read_folder(tmp_path)
    write(tmp_path, b_txt="Rain\n\nOften.")
    second = read_folder(tmp_path, known=first.digests)

    assert [entry.title for entry in second.source.entries] == ["Rain"]
    assert second.digests.keys() == first.digests.keys()


def test_a_folder_that_is_missing_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="is not there: check the path"):
        read_folder(tmp_path / "none")


@pytest.mark.parametrize("place", ["folder", "file"])
def test_what_may_not_be_read_is_an_error_that_says_so(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_txt="Fog\n\nOften.")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    # Root may read anything, so the system's refusal is played.
    monkeypatch.setattr(Path, "iterdir" if place == "folder" else "open", refuse)
    with pytest.raises(FetchError, match=r"may not be read|Permission denied"):
        list_files(tmp_path) if place == "folder" else read_file(tmp_path / "a.txt")


def test_a_name_that_no_system_takes_is_an_error() -> None:
    with pytest.raises(FetchError):
        read_file(Path("a\0b"))
    with pytest.raises(FetchError):
        list_files(Path("a\0b"))


def test_a_folder_with_nothing_in_it_is_no_fault(tmp_path: Path) -> None:
    assert read_folder(tmp_path).source.entries == ()
