"""Text pages: an article with its status line, similar articles, recent trends and the publication's name."""

from __future__ import annotations

import codecs
from datetime import UTC
from typing import TYPE_CHECKING, Final

from newsletter.collect.lines import split_lines
from newsletter.collect.sections import parse_sections
from newsletter.errors import ParseError

if TYPE_CHECKING:
    from datetime import tzinfo

    from newsletter.content import ParsedSource

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SELDOM: Final = 4
_INVISIBLE: Final = dict.fromkeys(map(ord, "\0\u200b\u2060\ufeff\u00ad"), None)


def decode_text(data: bytes, charset: str | None = None) -> str:
    """Turn the bytes of a page into text: byte-order mark, the charset it came with, UTF-8, Windows-1252.

    The last reads any bytes, so this never fails; U+FFFD stands for what a charset leaves undefined,
    and NUL is left out.
    """
    return _decode(data, charset).replace("\0", "")


def _decode(data: bytes, charset: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff")
    for named in (charset or "utf-8", "utf-8"):
        try:
            return data.decode(named)
        except (UnicodeDecodeError, LookupError):
            continue
    text = data.decode("utf-8", "replace")
    wrong, foreign = text.count("\ufffd"), sum(not letter.isascii() for letter in text)
    if wrong * _SELDOM < foreign:
        # A page in UTF-8 into which some of another encoding was pasted.
        return text
    return data.decode("cp1252", "replace")


def parse_text_page(data: bytes | str, *, charset: str | None = None, tz: tzinfo = UTC) -> ParsedSource:
    """Read a text page in the form of the seeds.

    Args:
        data: the page; bytes are decoded by `decode_text`.
        charset: the one that HTTP named.
        tz: the zone of dates without an offset.

    Raises:
        ParseError: there is no article in it.
    """
    text = decode_text(data, charset) if isinstance(data, bytes) else data
    page = parse_sections(split_lines(text.translate(_INVISIBLE), tz))
    if not page.entries:
        message = "the page has no text: expected a title and paragraphs, found none; check the file"
        raise ParseError(message)
    return page
