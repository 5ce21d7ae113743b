"""Inlining, against what premailer and juice expect of their own cases: the same, save where they err."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from newsletter.errors import RenderError
from newsletter.render.inline import inline

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
DIFFERENT = {
    "cheerio": "an empty file is no page, and refused",
    "integration": "`*` stays in the style block: every element would carry it",
    "pseudo-specificity": "a class with a pseudo-class outranks an element with a class (Selectors 3, 9)",
    "embed": "a sheet that is only linked is never loaded; here it stands inside, and is inlined",
    "insert-preserve-fragment": "a style block keeps its place among the rest",
    "pseudo-elements-and-width-attr": "::before and ::after stay in the style block: no elements are made up",
}
"""Cases of which the expected result is not ours, and why."""


def list_cases() -> list[Path]:
    juice = [path.with_suffix(".html") for path in CORPORA.glob("templates-juice/cases/**/*.out")]
    return sorted([*juice, *CORPORA.glob("templates-premailer/*/input.html")])


def read_case(path: Path) -> tuple[str, str]:
    """The page with its style sheet inside, and what is expected of it."""
    expected = path.with_suffix(".out") if path.name != "input.html" else path.with_name("output.html")
    css = path.with_suffix(".css").read_text("utf-8") if path.with_suffix(".css").exists() else ""
    page = path.read_text("utf-8")
    head = f"<style>{css}</style>" if css else ""
    page = page.replace("</head>", f"{head}</head>", 1) if "</head>" in page else head + page
    return page, expected.read_text("utf-8")


def read_styles(html: str) -> list[tuple[str, dict[str, str]]]:
    """Each element of the body with its declarations, written one way."""
    body = etree.fromstring(html.encode(), etree.HTMLParser(encoding="utf-8")).find("body")
    return [(each.tag, read_declarations(each.get("style", ""))) for each in body.iter(etree.Element)]


def read_declarations(style: str) -> dict[str, str]:
    pairs = [declaration.split(":", 1) for declaration in style.split(";") if ":" in declaration]
    return {name.strip().lower(): plain(value) for name, value in pairs}


def plain(value: str) -> str:
    value = re.sub(r"!important|[\"']", "", value.lower())
    value = re.sub(r"(?<![\d.])0?\.(?=\d)", "0.", value)
    return re.sub(r"\b0px\b", "0", ",".join(part.strip() for part in " ".join(value.split()).split(",")))


def test_expected_results_of_other_inliners_are_ours_too() -> None:
    cases = list_cases()
    if not cases:
        pytest.skip(f"no corpora in {CORPORA}")
    different = set()
    for path in cases:
        page, expected = read_case(path)
        try:
            same = read_styles(inline(page).html) == read_styles(expected)
        except RenderError:
            same = False
        if not same:
            different.add(path.stem)

    assert len(cases) > 30
    assert different == set(DIFFERENT)


@pytest.mark.deep
def test_no_template_of_the_corpora_breaks_the_inliner() -> None:
    pages = sorted(CORPORA.glob("templates-*/**/*.htm*"))
    if not pages:
        pytest.skip(f"no corpora in {CORPORA}")
    refused: list[str] = []
    for path in pages:
        try:
            inlined = inline(path.read_text("utf-8", "replace"))
        except RenderError as error:
            # An empty file, a fragment of a template language, or CSS that could end its element.
            refused.append(str(error))
        else:
            assert inlined.html

    assert all(said.startswith(("The HTML part is no page", "The CSS holds")) for said in refused)
