"""A mail taken apart for the rules: header fields as octets say them, both parts decoded, the HTML parsed."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

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
    articles: Mapping[int, str] = field(default_factory=dict)
    """Ids of the articles on the cards, to their titles."""
    previous_articles: frozenset[int] = frozenset()
    """Ids of those in the last issue that was sent."""
    problems: tuple[str, ...] = ()
    """What inlining the styles dropped or could only keep."""

    @property
    def is_rehearsal(self) -> bool:
        """Whether nothing can leave this machine: every route and the base URL are loopback."""
        return self.routes_are_loopback and is_loopback(urlsplit(self.base_url).hostname or "")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it would go over the wire."""

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

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message.get("Subject", ""))

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


def place(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    """Say where an element is: its line in the HTML part and how it begins."""
    markup = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    snippet = " ".join(markup.split())
    shown = snippet if len(snippet) <= _SNIPPET else snippet[: _SNIPPET - 1] + "…"
    return f"HTML line {element.sourceline}: {shown}"
