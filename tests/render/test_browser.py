"""The default theme in a real browser: no sideways scroll, readable sizes, contrast in light and dark."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import personalise
from newsletter.render.notice import NOTICES, render_notice
from newsletter.review.colours import BLACK, contrast
from tests.render.test_notice import VALUES
from tests.support.mail_builders import make_publication, make_recipient, make_rich_digest

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
pytestmark = pytest.mark.deep

MEASURE = """() => {
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2])
  const colour = text => text.match(/[\\d.]+/g).map(Number)
  const behind = e => { for (; e; e = e.parentElement) {
    const c = colour(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c }
    return [255, 255, 255] }
  const faults = []
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
    const style = getComputedStyle(e)
    if (!own || e.closest('.preheader, [style*="display:none"]') || parseFloat(style.fontSize) < 2) continue
    const [a, b] = [light(colour(style.color)), light(behind(e))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${e.textContent.trim().slice(0, 40)}`)
    if (parseFloat(style.fontSize) < 14) faults.push(`${style.fontSize}: ${e.textContent.trim()}`)
  }
  return { width: document.documentElement.scrollWidth, faults,
           language: [...document.querySelectorAll('td.pad')].map(e => getComputedStyle(e).textAlign) }
}"""


@cache
def pages() -> dict[str, str]:
    environment = make_environment()
    arabic = make_publication(language="ar", name="الوضع في بيلاروس")
    shown = {
        "english": personalise(
            render_issue(make_rich_digest(), make_publication(), environment), make_recipient()
        ).html,
        "arabic": personalise(render_issue(make_rich_digest(), arabic, environment), make_recipient()).html,
        "archive": render_issue(make_rich_digest(), make_publication(), environment).archive_html,
        "long names": personalise(
            render_issue(
                replace(make_rich_digest(), preheader=""), make_publication(name="N" * 90), environment
            ),
            make_recipient(email="x" * 60 + "@" + "y" * 60 + ".example.org"),
        ).html,
    }
    for theme in ("letter", "compact"):
        for name, publication in (
            ("", make_publication(theme=theme)),
            (" arabic", replace(arabic, theme=theme)),
        ):
            issue = render_issue(make_rich_digest(), publication, environment)
            shown[f"{theme}{name}"] = personalise(issue, make_recipient()).html
    for name in NOTICES:
        values = {key: VALUES[key] for key in NOTICES[name]}
        shown[name] = render_notice(name, make_publication(), environment, values).html
    return shown


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield running
        running.close()


def measured(browser: Browser, html: str, width: int, scheme: Literal["light", "dark"]) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html, wait_until="domcontentloaded")
    found: dict[str, Any] = page.evaluate(MEASURE)
    context.close()
    return found


ISSUES = ["english", "arabic", "letter", "letter arabic", "compact", "compact arabic"]


@pytest.mark.parametrize("name", [*ISSUES, "archive", "long names", *NOTICES])
def test_rows_6_9_and_13_nothing_scrolls_sideways_and_everything_can_be_read(
    browser: Browser, name: str
) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for width, scheme in product((320, 375, 600, 800), schemes):
        found = measured(browser, pages()[name], width, scheme)

        assert found["width"] <= width, (width, scheme)
        assert found["faults"] == [], (width, scheme)


def test_row_14_text_of_an_arabic_mail_stands_on_the_right(browser: Browser) -> None:
    assert set(measured(browser, pages()["arabic"], 600, "light")["language"]) == {"right"}


@pytest.mark.parametrize("name", ISSUES)
@pytest.mark.parametrize("mode", ["light", "dark", "forced", "images off"])
def test_rows_4_9_and_10_axe_finds_no_fault(browser: Browser, name: str, mode: str) -> None:
    """Landmarks are off: a mail is no page (digest-and-preview.md 1.3)."""
    context = browser.new_context(color_scheme="dark" if mode == "dark" else "light")
    page = context.new_page()
    picture = b"" if mode == "images off" else PIXEL
    page.route("**/*", lambda route: route.fulfill(body=picture, content_type="image/png"))
    if mode == "forced":
        context.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
    page.set_content(pages()[name], wait_until="load")
    rules = {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}

    found = Axe().run(page, options={"rules": rules})
    context.close()

    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []


TEXTS = """() => [...document.querySelectorAll('body *')].flatMap(e => {
  const style = getComputedStyle(e)
  if (e.closest('.preheader, [style*="display:none"]') || parseFloat(style.fontSize) < 2) return []
  return [...e.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim()).map(n => {
    const range = document.createRange(); range.selectNodeContents(n)
    const box = range.getClientRects()[0]
    return [box.left, box.top, box.right, box.bottom, n.textContent.trim().slice(0, 40)] })
})"""
SHARPNESS = 3
"""Device pixels to one of CSS: strokes of small letters are then wide enough to reach their colour."""
MANY = 1 << 14
"""Colours of one line of text, at most."""


def list_faint(browser: Browser, html: str) -> list[str]:
    """Texts whose lightest and darkest pixels are too close where Chromium darkens a page by force."""
    context = browser.new_context(viewport={"width": 600, "height": 800}, device_scale_factor=SHARPNESS)
    page = context.new_page()
    page.route("**/*", lambda route: route.fulfill(body=PIXEL, content_type="image/png"))
    context.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
    # A page that knows dark colours is not darkened; clients that force it do not ask.
    html = html.replace("prefers-color-scheme: dark", "width: 0").replace("light dark", "light")
    page.set_content(html, wait_until="load")
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    boxes = page.evaluate(TEXTS)
    context.close()
    faint = []
    for *box, text in boxes:
        left, top, right, bottom = (round(side * SHARPNESS) for side in box)
        seen = shot.crop((left, top, right, bottom)).getcolors(MANY) or []
        rgb = [[channel / 255 for channel in each] for _, each in seen if isinstance(each, tuple)]
        light = [contrast(BLACK, (red, green, blue)) for red, green, blue in rgb]
        if max(light) / min(light) < 4.5:
            faint.append(text)
    return faint


@pytest.mark.parametrize("name", ISSUES)
def test_row_9_every_text_can_be_read_where_darkness_is_forced(browser: Browser, name: str) -> None:
    assert list_faint(browser, pages()[name]) == []


def test_row_9_a_text_that_forced_darkness_swallows_is_seen(browser: Browser) -> None:
    rows = '<p style="color:#8a8a8a;background:#eee">Faint</p><p style="color:#333;background:#eee">Plain</p>'

    assert list_faint(browser, f"<!DOCTYPE html><html><body>{rows}</body></html>") == ["Faint"]
