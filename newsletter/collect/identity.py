"""What is the same article, decided from keys alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from newsletter.collect.proxies import unwrap

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

    http and https, `www.`, `m.` and `amp.`, a trailing slash, an index page, default ports, fragments,
    tracking parameters, the order of parameters and the spelling of escapes make no difference, nor do
    services that only lead on (proxies.py). Anything but http(s) is given back as it is.
    """
    text = unwrap(url.strip())
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return text
    if parts.scheme.lower() not in _PORTS or not host:
        return text
    host = re.sub(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)", "", host.lower())
    place = f":{port}" if port and port not in _PORTS.values() else ""
    path = quote(
        unquote(parts.path, errors="surrogateescape"), safe="/:@!$&'()*+,;=~-._", errors="surrogateescape"
    )
    path = _INDEX.sub("/", _AMP.sub("", path))
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=None)
    kept = sorted(pair for pair in pairs if not _is_tracking(*pair))
    query = urlencode(kept, errors="surrogateescape")
    # A path in the fragment is a page of its own ("#!/news/1").
    fragment = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    return f"{host}{place}{path}{'?' if query else ''}{query}{fragment}"


def without_tracking(url: str) -> str:
    """Give an address that can be fetched without the parameters that only tell where a reader came from."""
    start, mark, fragment = url.partition("#")
    path, question, query = start.partition("?")
    if not question:
        return url
    kept = [pair for pair in query.split("&") if not _is_only_tracking(pair.split("=", 1)[0])]
    return path + ("?" if kept else "") + "&".join(kept) + mark + fragment


def _is_only_tracking(name: str) -> bool:
    return bool(_TRACKING.fullmatch(name)) and name.lower() not in _SOMETIMES


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
        - `guid:` the source's id. A file's id (`file:`) is joined to the day, as it may hold another page
          later.
        - `link+title:` the canonical address and the title, so that two articles at one address are two.
        - `link+day:` the address and the day: an edited title under a new id.
        - `link:` the address alone, where it is all that there is: for an entry without an id.
        - `title:` title and day; `undated:` the title of a page that has neither date nor address.

        Addresses that can be no article's own, a bare host, count only with the title.
    """
    title = normal_title(entry.title) or normal_title((entry.text or entry.summary or "")[:200])
    day = entry.published.date().isoformat() if entry.published else ""
    guid, link = _normal_id(entry.id or ""), _canonical(entry)
    is_file = guid.startswith("file:")
    keys = []
    if guid:
        keys.append(f"guid:{source}:{guid}:{day}" if is_file else f"guid:{source}:{guid}")
    if link:
        keys.append(f"link+title:{link} {title}")
        own = _is_own_address(link)
        keys += [f"link+day:{link} {day}"] if own and day else []
        keys += [f"link:{link}"] if own and not guid else []
    if title and day:
        keys.append(f"title:{source}:{title}:{day}")
    elif title and not link and (is_file or not guid):
        keys.append(f"undated:{source}:{title}")
    return tuple(keys)


def identify(entries: Sequence[Entry], *, source: str) -> list[tuple[str, ...]]:
    """Give the keys of every entry of one document, without those that several of its articles share.

    A feed whose items all lead to one page, or all have one id or one title, tells its articles apart by the
    rest.

    Args:
        entries: all of one document, since only together they show what they share.
        source: as for `identity_keys`.
    """
    every = [identity_keys(entry, source=source) for entry in entries]
    owners: dict[str, set[tuple[str, str]]] = {}
    for entry, keys in zip(entries, every, strict=True):
        for key in keys:
            owners.setdefault(key, set()).add((_canonical(entry), normal_title(entry.title)))
    shared = {key for key, found in owners.items() if _are_different(key, found)}
    return [tuple(key for key in keys if key not in shared) for keys in every]


def _canonical(entry: Entry) -> str:
    return canonical_url(entry.own_link or entry.link or "")


def _are_different(key: str, articles: set[tuple[str, str]]) -> bool:
    if key.startswith("guid:"):
        # One id and one address with two titles is one article and its revision (RFC 4287, 4.1.1).
        return len({link for link, _ in articles}) > 1 and len({title for _, title in articles}) > 1
    return len(articles) > 1


def _normal_id(guid: str) -> str:
    """An id as it is, but for what publishers change in addresses; a fragment tells articles apart."""
    text = guid.strip()
    if re.match(r"https?://", text, re.IGNORECASE):
        return "//" + re.sub(r"^https?://(?:www\.)?", "", text, flags=re.IGNORECASE).rstrip("/")
    return text


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
    "link+day": "it has the same address and day",
    "link": "it has the same address",
    "title": "it has the same title on the same day",
    "undated": "it has the same title, and no date",
}


def match(keys: Sequence[str], known: Mapping[str, int]) -> Match:
    """Decide which known article an entry is: that of the strongest key which is known.

    Args:
        keys: of the entry, from `identify`.
        known: key to article, of all articles that may be meant; the keys that `identify` gave for them.

    Returns:
        The article, or None, with the reason. Keys of the entry that are new are to be stored with the
        article, so that it is known by them the next time.
    """
    for key in keys:
        if key in known:
            return Match(known[key], _REASONS[key.split(":", 1)[0]])
    return Match(None, "nothing like it is known")
