"""What plain-text templates need: wrapping that never breaks a link, underlined headings, footnotes."""

from __future__ import annotations

import re
import unicodedata

from newsletter.render.marks import is_marked, without_marks

WIDTH = 78
"""Columns: RFC 5322 2.1.1 says lines SHOULD have no more."""

_STAND_IN = "Maria Example-Ivanova"
"""As long as what stands in the text where a slot is, more or less."""
_BLANKS = re.compile(r"\n{3,}")
_SENTENCE_END = re.compile(r"[.!?…؟][\"'”’»)]*(?=\s)")


def columns(text: str) -> int:
    """Return how wide a text stands in a fixed pitch: wide characters take two columns.

    Combining marks count as one, though they take none, as lines are measured in characters too.
    """
    text = without_marks(text, _STAND_IN)
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, indent: str = "", first: str | None = None, width: int = WIDTH) -> str:
    """Wrap one paragraph to `width` columns.

    Args:
        text: any white space in it counts as one blank.
        indent: put before every line.
        first: put before the first line in place of `indent`.
        width: columns, indent included.

    A word with `://` or a slot in it is never broken, however long; any other word longer than a line is.
    """
    lines: list[str] = []
    lead = indent if first is None else first
    line = ""
    for word in _words(text, width - max(columns(indent), columns(lead))):
        longer = f"{line} {word}" if line else word
        if line and columns(lead) + columns(longer) > width:
            lines.append(lead + line)
            lead, line = indent, word
        else:
            line = longer
    return "\n".join([*lines, (lead + line).rstrip()])


def _words(text: str, width: int) -> list[str]:
    words: list[str] = []
    for word in text.split():
        whole = "://" in word or is_marked(word) or columns(word) <= width
        words += [word] if whole else _broken(word, width)
    return words


def _broken(word: str, width: int) -> list[str]:
    pieces, piece, used = [], "", 0
    for character in word:
        wide = _columns(character)
        if piece and used + wide > width:
            pieces.append(piece)
            piece, used = "", 0
        piece += character
        used += wide
    return [*pieces, piece]


def heading(text: str, underline: str = "-") -> str:
    """Return a wrapped heading with a line of `underline` as long as its longest line."""
    wrapped = wrap(text)
    return f"{wrapped}\n{underline * max(columns(line) for line in wrapped.splitlines())}" if wrapped else ""


def brief(text: str, width: int) -> str:
    """Return what fits of a text: whole sentences if they fill half of `width`, else whole words and `…`."""
    if len(text) <= width:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: width + 1])]
    if ends and ends[-1] >= width // 2:
        return text[: ends[-1]]
    return (text[:width].rpartition(" ")[0].rstrip(" ,;:–—-") or text[: width - 1]) + "…"


def tidy(text: str) -> str:
    """Strip line ends, let no more than one blank line stand, and end with one newline."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return _BLANKS.sub("\n\n", lines).strip("\n") + "\n"


class Footnotes:
    """Numbers links in reading order; the same link keeps its first number."""

    def __init__(self) -> None:
        """Start at 1."""
        self._numbers: dict[str, int] = {}
        self._shown = 0

    def __call__(self, url: str) -> str:
        """Return the mark of a link, as `[3]`."""
        return f"[{self._numbers.setdefault(url, len(self._numbers) + 1)}]"

    def notes(self) -> str:
        """Return the lines `[3] https://…` for the links not yet listed."""
        fresh = list(self._numbers.items())[self._shown :]
        self._shown = len(self._numbers)
        return "\n".join(f"[{number}] {url}" for url, number in fresh)
