"""Makes one sheet of pictures per theme: light, dark, forced dark, images off, 320 px and right-to-left."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import personalise
from newsletter.render.themes import list_themes
from tests.support.mail_builders import make_publication, make_recipient, make_rich_digest

FOLDER = Path(__file__).parent / "pictures"
MODES = ("light", "dark", "forced dark", "images off", "right-to-left", "320 px")
WIDTH, NARROW, HEIGHT = 640, 320, 1700
SCALE = 0.5
COLOURS = 255


def main() -> None:
    """Look at every bundled theme in every mode."""
    FOLDER.mkdir(exist_ok=True)
    picture = make_picture()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for theme in list_themes(make_environment()):
            shots = [take(browser, theme, mode, picture) for mode in MODES]
            join(shots).save(FOLDER / f"theme-{theme}.png", optimize=True)
        browser.close()


def take(browser: Browser, theme: str, mode: str, picture: bytes) -> Image.Image:
    """The first screens of the sample issue."""
    arabic = {"language": "ar", "name": "الوضع في بيلاروس"} if mode == "right-to-left" else {}
    issue = render_issue(make_rich_digest(), make_publication(theme=theme, **arabic), make_environment())
    width = NARROW if mode == "320 px" else WIDTH
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if mode == "dark" else "light"
    )
    page = context.new_page()
    shown = b"" if mode == "images off" else picture
    page.route("**/*", lambda route: route.fulfill(body=shown, content_type="image/png"))
    if mode == "forced dark":
        context.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
    html = personalise(issue, make_recipient()).html
    if mode == "forced dark":
        # A page that knows dark colours is not darkened; clients that force it do not ask.
        html = html.replace("prefers-color-scheme: dark", "width: 0").replace("light dark", "light")
    page.set_content(html, wait_until="load")
    shot = Image.open(io.BytesIO(page.screenshot()))
    context.close()
    return shot


def join(shots: list[Image.Image]) -> Image.Image:
    """Side by side, smaller, in few colours."""
    sheet = Image.new("RGB", (sum(shot.width for shot in shots), HEIGHT), "white")
    left = 0
    for shot in shots:
        sheet.paste(shot, (left, 0))
        left += shot.width
    small = sheet.resize((int(sheet.width * SCALE), int(sheet.height * SCALE)), Image.Resampling.LANCZOS)
    return small.quantize(COLOURS, dither=Image.Dither.NONE)


def make_picture() -> bytes:
    """Hills before a sky: no picture of anybody's."""
    image = Image.new("RGB", (1200, 675), "#8fa7b8")
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 675), (300, 260), (560, 520), (820, 180), (1200, 600), (1200, 675)], fill="#3d4f5c")
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


if __name__ == "__main__":
    main()
