"""Which character encoding to believe."""

from __future__ import annotations

import codecs
import re
from typing import Final

# What "<" and "<?" begin with in the wide encodings without a byte-order mark (XML 1.0, appendix F).
_WIDE: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED: Final = re.compile(r"""(<\?xml[^>]{0,80}?)\s+encoding\s*=\s*["'][^"'>]*["']""")
_SINGLE_BYTE: Final = re.compile(r"(?:iso-?8859|windows-|cp)-?\d+|latin-?1|us-ascii|ascii", re.IGNORECASE)


def choose_charset(data: bytes, charset: str | None) -> str | None:
    """Say whether the charset that HTTP named is to be followed; None leaves it to the document.

    HTTP's word counts (RFC 7303, 3) but for a charset nobody knows, and for a server's blanket `ISO-8859-1`
    over a document that reads as UTF-8 and is not ASCII, which by chance it hardly ever does.
    """
    if not charset:
        return None
    try:
        codecs.lookup(charset)
    except (LookupError, ValueError):
        return None
    if _SINGLE_BYTE.fullmatch(charset) and not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return charset
        return None
    return charset


def narrow(data: bytes) -> bytes:
    """Give XML in UTF-16 or UTF-32 as UTF-8, without the encoding it declared; anything else as it is."""
    for mark, encoding in _WIDE:
        if data.startswith(mark):
            text = data.decode(encoding, "replace").removeprefix("\ufeff")
            return _DECLARED.sub(r"\1", text, count=1).encode("utf-8", "replace")
    return data
