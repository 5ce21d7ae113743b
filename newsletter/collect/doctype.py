"""The internal part of a document type, where bombs and thefts are declared, taken out of a feed."""

from __future__ import annotations

import re
from typing import Final

_DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s[^\[>]{0,500}\[(?P<inside>.{0,100000}?)\]\s*>", re.DOTALL)
_ENTITY: Final = re.compile(rb"<!ENTITY\s+([A-Za-z][\w.-]{0,30})\s+(?:\"([^\"]{0,40})\"|'([^']{0,40})')\s*>")
# Markup is no text, and "&#38;" would make an entity of entities.
_LETTERS: Final = re.compile(rb"(?:[^&<%]|&#(?!0*38;|x0*26;|0*60;|x0*3c;)\w{1,8};)*", re.IGNORECASE)
_REFERENCE: Final = re.compile(rb"&([A-Za-z][\w.-]{0,30});")
_MOST_REFERENCES: Final = 100_000
_FAR: Final = 200_000


def drop_doctype(data: bytes) -> bytes:
    """Take out a document type that declares things, and put in what its short entities stand for.

    Entities of entities, external ones and long ones are left unread, so that they stay the words they are.
    feedparser would stop at most such documents.
    """
    found = _DOCTYPE.search(data[:_FAR])
    if not found:
        return data
    letters = {
        name: value
        for name, double, single in _ENTITY.findall(found["inside"])
        if _LETTERS.fullmatch(value := double or single)
    }
    rest = data[: found.start()] + data[found.end() :]
    if not letters:
        return rest
    return _REFERENCE.sub(lambda match: letters.get(match[1], match[0]), rest, count=_MOST_REFERENCES)
