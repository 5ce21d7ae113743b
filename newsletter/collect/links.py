"""Links as published made absolute, and links made safe to show."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
# Browsers drop these before they look at the scheme (WHATWG URL, 4.4), so "java\nscript:" is one to them.
_DROPPED: Final = re.compile(r"[\x00-\x1f\x7f]+")
_UNSAFE: Final = ' "<>`{}|^\u00a0\u2028\u2029'
_REFERENCE: Final = re.compile(
    r"""(?P<before>\s(?:href|src|data-src|poster)\s*=\s*)(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""",
    re.IGNORECASE,
)


def make_absolute(url: str | None, *bases: str | None) -> str | None:
    """Resolve a reference against the first base that is absolute (RFC 3986, 5), else leave it."""
    reference = _DROPPED.sub("", url or "").strip()
    if not reference:
        return None
    try:
        if urlsplit(reference).scheme:
            return reference
        for base in bases:
            if base and urlsplit(base).scheme:
                return urljoin(base, reference)
    except ValueError:
        # "http://[" has no host that can be read; it is kept as published.
        return reference
    return reference


def clean_link(url: str | None, base: str | None = None) -> str | None:
    """Make a link that is safe to put into a mail: absolute, http, https or mailto, nothing raw in it.

    None where it is none of these, such as `javascript:`, `data:`, `file:` or a relative link without a base.
    """
    reference = _DROPPED.sub("", url or "").strip()
    # Browsers read a backslash as a slash in these schemes.
    path, *rest = re.split(r"(?=[?#])", reference, maxsplit=1)
    absolute = make_absolute("".join([path.replace("\\", "/"), *rest]), base)
    if not absolute:
        return None
    try:
        parts = urlsplit(absolute)
        scheme, host, _port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _SCHEMES or (scheme != "mailto" and not host):
        return None
    return "".join(quote(char) if char in _UNSAFE else char for char in absolute)


def clean_web_link(url: str | None, base: str | None = None) -> str | None:
    """Make a link as `clean_link` does, of a thing that is fetched: None for mailto too."""
    found = clean_link(url, base)
    return None if not found or found.lower().startswith("mailto:") else found


def absolute_html(html: str, base: str | None) -> str:
    """Resolve the relative links and images in HTML as published; all else stays byte for byte."""
    if not base:
        return html

    def resolve(match: re.Match[str]) -> str:
        value = match["double"] if match["double"] is not None else match["single"]
        if not value or value.startswith("#") or ":" in value.split("/", 1)[0]:
            return match[0]
        return f'{match["before"]}"{(make_absolute(value, base) or value).replace(chr(34), "%22")}"'

    return _REFERENCE.sub(resolve, html)
