"""HTML to plain text."""

from __future__ import annotations

import html
import re
import threading
from typing import Final

_BLOCK_NAMES: Final = (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption"
    " figure footer"
    " form h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section summary table tbody td"
    " tfoot th thead"
    " tr ul video"
)
_BLOCKS: Final = frozenset(_BLOCK_NAMES.split())
_SILENT_NAMES: Final = (
    "script style template iframe object svg math head title noembed noframes"
    " textarea select applet nav button"
)
_SILENT: Final = frozenset(_SILENT_NAMES.split())
_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|blink|br|center|cite|code|del|div|em|font|h[1-6]|i|img|ins|kbd|mark|nobr|p|q|s|samp"
    r"|script|small|span|strike|strong|style|sub|sup|tt|u|var|wbr)(?:\s[^<>]*)?/?>|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
# With attributes these are markup that went astray; without, the title may speak of them.
_EMBEDDED: Final = re.compile(
    r"<(?:applet|area|audio|base|embed|form|frame|frameset|iframe|input|link|map|meta|object|param|picture|source|svg"
    r"|table|td|tr|video)\s[^<>]*=[^<>]*>"
    r"|</(?:applet|audio|form|frame|frameset|iframe|map|object|picture|svg|table|td|tr|video)\s*>",
    re.IGNORECASE,
)
_WHOLE_PAGE: Final = re.compile(r"<(?:html|head|body)\b", re.IGNORECASE)
_INVISIBLE: Final = dict.fromkeys(map(ord, "\0\u200b\u2060\ufeff\u00ad"), None)
_TAG: Final = re.compile(r"<[a-z!/][^<>]*>|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)
_SCRIPT: Final = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)


_OWN: Final = threading.local()


class _Writer:
    """Receives the parser's events; it keeps no tree, so that depth costs nothing."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.paragraphs: list[list[str]] = [[]]
        self.silent = 0
        self.preformatted = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - the parser's protocol
        if tag in _SILENT:
            self.silent += 1
        elif tag == "body":
            self.silent = 0
        if tag in _BLOCKS:
            self.paragraphs.append(["- "] if tag == "li" else [])
        elif tag == "br":
            self.paragraphs[-1].append("\n")
        self.preformatted += tag == "pre"

    def end(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        if tag in _BLOCKS:
            self.paragraphs.append([])
        self.preformatted -= tag == "pre" and self.preformatted > 0

    def data(self, text: str) -> None:
        if not self.silent:
            self.paragraphs[-1].append(text if self.preformatted else re.sub(r"\s+", " ", text))

    def close(self) -> str:
        found = ["".join(pieces) for pieces in self.paragraphs]
        self.reset()
        lines = ("\n".join(" ".join(line.split()) for line in text.split("\n")).strip() for text in found)
        return "\n\n".join(re.sub(r"\n{2,}", "\n\n", text) for text in lines if text not in {"", "-"})


def html_to_text(source: str) -> str:
    """Give the text of HTML as paragraphs parted by blank lines.

    A `<br>` is a line's end, an `<li>` starts with "- ". What is not shown (scripts, styles, frames) is left
    out. Never fails: whatever is not HTML is text.
    """
    if "<" not in source:
        return "\n\n".join(
            " ".join(part.split()) for part in re.split(r"\n\s*\n", html.unescape(source)) if part.strip()
        )
    from lxml import etree

    parser = getattr(_OWN, "parser", None)
    if parser is None:
        # One for each thread: lxml studies the target of a new one for longer than a paragraph takes to read.
        parser = _OWN.parser = etree.HTMLParser(target=_Writer(), encoding="utf-8", huge_tree=True)
    # The parser stops at NUL.
    data = source.replace("\0", "").encode("utf-8", "replace")
    try:
        parser.feed(data if _WHOLE_PAGE.search(source[:20_000]) else b"<html><body>" + data)
        return str(parser.close())
    except etree.LxmlError:
        _OWN.parser = None
        return " ".join(_INLINE_TAG.sub(" ", source).split())


def clean_title(title: str, *, is_html: bool = True) -> str:
    """Make one plain line of a title: tags of formatting out, entities read, blanks joined.

    A tag that formats nothing, as in "How <iframe> works", is what the title is about and stays.
    """
    text = title
    if is_html and "<" in text:
        text = _SCRIPT.sub("", re.sub(r"<br\b[^<>]*>", " ", text, flags=re.IGNORECASE))
        text = _EMBEDDED.sub("", _INLINE_TAG.sub("", text))
    if is_html and "&" in text:
        text = html.unescape(text)
    return " ".join(text.translate(_INVISIBLE).split())


def as_html(value: str, media_type: str) -> str:
    """Give a feed's text as HTML; RSS names no type, so there a tag or an entity tells that it is HTML."""
    if media_type == "text/plain" and not _TAG.search(value):
        paragraphs = re.split(r"\n\s*\n", html.escape(value, quote=False))
        return "".join(f"<p>{part.strip()}</p>" for part in paragraphs if part.strip())
    return value
