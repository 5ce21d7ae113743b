"""Which character encoding to believe."""

from __future__ import annotations

import codecs
import re
from typing import Final

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
