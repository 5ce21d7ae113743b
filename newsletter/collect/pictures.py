"""The picture of a feed's entry: which, what it shows, and whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from newsletter.collect.plaintext import clean_title

_Fields = dict[str, Any]
_IMAGE: Final = re.compile(r"""<img\b[^>]*?\ssrc\s*=\s*["']([^"'>]+)["'][^>]*>""", re.IGNORECASE)
_ALT: Final = re.compile(r"""\salt\s*=\s*["']([^"'>]*)["']""", re.IGNORECASE)
_LONGEST_ALT: Final = 300
_IMAGE_NAME: Final = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)(?:[?#]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image's address as published, its alternative text and its credit."""

    url: str | None = None
    alt: str | None = None
    credit: str | None = None


def find_picture(fields: _Fields, html: str | None) -> Picture:
    """The picture of an entry: a named one, else an enclosed one, else the first in the body.

    Args:
        fields: of the entry, from feedparser; `media:` is Yahoo's Media RSS 1.5.
        html: its body, where the alternative text of a named picture may stand too.

    """
    credit = clean_title(str((fields.get("media_credit") or [{}])[0].get("content") or "")) or None
    in_body = {clean_title(found[1]): found[0] for found in reversed(list(_IMAGE.finditer(html or "")))}
    url = _find_named(fields) or next(reversed(in_body), None)
    if url is None:
        return Picture()
    alt = _ALT.search(in_body.get(url, ""))
    said = clean_title(alt[1]) if alt else ""
    caption = clean_title(str(fields.get("media_caption") or "")) if fields.get("media_content") else ""
    return Picture(url, said or (caption if len(caption) <= _LONGEST_ALT else None) or None, credit)


def _find_named(fields: _Fields) -> str | None:
    for media in fields.get("media_content") or []:
        if _is_picture(media):
            return str(media["url"])
    for media in fields.get("media_thumbnail") or []:
        if media.get("url"):
            return str(media["url"])
    for enclosed in fields.get("enclosures") or []:
        url, kind = enclosed.get("href") or enclosed.get("url"), str(enclosed.get("type") or "")
        if url and (kind.startswith("image/") or (not kind and _IMAGE_NAME.search(url))):
            return str(url)
    image = fields.get("image")
    return str(image["href"]) if isinstance(image, dict) and image.get("href") else None


def _is_picture(media: _Fields) -> bool:
    medium, kind, url = media.get("medium"), str(media.get("type") or ""), media.get("url")
    if not url:
        return False
    is_named_so = not medium and not kind and _IMAGE_NAME.search(url)
    return medium == "image" or kind.startswith("image/") or bool(is_named_so)
