"""Whether bytes are an HTML page, and which feed it names."""

from __future__ import annotations

import re
from typing import Final

from newsletter.collect.links import make_absolute
from newsletter.collect.plaintext import clean_title

_HTML: Final = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_ALTERNATE: Final = re.compile(rb"<link\b[^>]*>", re.IGNORECASE)


def find_feed_link(data: bytes, location: str = "") -> str | None:
    """Find the feed that an HTML page names (HTML, 4.6.6.4: `<link rel=alternate>` of a feed's type)."""
    for match in _ALTERNATE.finditer(data[:500_000]):
        tag = match[0].decode("utf-8", "replace")
        if re.search(r"alternate", tag, re.IGNORECASE) and re.search(
            r"application/(?:rss|atom|rdf|feed)\+?(?:xml|json)", tag, re.IGNORECASE
        ):
            href = re.search(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", tag, re.IGNORECASE)
            if href:
                return make_absolute(clean_title(href[1] or href[2] or href[3] or ""), location)
    return None


def is_html(data: bytes) -> bool:
    """Whether the bytes begin as an HTML page does."""
    return bool(_HTML.match(data.lstrip(b"\xef\xbb\xbf")[:5000]))
