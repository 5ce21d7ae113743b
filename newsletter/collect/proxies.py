"""Addresses that only lead on: the article's own address taken out of them, without asking anybody."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

_PARAMETERS: Final = {
    "google": ("url", "q"),
    "facebook": ("u",),
    "bing": ("url",),
    "umblr": ("z",),
    "yahoo": ("url",),
    "vk": ("to",),
    "reddit": ("url",),
    "youtube": ("q",),
    "linkedin": ("url",),
    "skimresources": ("url",),
    "feedsportal": ("u",),
}
"""By a word of the host: which parameter holds the address that the service leads to."""
_REDIRECTS: Final = re.compile(
    r"/(?:url|l\.php|news/apiclick\.aspx|redirect|away\.php|c|r)$|/\*?https?%3a", re.IGNORECASE
)
# https://cdn.ampproject.org/c/s/HOST/PATH and https://www.google.com/amp/s/HOST/PATH ("s" for https).
_AMP_CACHE: Final = re.compile(r"/(?:[cvi]|amp)/(?P<safe>s/)?(?P<rest>[\w-]+(?:\.[\w-]+)+/.*)$")
# http://go.theregister.com/feed/www.theregister.co.uk/PATH, http://feedproxy.google.com and their like name
# nothing in their path and are known again by title and day only.
_IN_PATH: Final = re.compile(r"/feed/(?P<rest>(?:[\w-]+\.)+[a-z]{2,}/.+)$")
_MOST_HOPS: Final = 3
_MOST_FIELDS: Final = 100


def unwrap(url: str) -> str:
    """Give the address that a redirecting service names in its own; any other address as it is.

    Known are the redirect parameters of search engines and social networks, AMP caches
    (https://developers.google.com/amp/cache/overview) and feed services that put the address into the path.
    """
    for _ in range(_MOST_HOPS):
        inner = _step(url)
        if inner is None:
            return url
        url = inner
    return url


def _step(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"}:
        return None
    words = host.split(".")
    if host.endswith("cdn.ampproject.org") or ("google" in words and parts.path.startswith("/amp/")):
        found = _AMP_CACHE.search(parts.path)
        return f"http{'s' if found['safe'] else ''}://{found['rest']}{_query(parts.query)}" if found else None
    if host.startswith("go.") and (named := _IN_PATH.search(parts.path)):
        return f"{parts.scheme}://{named['rest']}{_query(parts.query)}"
    names = next((names for word, names in _PARAMETERS.items() if word in words), ())
    return _parameter(parts.query, names) if _REDIRECTS.search(parts.path) else None


def _parameter(query: str, names: tuple[str, ...]) -> str | None:
    try:
        values = parse_qs(query, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    found = (values.get(name, [""])[0] for name in names)
    return next((value for value in found if re.match(r"https?://[^/]", value, re.IGNORECASE)), None)


def _query(query: str) -> str:
    return f"?{query}" if query else ""
