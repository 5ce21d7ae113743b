"""Makes one sheet of pictures per theme: five modes, each 600 px wide and 320 px wide below it."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from newsletter.content import Article, Card, Digest
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.message import personalise
from newsletter.render.themes import list_themes
from tests.support.mail_builders import make_publication, make_recipient, make_rich_digest

FOLDER = Path(__file__).parent / "pictures"
MODES = ("light", "dark", "forced dark", "images off", "right-to-left")
WIDTHS = (600, 320)
HEIGHT, GAP, LABEL = 1500, 24, 48
SCALE = 0.5
COLOURS = 255

TITLES = (
    "مينسك تسعى إلى استعادة الحوار العسكري مع العواصم الغربية",
    "حرس الحدود يتدربون مع زملائهم من لاتفيا",
    "ماذا تقول محاضر أحد عشر اجتماعًا بين عامي 2009 و2016 عن اعتماد الملحقين العسكريين",
    "ميزانية العام المقبل: المعاشات ترتفع والطرق تنتظر",
    "إضراب عمال البوتاس ينتهي بعد تسعة أيام",
)
SOURCES = ("الجزيرة", "بيلاروس اليوم", "رويترز")
SUMMARY = (
    "تواصل مينسك استراتيجية تهدف إلى تطبيع العلاقات مع واشنطن. والاقتصاد يفسر ذلك أكثر مما يفسره أي تهديد."
)
CATEGORIES = (
    ("الأمن", "السلطات توازن بين موسكو والمحادثات مع الناتو."),
    ("الاقتصاد", "النمو يتباطأ والأجور تتأخر عن الأسعار."),
)


def main() -> None:
    """Look at every bundled theme in every mode."""
    FOLDER.mkdir(exist_ok=True)
    picture = make_picture()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for theme in list_themes(make_environment()):
            pages = {mode: make_page(theme, mode) for mode in MODES}
            shots = {
                (width, mode): take(browser, pages[mode], mode, width, picture)
                for width, mode in product(WIDTHS, MODES)
            }
            join(shots).save(FOLDER / f"theme-{theme}.png", optimize=True)
        browser.close()


def make_page(theme: str, mode: str) -> str:
    """The sample issue as one reader gets it."""
    digest, publication, reader = make_rich_digest(), make_publication(theme=theme), make_recipient()
    if mode == "right-to-left":
        publication = replace(publication, language="ar", name="الوضع في بيلاروس")
        digest, reader = to_arabic(digest), replace(reader, name="ليلى")
    html = personalise(render_issue(digest, publication, make_environment()), reader).html
    if mode == "forced dark":
        # A page that knows dark colours is not darkened; clients that force it do not ask.
        html = html.replace("prefers-color-scheme: dark", "width: 0").replace("light dark", "light")
    return html


def to_arabic(digest: Digest) -> Digest:
    """The same issue with headlines, summaries and sources in Arabic; its last section stays as it is."""

    def told(article: Article) -> Article:
        title, source = TITLES[article.id % len(TITLES)], SOURCES[article.id % len(SOURCES)]
        return replace(
            article,
            title=title,
            source=source,
            summary=SUMMARY,
            language="ar",
            image_credit=None,
            image_alt=title,
        )

    def card(card: Card) -> Card:
        also, similar = tuple(map(told, card.also)), tuple(map(told, card.similar))
        return replace(card, article=told(card.article), also=also, similar=similar)

    sections = (
        replace(section, category=category, status=status, cards=tuple(map(card, section.cards)))
        for section, (category, status) in zip(digest.sections, CATEGORIES, strict=False)
    )
    return replace(digest, sections=(*sections, digest.sections[-1]))


def take(browser: Browser, html: str, mode: str, width: int, picture: bytes) -> Image.Image:
    """The first screens of it."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if mode == "dark" else "light"
    )
    page = context.new_page()
    shown = b"" if mode == "images off" else picture
    page.route("**/*", lambda route: route.fulfill(body=shown, content_type="image/png"))
    if mode == "forced dark":
        context.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
    page.set_content(html, wait_until="load")
    shot = Image.open(io.BytesIO(page.screenshot()))
    context.close()
    return shot


def join(shots: dict[tuple[int, str], Image.Image]) -> Image.Image:
    """One row per width, one column per mode, under its name; smaller, in few colours."""
    across, down = WIDTHS[0] + GAP, HEIGHT + LABEL
    sheet = Image.new("RGB", (across * len(MODES) - GAP, down * len(WIDTHS)), "white")
    draw = ImageDraw.Draw(sheet)
    for (width, mode), shot in shots.items():
        left, top = across * MODES.index(mode), down * WIDTHS.index(width)
        draw.text((left, top + 8), f"{mode}, {width} px", fill="black", font_size=28)
        sheet.paste(shot, (left, top + LABEL))
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
