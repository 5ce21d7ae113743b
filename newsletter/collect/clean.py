"""HTML from sources made safe for mail and archive, and entries made safe as a whole."""

from __future__ import annotations

import html as html_names
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from newsletter.collect.identity import without_tracking
from newsletter.collect.links import clean_link, clean_web_link
from newsletter.collect.plaintext import clean_title, html_to_text

if TYPE_CHECKING:
    from newsletter.content import Entry

__all__ = ["clean_entry", "clean_html", "clean_link", "clean_title", "html_to_text"]

_TAG_NAMES: Final = (
    "a abbr b bdi bdo blockquote br caption cite code dd del div dl dt em figcaption figure h1 h2"
    " h3 h4 h5 h6 hr"
    " i img ins kbd li mark ol p pre q rp rt ruby s samp small strong sub sup table tbody td tfoot"
    " th thead tr u"
    " ul var wbr"
)
_TAGS: Final = frozenset(_TAG_NAMES.split())
_LAZY_SOURCES: Final = ("data-src", "data-lazy-src", "data-original", "data-lazy")
_LAZY_SETS: Final = ("data-srcset", "data-lazy-srcset", "srcset")
_LAZY: Final = _LAZY_SOURCES + _LAZY_SETS
_CANDIDATE: Final = re.compile(r"([^\s,]\S*[^\s,])(?:\s+(\d{1,6}(?:\.\d{1,3})?)([wx]))?\s*(?:,|$)")
_MAIL_WIDTH: Final = 600
_PLACEHOLDER: Final = re.compile(r"placeholder|blank|spacer|lazy|loading|transparent", re.IGNORECASE)
_NOSCRIPT: Final = re.compile(r"<noscript\b[^>]*>(.{0,4000}?)</noscript\s*>", re.IGNORECASE | re.DOTALL)
_REAL_IMAGE: Final = re.compile(r"<img\b[^>]*\ssrc\s*=", re.IGNORECASE)
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height", *_LAZY},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "blockquote": {"cite"},
    "q": {"cite"},
}
_UNSEEN: Final = (
    "script style template iframe object embed applet noembed noframes noscript svg math textarea"
    " select xmp title"
    " plaintext"
)
_CONTENT_TAGS: Final = frozenset(_UNSEEN.split())
_LINKS: Final = frozenset({"href", "src", "cite", *_LAZY_SOURCES})
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_MEASURE: Final = re.compile(r"\d{1,4}")
_IMG: Final = re.compile(r'<img(?P<attributes>(?:\s+[a-z-]+="[^"]*")*)\s*/?>')
_ATTRIBUTE: Final = re.compile(r'([a-z-]+)="([^"]*)"')
_TINY: Final = re.compile(r"0*[012](?:px)?")
_TRACKERS: Final = re.compile(
    r"//(?:[\w.-]+\.)?(?:feedburner\.com/~r/|feeds\.wordpress\.com/|pixel\.wp\.com/|stats\.wordpress\.com/|b\.scorecardresearch"
    r"|pixel\.quantserve|doubleclick\.net/|google-analytics\.com/|feedsportal\.com/|rss\.buysellads|pi\.feedsportal"
    r"|www\.facebook\.com/tr\b|medium\.com/_/stat)",
    re.IGNORECASE,
)
_PIXEL: Final = re.compile(
    r"/(?:pixel|beacon|spacer|blank|clear|transparent|1x1|track(?:ing)?|open|count(?:er)?)(?:[-_.]?1x1)?\.(?:gif|png)(?:\?|$)"
    r"|/(?:pixel|beacon|trk|track|open)/[^?]*\.gif",
    re.IGNORECASE,
)
_EMPTY: Final = re.compile(r"<(p|div|figure|a|figcaption)(?:\s[^<>]*)?>\s*</\1>")


def clean_html(html: str, base: str | None = None) -> str:
    """Make HTML safe to put into a mail or an archive page.

    Args:
        html: anything that a source sent.
        base: the address of its article, for links that are relative; without it they are dropped.

    Returns:
        HTML of formatting, links, images, lists and tables only; no script, style, class, id, form, frame or
        comment; links and images http, https (links also mailto) and absolute; lazy images shown; tracking
        pixels left out.
    """
    import nh3

    def keep(tag: str, name: str, value: str) -> str | None:
        if name in _LINKS:
            link = clean_link(value, base)
            if tag == "a" and link:
                link = without_tracking(link)
            return None if tag == "img" and link and link.lower().startswith("mailto:") else link
        if name in {"width", "height", "colspan", "rowspan", "start"}:
            return found[0] if (found := _MEASURE.match(value.strip())) else None
        return value

    safe = nh3.clean(
        _NOSCRIPT.sub(_lazy_image, html.replace("\0", "")),
        tags=set(_TAGS),
        clean_content_tags=set(_CONTENT_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        strip_comments=True,
        link_rel="noopener noreferrer",
        url_schemes=set(_SCHEMES),
    )
    # nh3 writes every attribute in double quotes, so that its own output can be read by a pattern.
    shown = _IMG.sub(lambda match: _image(match, base), safe)
    return _EMPTY.sub("", _EMPTY.sub("", shown)).strip()


def _lazy_image(match: re.Match[str]) -> str:
    """What stands in a `<noscript>`, if it is a picture: the real one, which a script would load."""
    inside: str = match[1]
    return inside if _REAL_IMAGE.search(inside) else ""


def _image(match: re.Match[str], base: str | None) -> str:
    attributes = {name: html_names.unescape(value) for name, value in _ATTRIBUTE.findall(match["attributes"])}
    source = _image_source(attributes, base)
    # One tiny side is enough: nothing to be seen is two pixels high.
    is_tiny = any(_TINY.fullmatch(attributes.get(name, "9")) for name in ("width", "height"))
    if not source or is_tiny or _TRACKERS.search(source) or _PIXEL.search(source):
        return ""
    kept = {"src": source, "alt": attributes.get("alt", "")}
    kept |= {name: attributes[name] for name in ("title", "width", "height") if name in attributes}
    written = " ".join(f'{name}="{html_names.escape(value)}"' for name, value in kept.items())
    return f"<img {written}>"


def _image_source(attributes: dict[str, str], base: str | None) -> str | None:
    """The real picture of one that scripts would load later; its `src` is then a placeholder or missing."""
    for name in _LAZY_SOURCES:
        if attributes.get(name):
            return attributes[name]
    source = attributes.get("src")
    if source and not (_PLACEHOLDER.search(source) and attributes.get("data-srcset")):
        return source
    for name in _LAZY_SETS:
        if best := _best_of(attributes.get(name, "")):
            link = clean_link(best, base)
            return link if link and not link.startswith("mailto:") else None
    return source


def _best_of(candidates: str) -> str | None:
    """The picture of a `srcset` that is nearest above the width of a mail, else the largest."""
    found = [(float(size or 1), unit or "x", url) for url, size, unit in _CANDIDATE.findall(candidates)]
    widths: list[tuple[float, str]] = sorted((size, url) for size, unit, url in found if unit == "w")
    if widths:
        return next((url for size, url in widths if size >= _MAIL_WIDTH), widths[-1][1])
    return str(found[0][2]) if found else None


def clean_entry(entry: Entry, base: str | None = None) -> Entry:
    """Make everything in an entry safe to store and show, the entries within it too.

    `base` is the address of its source, for links of an entry that has none itself. A link or an image that
    cannot be shown becomes None.
    """
    link = clean_link(entry.own_link or entry.link, base)
    link = without_tracking(link) if link else None
    image = clean_web_link(entry.image, link or base)
    if image and _TRACKERS.search(image):
        image = None
    html = clean_html(entry.html, link or base) if entry.html else None
    return replace(
        entry,
        title=clean_title(entry.title, is_html=False),
        link=link,
        image=image,
        html=html or None,
        enclosures=tuple(
            replace(enclosure, url=url)
            for enclosure in entry.enclosures
            if (url := clean_web_link(enclosure.url, link or base))
        ),
        similar=tuple(clean_entry(similar, base) for similar in entry.similar),
        trends=tuple(clean_entry(trend, base) for trend in entry.trends),
    )
