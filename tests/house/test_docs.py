"""What the program offers is written down, and what is written down exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import jinja2
import pytest
from pydantic import BaseModel

from docs.checks import render_checks
from docs.reference import render_reference
from newsletter.config import Settings
from tests.house.sources import ROOT, list_files, list_modules

METRICS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
METRICS |= {f"{kind}MetricFamily" for kind in METRICS}
LINK = re.compile(
    r"!?\[[^\]]*\]\(<?([^)>\s]+)[^)]*\)|<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)=\"([^\"]+)\""
)
VARIABLE = re.compile(r"\bNEWSLETTER_[A-Z0-9_]+\b")
# Read before the settings are, to find them; the other is an option of the tests.
NO_SETTINGS = {"NEWSLETTER_CONFIG", "NEWSLETTER_FORBID_SKIPS"}


def read(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def iterate_models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models inside an annotation such as `list[Route] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from iterate_models(argument)


def iterate_settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield what docs/settings.md must name: `NEWSLETTER_X` on top, `table.key` below."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}" if prefix else f"NEWSLETTER_{name.upper()}"
        for nested in iterate_models(field.annotation):
            yield from iterate_settings(nested, f"{prefix}{name}.")


def find_metrics(tree: ast.AST) -> set[str]:
    """Return the names of the metrics that a module makes."""
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in METRICS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def find_blocks(template: str) -> set[str]:
    """Return the names of a template's blocks; tokens are enough, whatever tags the mail adds."""
    tokens = [
        token for token in jinja2.Environment(autoescape=True).lex(template) if token[1] != "whitespace"
    ]
    return {
        following[2]
        for before, current, following in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if before[1] == "block_begin" and current[2] == "block"
    }


def find_dead_links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [first or second for first, second in LINK.findall(text)]
    local = [target for target in targets if not re.match(r"[a-z]+:|#|//", target)]
    return [target for target in local if not (page.parent / unquote(target.partition("#")[0])).exists()]


def test_every_setting_is_documented() -> None:
    page = read("docs/settings.md")

    assert [name for name in iterate_settings(Settings) if f"`{name}`" not in page] == []


def test_every_documented_variable_is_a_setting() -> None:
    known = set(iterate_settings(Settings)) | NO_SETTINGS
    pages = [path for path in list_files() if path.suffix == ".md" and path.name != "CHANGELOG.md"]

    found = {name for page in pages for name in VARIABLE.findall(page.read_text(encoding="utf-8"))}

    # `NEWSLETTER_ROUTES__0__URL` reaches into a table; its first part is the setting.
    assert {
        name for name in found if name.partition("__")[0].rstrip("_") not in {*known, "NEWSLETTER"}
    } == set()


def test_command_reference_is_made_from_help() -> None:
    assert read("docs/cli.md") == render_reference(), "`make docs` writes it anew"


def test_the_list_of_checks_is_made_from_the_rules() -> None:
    assert read("docs/checks.md") == render_checks(), "`make docs` writes it anew"


def test_every_metric_is_documented() -> None:
    metrics = set().union(
        *(find_metrics(ast.parse(path.read_bytes())) for path in list_modules("newsletter"))
    )
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))

    assert {name for name in metrics if f"`{name}`" not in pages} == set()


def test_every_template_block_is_documented() -> None:
    page = read("docs/templates.md")
    templates = [path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt", ".xml"}]

    blocks = set().union(*(find_blocks(path.read_text(encoding="utf-8")) for path in templates))

    assert {name for name in blocks if f"`{name}`" not in page} == set()


def test_local_links_of_the_pages_lead_somewhere() -> None:
    pages = [path for path in list_files() if path.suffix == ".md" and "golden" not in path.parts]

    dead = {page.relative_to(ROOT).as_posix(): links for page in pages if (links := find_dead_links(page))}

    assert dead == {}


def test_nested_settings_are_found() -> None:
    class Route(BaseModel):
        host: str

    class Sample(BaseModel):
        base_url: str
        routes: list[Route] | None

    assert list(iterate_settings(Sample)) == ["NEWSLETTER_BASE_URL", "NEWSLETTER_ROUTES", "routes.host"]


def test_metrics_are_found() -> None:
    tree = ast.parse(
        "a = Counter('newsletter_sent', 'x')\nb = core.GaugeMetricFamily('newsletter_queue', 'x')"
    )

    assert find_metrics(tree) == {"newsletter_sent", "newsletter_queue"}


def test_blocks_are_found() -> None:
    text = "{% block lead %}{% personal %}a{% endpersonal %}{%- block card required -%}{% endblock %}"

    assert find_blocks(text) == {"lead", "card"}


@pytest.mark.parametrize("text", ["[a](gone.md)", "![a](gone.png)", '<img alt="" src="gone.png">'])
def test_dead_links_are_found(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"[web](https://example.org) [here](page.md#part) {text}", encoding="utf-8")

    assert len(find_dead_links(page)) == 1
