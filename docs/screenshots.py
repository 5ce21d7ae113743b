"""Makes the pictures of the README: runs the demo, signs in to its editor, and looks at it in Chromium."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "pictures"


def main() -> None:
    """Start the demo on a free port, take the pictures, end it."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "newsletter", "demo", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            look(demo)
        finally:
            demo.send_signal(signal.SIGINT)


def look(demo: subprocess.Popen[str]) -> None:
    """Read the addresses that the demo prints, and take the pictures."""
    said = ""
    for line in demo.stdout or ():
        said += line
        if "Ctrl-C" in line:
            break
    base = re.findall(r"http://localhost:\d+", said)
    sign_in = re.search(r"sign in with (\S+) and the password (\S+)", said)
    if not base or not sign_in:
        sys.exit(f"the demo ended early:\n{said}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        take_issue(browser, base[-1])
        take_preview(browser, base[-1], *sign_in.groups())
        browser.close()


def take_issue(browser: Browser, base: str) -> None:
    """The newest issue, light and dark, as its archive page shows it."""
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 640, "height": 1180}, color_scheme=scheme)
        page.goto(f"{base}/archive/4", wait_until="networkidle")
        page.screenshot(path=FOLDER / f"issue-{scheme}.png")
        page.close()


def take_preview(browser: Browser, base: str, email: str, password: str) -> None:
    """The editor's page of the draft that waits."""
    page = browser.new_page(viewport={"width": 1100, "height": 1700})
    page.goto(f"{base}/editor/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main form button")
    page.goto(f"{base}/editor/issues/5", wait_until="networkidle")
    page.screenshot(path=FOLDER / "preview.png")
    page.close()


if __name__ == "__main__":
    main()
