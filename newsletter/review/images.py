"""Images: of a kind that clients show, not too heavy, and there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from newsletter.review.mail import Facts, Mail
from newsletter.review.outside import LinkAnswer
from newsletter.review.rule import Faults, rule

HEAVIEST = 200_000
WIDEST = 600
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/jpg", "image/pjpeg", "image/apng"})
_NOT_SHOWN = {
    "webp": "Outlook for Windows",
    "svg": "Gmail and Outlook",
    "avif": "Outlook and most webmail",
    "heic": "all but Apple Mail",
    "heif": "all but Apple Mail",
    "tif": "all but Apple Mail",
    "tiff": "all but Apple Mail",
    "bmp": "Gmail on phones",
    "ico": "Outlook",
}


@rule(
    "images.kind",
    "advises",
    why="Clients that do not know the format show a gap.",
    fix="Use JPEG or PNG.",
)
def kind(mail: Mail, _: Facts) -> Faults:
    for image in mail.find("//img[@src]"):
        suffix = _suffix(image.get("src"))
        if suffix in _NOT_SHOWN:
            yield f"A .{suffix} image is not shown by {_NOT_SHOWN[suffix]}.", image


@rule(
    "images.wide",
    "advises",
    why="Outlook widens the whole mail to the image.",
    fix="Give it a width of 600 or less; the file may be twice as wide.",
)
def wide(mail: Mail, _: Facts) -> Faults:
    for image in mail.find("//img[@width]"):
        width = image.get("width").removesuffix("px").strip()
        if width.isdecimal() and int(width[:9]) > WIDEST:
            yield f"This image is {width} pixels wide; the mail has {WIDEST}.", image


@rule(
    "images.dead",
    "advises",
    why="Readers see a gap or a broken picture.",
    fix="Put another image in or take it out.",
    lints=False,
)
def dead(mail: Mail, facts: Facts) -> Faults:
    for image, answer in _answered(mail, facts):
        if answer.status is not None and answer.status >= 400:  # noqa: PLR2004 - HTTP's own border
            yield f"This image is not there: {answer.status}.", image


@rule(
    "images.no-image",
    "advises",
    why="A page or another file where an image should be shows nothing.",
    fix="Link the image file itself, JPEG or PNG.",
    lints=False,
)
def no_image(mail: Mail, facts: Facts) -> Faults:
    for image, answer in _answered(mail, facts):
        known = (answer.content_type or "").partition(";")[0].strip().lower()
        if (
            known
            and _is_there(answer)
            and known not in _SHOWN
            and _suffix(image.get("src")) not in _NOT_SHOWN
        ):
            yield f"This address gives {known}, which mail clients do not show as an image.", image


@rule(
    "images.heavy",
    "advises",
    why="On a phone's connection the image comes late or not at all.",
    fix="Save it at twice its width in the mail and at a lower quality: 200 kB is plenty.",
    lints=False,
)
def heavy(mail: Mail, facts: Facts) -> Faults:
    for image, answer in _answered(mail, facts):
        if _is_there(answer) and answer.size is not None and answer.size > HEAVIEST:
            yield f"This image has {answer.size / 1000:,.0f} kB.", image


def _answered(mail: Mail, facts: Facts) -> Iterator[tuple[Any, LinkAnswer]]:
    answers = {answer.url: answer for answer in facts.outside.links}
    for image in mail.find("//img[@src]"):
        if answer := answers.get(image.get("src").strip()):
            yield image, answer


def _is_there(answer: LinkAnswer) -> bool:
    return answer.status is not None and answer.status < 300  # noqa: PLR2004 - HTTP's own border


def _suffix(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:
        return ""
