"""What a card says under its headline: nothing that the headline says already, and no feed's small print."""

from __future__ import annotations

import re

SHORTEST = 3
"""Words; `Comments` or `Read more` tell nobody anything."""
_CUT = r"[\[(]?(?:…|\.\.\.)[\])]?"
_SMALL_PRINT = (
    re.compile(r"\s*The post .{1,300} (?:appeared first|first appeared) on .{1,200}$", re.IGNORECASE),
    re.compile(
        rf"\s*(?:{_CUT})?\s*(?:Read|Continue|Keep) (?:more|reading|the full \w+|on)\b[^.!?]{{0,60}}$",
        re.IGNORECASE,
    ),
    re.compile(rf"\s*{_CUT}$"),
)


def tidy_summary(title: str, summary: str) -> str:
    """The summary without a trailing `Read more`, and none where it only repeats the title."""
    tidy = " ".join(summary.split())
    for small_print in _SMALL_PRINT:
        shorter = small_print.sub("", tidy)
        tidy = tidy if shorter == tidy else _end(shorter)
    if _fold(tidy).removesuffix("…").rstrip() in {_fold(title), ""}:
        return ""
    return tidy if len(tidy.split()) >= SHORTEST or len(tidy) > len("Read more here") else ""


def _end(text: str) -> str:
    """A text that was cut says so."""
    text = text.rstrip(" ,;:·-–—")
    return text if not text or text.endswith((".", "!", "?", "…", "”", "»")) else f"{text}…"


def _fold(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")
