"""Asks axe, in Chromium, where both are installed; nothing is loaded from the network."""

from __future__ import annotations

import shutil
from importlib import resources, util
from typing import Any, Literal

from newsletter.errors import NewsletterError
from newsletter.review.outside import AxeViolation

MODES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTH, HEIGHT = 800, 900
_SECONDS = 30
_RULES_OFF = ("landmark-one-main", "region")
"""A mail is no page: a `main` in it would be wrong (emailmarkup.org, standards 2.6)."""


def find_missing_program() -> str | None:
    """What is not installed of what axe needs, or None."""
    for module, name in (("playwright", "Playwright"), ("axe_playwright_python", "axe-playwright-python")):
        if util.find_spec(module) is None:
            return name
    return None if _find_chromium() else "Chromium"


def _find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def ask_axe(html: str) -> tuple[AxeViolation, ...]:
    """What axe finds in a mail, on a light and on a dark screen.

    Raises:
        NewsletterError: The browser failed.

    """
    from playwright.sync_api import Error, sync_playwright

    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    found: list[AxeViolation] = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_find_chromium(), timeout=_SECONDS * 1000)
            for mode in MODES:
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=mode)
                page.route("**/*", lambda route: route.abort())
                page.set_content(html, wait_until="domcontentloaded", timeout=_SECONDS * 1000)
                page.evaluate(axe)
                options = {"rules": {name: {"enabled": False} for name in _RULES_OFF}}
                report = page.evaluate("options => axe.run(document, options)", options)
                found += [_to_violation(each, mode) for each in report["violations"]]
                page.close()
            browser.close()
    except Error as error:
        message = f"axe could not run in Chromium: {str(error).splitlines()[0]}"
        raise NewsletterError(message) from error
    return tuple(found)


def _to_violation(violation: dict[str, Any], mode: str) -> AxeViolation:
    nodes = violation["nodes"]
    snippet = " ".join(nodes[0]["html"].split())[:100] if nodes else ""
    return AxeViolation(
        rule=violation["id"],
        impact=violation.get("impact") or "minor",
        help=violation["help"],
        mode=mode,
        snippet=snippet,
        count=len(nodes),
    )
