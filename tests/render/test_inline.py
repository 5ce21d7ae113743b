"""Inlining: what goes into attributes, what stays, what is reported, and that nothing is fetched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from newsletter.errors import RenderError
from newsletter.render.inline import _Inliner, _sheet, inline

PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><title>t</title><style>{css}</style></head>'
    "<body>{body}</body></html>"
)


def page(css: str, body: str = '<p class="a">x</p>') -> str:
    return PAGE.replace("{css}", css).replace("{body}", body)


def test_a_page_may_begin_with_an_xml_declaration() -> None:
    html = inline('<?xml version="1.0" encoding="utf-8"?>\n' + page("p{color:red}")).html

    assert html.startswith("<!DOCTYPE html>")
    assert '<p style="color:red">' in html


@pytest.mark.parametrize("doctype", ["<!DOCTYPE html>", "<!doctype html>"])
def test_the_doctype_stays_however_it_is_written(doctype: str) -> None:
    assert inline(page("p{color:red}").replace("<!DOCTYPE html>", doctype)).html.startswith(doctype)


def test_plain_rules_go_into_attributes_by_specificity_and_importance() -> None:
    html = inline(page("p.a{color:red} p{color:blue; margin:0!important} .a{margin:1px}")).html

    assert '<p style="color:red;margin:0">x</p>' in html
    assert "<style" not in html


def test_an_odd_row_is_found_by_its_number_and_outranks_its_element() -> None:
    rows = "<table><tr><td>1</td></tr><tr><td>2</td></tr></table>"
    html = inline(page("tr:nth-child(2n+1){color:red} table tr{color:blue} tr[class]{x:y}", rows)).html

    assert '<tr style="color:red"><td>1' in html
    assert '<tr style="color:blue"><td>2' in html


def test_what_hangs_on_another_elements_position_is_kept_and_never_widened() -> None:
    html = inline(page("p:first-child b{color:red}", "<p><b>x</b></p><p><b>y</b></p>")).html

    assert "<b>y</b>" in html
    assert "<style>p:first-child b{color:red}</style>" in html


@pytest.mark.parametrize(
    "rule",
    [
        "@media (max-width:600px){.a{color:green!important}}",
        "@media screen{@media (min-width:1px){.a{color:green!important}}}",
        "@supports (display:grid){.a{color:green}}",
        "@font-face{font-family:X;src:url(https://example.org/x.woff2)}",
        ".a:hover{color:green}",
        "*{color:green}",
    ],
)
def test_rules_that_hold_only_sometimes_stay_as_they_are(rule: str) -> None:
    inlined = inline(page("p{margin:0}" + rule))

    assert rule in inlined.html
    assert inlined.problems == ()


def test_a_list_of_selectors_is_parted_between_attribute_and_style_block() -> None:
    html = inline(page("p, p:hover{color:red}")).html

    assert '<p style="color:red">' in html
    assert "<style>p:hover{color:red}</style>" in html


def test_a_class_stays_only_while_a_kept_rule_uses_it() -> None:
    html = inline(page("@media print{.b{color:red}}", '<p class="a b">x</p><p class="a">y</p>')).html

    assert '<p class="b">x</p><p>y</p>' in html


@pytest.mark.parametrize(
    ("css", "kept", "problem"),
    [
        ("p{color:rgb(0 0 0 / 50%)}", True, "color cannot be inlined"),
        ("p{color:var(--ink)}", True, "color cannot be inlined"),
        ("@import url(x.css);", False, "@import was dropped"),
    ],
)
def test_what_cannot_be_inlined_is_reported(css: str, kept: bool, problem: str) -> None:  # noqa: FBT001 - one column of the table
    inlined = inline(page(css))

    assert problem in "".join(inlined.problems)
    assert (css in inlined.html) is kept


def test_css_that_could_end_its_element_is_refused() -> None:
    css = 'p{content:"<\\u002f"}'.replace("\\u002f", "/")

    with pytest.raises(RenderError, match="</"):
        inline(page(css))


def test_stylesheets_from_elsewhere_are_removed_and_reported_with_the_text_after_them_kept() -> None:
    body = '<p>a<link rel="stylesheet" href="https://example.org/x.css">b</p>'
    inlined = inline(page("", body))

    assert "<p>ab</p>" in inlined.html
    assert "<link" not in inlined.html
    assert "x.css" in inlined.problems[0]


@pytest.fixture(scope="module")
def opened() -> list[str]:
    """Sockets and files that are opened; an audit hook cannot be taken back, so there is one."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(("socket.", "open", "urllib")):
            seen.append(f"{event} {arguments}")

    inline(page("p{color:red}"))  # imports whatever is imported late
    sys.addaudithook(hook)
    return seen


def test_the_parser_itself_fetches_nothing_even_where_an_import_reaches_it(opened: list[str]) -> None:
    opened.clear()
    sheet = _sheet(
        "@import 'file:///etc/hosts'; @import url(http://127.0.0.1:9/a.css); p{color:red}", validate=False
    )

    assert opened == []
    assert "color" in sheet.cssText.decode()


def test_no_socket_is_opened_and_no_file(opened: list[str]) -> None:
    css = (
        "@import url(http://127.0.0.1:9/a.css); @import 'file:///etc/hosts'; @import '/etc/hostname';"
        "p{background:url(http://127.0.0.1:9/b.png)} @font-face{font-family:x;src:url(file:///etc/passwd)}"
    )
    body = (
        '<link rel="stylesheet" href="file:///etc/hosts">'
        '<link rel="stylesheet" href="http://127.0.0.1:9/c.css"><base href="http://127.0.0.1:9/">'
        '<img src="http://127.0.0.1:9/d.png" style="background:url(/etc/group)">'
    )
    opened.clear()
    inlined = inline(page(css, body + "<p>x</p>"))

    assert opened == []
    assert "url(http://127.0.0.1:9/b.png)" in inlined.html


def test_widths_of_attributes_are_not_overwritten_by_those_of_css() -> None:
    assert 'width="120"' in inline(page("img{width:100%}", '<img src="x.png" width="120" alt="">')).html


def test_comments_for_outlook_and_other_scripts_survive() -> None:
    ghost = ("<!--[if mso]><table><tr><td><![endif]-->", "<!--[if mso]></td></tr></table><![endif]-->")
    body = f"{ghost[0]}<p>é 漢 😀 &amp; &lt;</p>{ghost[1]}"

    assert body in inline(page("", body)).html


def test_a_style_block_for_print_is_kept_for_print() -> None:
    html = inline(page("").replace("<style>", "<style media='print'>p{color:red}")).html

    assert "@media print {p{color:red}}" in html
    assert "<p>x</p>" in html


@pytest.mark.parametrize("html", ["", " ", "<!-- x -->", "<!DOCTYPE html>", "<?php"])
def test_what_is_no_page_is_refused(html: str) -> None:
    with pytest.raises(RenderError, match="no page"):
        inline(html)


@pytest.mark.parametrize("selector", ["p >> a", "p[=]", "..a", "p,,a", "#", "}p", "@"])
def test_a_selector_that_cannot_be_read_is_reported_and_its_neighbours_stay(selector: str) -> None:
    inlined = inline(page(f".a{{margin:0}} {selector}{{color:red}} .a{{padding:0}}"))

    assert "dropped" in inlined.problems[0]
    assert "color" not in inlined.html


def test_text_after_a_link_that_is_removed_stays_where_nothing_stands_before_it() -> None:
    assert "<p>b</p>" in inline(page("", '<p><link rel="stylesheet" href="x.css">b</p>')).html
    assert (
        "<p>a<b>c</b>d</p>" in inline(page("", '<p>a<b>c</b><link rel="stylesheet" href="x.css">d</p>')).html
    )


def test_css_that_is_cut_off_is_reported() -> None:
    assert "dropped" in inline(page("p{color:red} a b c")).problems[0]


def test_what_premailer_stumbles_over_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise AttributeError("no such rule")

    monkeypatch.setattr("newsletter.render.inline._Inliner.transform", stumble)
    with pytest.raises(RenderError, match="cannot be inlined: no such rule"):
        inline(page("p{color:red}"))


def test_no_style_sheet_opens_what_it_imports_even_were_the_rule_left_in_it(tmp_path: Path) -> None:
    other = tmp_path / "other.css"
    other.write_text("p { color: red }", encoding="utf-8")
    words = f'@import "{other.as_uri()}";'
    sheet = _Inliner("<p>x</p>")._parse_css_string(words, validate=False)  # noqa: SLF001 - premailer calls it

    assert all(b"red" not in rule.styleSheet.cssText for rule in sheet.cssRules)
    assert len(sheet.cssRules) == 1
