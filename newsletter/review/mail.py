"""A mail taken apart for the rules: header fields as octets say them, both parts decoded, the HTML parsed."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from newsletter.review.outside import Outside
from newsletter.review.styles import Styles, parse_styles

_SNIPPET = 80


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know beside the mail itself."""

    base_url: str
    routes_are_loopback: bool = False
    """Whether every SMTP route leads to this machine."""
    address: str | None = None
    """The publication's postal address."""
    preheader: str = ""
    lead_url: str | None = None
    """Where the first card leads."""
    articles: Mapping[int, str] = field(default_factory=dict)
    """Ids of the articles on the cards, to their titles."""
    previous_articles: frozenset[int] = frozenset()
    """Ids of those in the last issue that was sent."""
    problems: tuple[str, ...] = ()
    """What inlining the styles dropped or could only keep."""
    nameless: str | None = None
    """The text part as a reader without a name gets it."""
    empty_sections: tuple[str, ...] = ()
    """Categories without a card."""
    date: datetime | None = None
    """When it is to go out."""
    now: datetime | None = None
    is_out: bool = False
    """Whether it went out already, or is going out."""
    allowed_features: Mapping[str, str] = field(default_factory=dict)
    """Slugs of caniemail features that the theme uses knowingly, to the reason."""
    outside: Outside = field(default_factory=Outside)

    @property
    def is_rehearsal(self) -> bool:
        """Whether nothing can leave this machine: every route and the base URL are loopback."""
        return self.routes_are_loopback and is_loopback(urlsplit(self.base_url).hostname or "")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a mail."""

    where: str
    line: int | None = None
    snippet: str | None = None
    card: str | None = None


@dataclass(frozen=True, eq=False)
class Mail:
    """One message as it would go over the wire; what several rules need of it is worked out once."""

    raw: bytes
    head: bytes
    """The header block with its last CRLF."""
    fields: tuple[tuple[str, str], ...]
    """Name and unfolded value of each header field, in order; octets beyond ASCII as Latin-1."""
    message: EmailMessage
    parts: tuple[str, ...]
    """Content types of the leaves."""
    text: str
    html: str
    tree: Any
    """The HTML part's root element, or None."""

    def values(self, name: str) -> list[str]:
        """Return the values of a header field, its name in any case."""
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def value(self, name: str) -> str:
        """Return the first value of a header field, or nothing."""
        return next(iter(self.values(name)), "")

    def find(self, path: str) -> list[Any]:
        """Return the elements that an XPath selects."""
        return [] if self.tree is None else list(self.tree.xpath(path))

    @cached_property
    def styles(self) -> Styles:
        """Every style block and attribute, parsed."""
        return parse_styles(self.tree)

    @cached_property
    def links(self) -> list[Any]:
        """Every link that has an address, in order."""
        return self.find("//a[@href]")

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message.get("Subject", ""))

    @cached_property
    def seen(self) -> str:
        """The words of the HTML part that are not in a hidden part of it."""
        if self.tree is None:
            return ""
        hidden = "not(ancestor::*[contains(translate(@style, ' ', ''), 'display:none')])"
        outside = "not(ancestor::style or ancestor::head or ancestor::script)"
        return " ".join(" ".join(self.tree.xpath(f"//text()[{outside} and {hidden}]")).split())

    @property
    def sender_domain(self) -> str:
        """The domain of From, lower case."""
        return parseaddr(self.value("From"))[1].rpartition("@")[2].lower()

    @property
    def leave_url(self) -> str:
        """The address in List-Unsubscribe that is no mailto."""
        found = re.search(r"<(https?://[^>]*)>", self.value("List-Unsubscribe"))
        return found[1] if found else ""


def parse_mail(raw: bytes) -> Mail:
    """Take a message apart; whatever is wrong with it is left for the rules to say."""
    head, _, _ = raw.partition(b"\r\n\r\n")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    html = _content(leaves, "text/html")
    return Mail(
        raw=raw,
        head=head + b"\r\n",
        fields=tuple(_fields(head)),
        message=message,
        parts=tuple(part.get_content_type() for part in leaves),
        text=_content(leaves, "text/plain"),
        html=html,
        tree=_tree(html),
    )


def list_addresses(mail: Mail, base_url: str) -> tuple[str, ...]:
    """Every http and https address of others that a mail links or shows, once, in order."""
    own = urlsplit(base_url).netloc.lower()
    found = []
    for element in mail.find("//a[@href] | //img[@src]"):
        url = (element.get("href") or element.get("src") or "").strip()
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme.lower() in {"http", "https"} and parts.netloc.lower() != own:
            found.append(url)
    return tuple(dict.fromkeys(found))


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        yield name, value.strip()


def _content(leaves: list[EmailMessage], kind: str) -> str:
    for part in leaves:
        if part.get_content_type() == kind:
            content: bytes = part.get_payload(decode=True) or b""  # type: ignore[assignment]  # any leaf decodes to bytes
            return content.decode("utf-8", "replace").replace("\r\n", "\n")
    return ""


def _tree(html: str) -> Any:  # noqa: ANN401 - lxml has no types
    # As octets: libxml2 refuses a str that begins with an XML declaration.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    return etree.fromstring(html.encode("utf-8", "replace"), parser)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def locate(where: Any, titles: frozenset[str]) -> Spot:  # noqa: ANN401 - lxml has no types
    """Say where a fault is.

    Args:
        where: an element of the HTML part, a spot, or words.
        titles: of the cards; the one that an element belongs to is named.
    """
    if isinstance(where, Spot):
        return where
    if isinstance(where, str):
        return Spot(where)
    snippet = snippet_of(where)
    line = where.sourceline
    return Spot(f"HTML line {line}: {snippet}", line, snippet, _card_of(where, titles))


def snippet_of(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    """How an element begins, on one line."""
    markup = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    snippet = " ".join(markup[: _SNIPPET * 50].split())
    return snippet if len(snippet) <= _SNIPPET else snippet[: _SNIPPET - 1] + "…"


def _card_of(element: Any, titles: frozenset[str]) -> str | None:  # noqa: ANN401 - lxml has no types
    """The one title in the smallest part around an element that holds any."""
    for part in (element, *element.iterancestors()):
        found = {"".join(each.itertext()).strip() for each in part.iter("a", "h2", "h3", "h4")} & titles
        if found:
            return found.pop() if len(found) == 1 else None
    return None
