"""What is the same article, decided from keys alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.content import Entry

_TRACKING: Final = re.compile(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|igshid|mc_[ce]id|mkt_tok|_hs\w+|hsa_\w+|vero_\w+|oly_\w+_id"
    r"|wickedid|ref_src|ref_url|spm|cmpid|s_cid|ncid|ito|at_(?:medium|campaign|custom\d|link\w*|format|ptr\w*|bbc\w*)"
    r"|pk_\w+|piwik_\w+|mtm_\w+|matomo_\w+|xtor|rss|feed|source|smid|smtyp|partner|cid|soc_\w+|ns_\w+|amp|outputtype",
    re.IGNORECASE,
)
# These words carry meaning in some addresses, so they go only with a value that says "from a feed".
_SOMETIMES: Final = frozenset({"rss", "feed", "source", "partner", "cid", "amp", "outputtype"})
_FROM_FEED: Final = re.compile(
    r"(?:1|true|amp|)$|.*(?:rss|feed|atom|newsletter|twitter|facebook|social|email)", re.IGNORECASE
)
_INDEX: Final = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.IGNORECASE)
_AMP: Final = re.compile(r"/amp/?$|(?<=/)amp/(?=.)|\.amp(?=\.html?$|$)", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}


def canonical_url(url: str) -> str:
    """Reduce an address to what tells its article from others; not an address to fetch.

    http and https, `www.`, `m.` and `amp.`, a trailing slash, an index page, default ports, fragments, tracking
    parameters, the order of parameters and the spelling of escapes make no difference. Anything but http(s) is
    given back as it is.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return text
    if parts.scheme.lower() not in _PORTS or not host:
        return text
    host = re.sub(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)", "", host.lower())
    place = f":{port}" if port and port not in _PORTS.values() else ""
    path = quote(unquote(parts.path, errors="surrogateescape"), safe="/:@!$&'()*+,;=~-._", errors="surrogateescape")
    path = _INDEX.sub("/", _AMP.sub("", path))
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=None)
    kept = sorted(pair for pair in pairs if not _is_tracking(*pair))
    query = urlencode(kept, errors="surrogateescape")
    # A path in the fragment is a page of its own ("#!/news/1").
    fragment = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    return f"{host}{place}{path}{'?' if query else ''}{query}{fragment}"


def _is_tracking(name: str, value: str) -> bool:
    if not _TRACKING.fullmatch(name):
        return False
    return name.lower() not in _SOMETIMES or bool(_FROM_FEED.match(value))


def normal_title(title: str) -> str:
    """Reduce a title to its letters and figures, in one case and one form (NFKC)."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    return " ".join(re.findall(r"\w+", folded))


def identity_keys(entry: Entry, *, source: str) -> tuple[str, ...]:
    """Say by what an article is known again, the strongest first.

    Args:
        entry: as parsed or as cleaned.
        source: what names its source, such as its number; ids and titles count within it only.

    Returns:
        - `guid:` the source's id. A file's id (`file:`) is joined to the day, as a file may hold another page later.
        - `link:` the canonical address, with the title where the address is no article's own (a home page).
        - `link+title:` address and title, `title:` title and day: these tell two articles at one address apart.
        - `undated:` the title alone, for one without a date.
    """
    title = normal_title(entry.title) or normal_title((entry.text or entry.summary or "")[:200])
    day = entry.published.date().isoformat() if entry.published else ""
    keys = []
    guid = (entry.id or "").strip()
    if guid.startswith("file:"):
        keys.append(f"guid:{source}:{guid}:{day}")
    elif guid:
        keys.append(f"guid:{source}:{canonical_url(guid)}")
    if link := canonical_url(entry.link or ""):
        keys.append(f"link+title:{link}:{title}")
        if _is_own_address(link):
            keys.append(f"link:{link}")
    if title and day:
        keys.append(f"title:{source}:{title}:{day}")
    elif title and not link and not guid.startswith("tag:"):
        keys.append(f"undated:{source}:{title}")
    return tuple(keys)


def _is_own_address(link: str) -> bool:
    """Whether a canonical address can be one article's: it has a path or a query, not merely a host."""
    return bool(re.search(r"[/?#].", link))


@dataclass(frozen=True, slots=True)
class Match:
    """Which article an entry is, and why."""

    article: int | None
    reason: str


_REASONS: Final = {
    "guid": "it has the same id",
    "link+title": "it has the same address and title",
    "link": "it has the same address",
    "title": "it has the same title on the same day",
    "undated": "it has the same title, and no date",
}


def match(keys: Sequence[str], known: Mapping[str, int]) -> Match:
    """Decide which known article an entry is.

    Args:
        keys: of the entry, from `identity_keys`.
        known: key to article, of all keys of all articles that may be meant.

    Returns:
        The article of the strongest key that is known, or None. An address alone decides only where it is clear that
        no second article shares it: `known` must leave out the `link:` keys that `shared_links` names.
    """
    for key in keys:
        if key in known:
            return Match(known[key], _REASONS[key.split(":", 1)[0]])
    return Match(None, "nothing like it is known")


def shared_links(entries: Sequence[Sequence[str]]) -> frozenset[str]:
    """Name the `link:` keys that several entries of one fetch have, which thus belong to none of them alone.

    Args:
        entries: the keys of every entry in one document.
    """
    seen: dict[str, int] = {}
    for keys in entries:
        for key in set(keys):
            if key.startswith("link:"):
                seen[key] = seen.get(key, 0) + 1
    return frozenset(key for key, count in seen.items() if count > 1)
