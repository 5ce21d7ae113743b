"""HTML from sources made safe for mail and archive, and entries made safe as a whole."""

from __future__ import annotations

import html as html_names
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from newsletter.collect.links import clean_link
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
_LAZY: Final = ("data-src", "data-lazy-src", "data-original", "data-srcset", "srcset")
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
_LINKS: Final = frozenset({"href", "src", "cite", "data-src", "data-lazy-src", "data-original"})
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
            return None if tag == "img" and link and link.lower().startswith("mailto:") else link
        if name in {"width", "height", "colspan", "rowspan", "start"}:
            return found[0] if (found := _MEASURE.match(value.strip())) else None
        return value

    safe = nh3.clean(
        html.replace("\0", ""),
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


def _image(match: re.Match[str], base: str | None) -> str:
    attributes = {name: html_names.unescape(value) for name, value in _ATTRIBUTE.findall(match["attributes"])}
    source = _image_source(attributes, base)
    is_tiny = all(_TINY.fullmatch(attributes.get(name, "9")) for name in ("width", "height")) or any(
        attributes.get(name, "9").strip("0px") == "" for name in ("width", "height")
    )
    if not source or is_tiny or _TRACKERS.search(source):
        return ""
    kept = {"src": source, "alt": attributes.get("alt", "")}
    kept |= {name: attributes[name] for name in ("title", "width", "height") if name in attributes}
    written = " ".join(f'{name}="{html_names.escape(value)}"' for name, value in kept.items())
    return f"<img {written}>"


def _image_source(attributes: dict[str, str], base: str | None) -> str | None:
    """The real picture of one that scripts would load later; its `src` is then a placeholder or missing."""
    for name in _LAZY[:3]:
        if attributes.get(name):
            return attributes[name]
    if attributes.get("src"):
        return attributes["src"]
    for name in _LAZY[3:]:
        if first := attributes.get(name, "").split(",")[0].split():
            link = clean_link(first[0], base)
            return link if link and not link.startswith("mailto:") else None
    return None


def clean_entry(entry: Entry, base: str | None = None) -> Entry:
    """Make everything in an entry safe to store and show, the entries within it too.

    `base` is the address of its source, for links of an entry that has none itself. A link or an image that
    cannot be shown becomes None.
    """
    link = clean_link(entry.link, base)
    image = clean_link(entry.image, link or base)
    if image and (image.lower().startswith("mailto:") or _TRACKERS.search(image)):
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
            if (url := clean_link(enclosure.url, link or base)) and not url.lower().startswith("mailto:")
        ),
        similar=tuple(clean_entry(similar, base) for similar in entry.similar),
        trends=tuple(clean_entry(trend, base) for trend in entry.trends),
    )
