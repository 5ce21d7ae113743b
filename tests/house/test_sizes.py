"""Nothing grows out of hand: lines of a module, lines and parameters of a function."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.sources import ROOT, count_lines, list_modules

MODULE_LINES = 300
MODELS_LINES = 400
TEST_LINES = 600
FUNCTION_LINES = 40
PARAMETERS = 6
# Commands and routes take what the user may say, one parameter each.
DOORS = ("newsletter/cli/", "newsletter/web/")
# Migrations are lists of statements, only ever added to.
MIGRATIONS = "newsletter/store/migrations/versions/"
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "service", "util", "utils"}


@dataclass(frozen=True)
class Function:
    """A function of the program, as long as from `def` to its last line."""

    place: str
    lines: int
    parameters: int


def iterate_functions(tree: ast.AST, place: str, *, is_method: bool = False) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(
                f"{place}:{node.lineno} {node.name}", lines, count_parameters(node, is_method=is_method)
            )
            yield from iterate_functions(node, place)
        else:
            yield from iterate_functions(node, place, is_method=isinstance(node, ast.ClassDef))


def count_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> int:
    """Count them without `self` or `cls`."""
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (is_method and names[:1] in (["self"], ["cls"]))


def list_places(*folders: str) -> list[tuple[str, Path]]:
    found = [(path.relative_to(ROOT).as_posix(), path) for path in list_modules(*folders)]
    return [(place, path) for place, path in found if not place.startswith(MIGRATIONS)]


def list_functions() -> list[Function]:
    return [
        function
        for place, path in list_places("newsletter")
        for function in iterate_functions(ast.parse(path.read_bytes()), place)
    ]


def test_modules_are_short() -> None:
    def limit(place: str) -> int:
        return MODELS_LINES if place == "newsletter/store/models.py" else MODULE_LINES

    long = {place: count_lines(path) for place, path in list_places("newsletter", "docs", "deploy")}

    assert {place: lines for place, lines in long.items() if lines > limit(place)} == {}


def test_test_modules_are_short() -> None:
    long = {place: count_lines(path) for place, path in list_places("tests", "benchmarks")}

    assert {place: lines for place, lines in long.items() if lines > TEST_LINES} == {}


def test_conftest_is_short() -> None:
    assert count_lines(ROOT / "tests/conftest.py") <= 200


def test_functions_are_short(record_property: Callable[[str, object], None]) -> None:
    functions = list_functions()
    if functions:
        median = statistics.median(function.lines for function in functions)
        record_property("figure", f"functions: {len(functions)}, median length {median:g} lines")

    assert [f"{f.place}: {f.lines} lines" for f in functions if f.lines > FUNCTION_LINES] == []


def test_functions_take_few_parameters() -> None:
    functions = [f for f in list_functions() if not f.place.startswith(DOORS)]

    assert [f"{f.place}: {f.parameters}" for f in functions if f.parameters > PARAMETERS] == []


def test_names_say_something() -> None:
    places = list_places("newsletter", "tests", "benchmarks")

    assert [place for place, path in places if {path.stem, path.parent.name} & EMPTY_NAMES] == []


def test_a_large_function_is_measured() -> None:
    source = """
class Sender:
    async def send(self, a, b, c, /, d, *, e, f, g):
        def nested(self):
            pass
        pass
"""

    found = list(iterate_functions(ast.parse(source), "here"))

    assert found == [Function("here:3 send", 4, 7), Function("here:4 nested", 2, 1)]
