"""Links and images: where they lead, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from newsletter.review.headers import Faults
from newsletter.review.mail import Facts, Mail, is_loopback, place

_SHORTENERS = frozenset(
    [
        "bit.ly",
        "t.co",
        "tinyurl.com",
        "goo.gl",
        "ow.ly",
        "is.gd",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "lnkd.in",
        "t.ly",
        "clck.ru",
        "shorturl.at",
    ]
)
_VAGUE = frozenset(
    [
        "here",
        "click here",
        "click",
        "read more",
        "more",
        "learn more",
        "link",
        "this link",
        "this",
        "details",
        "continue",
        "go",
        "see more",
    ]
)
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_TARGETS = "//@id | //a/@name"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        return SplitResult("", "", url, "", "")


def _targets(mail: Mail) -> Iterator[tuple[Any, SplitResult]]:
    """Every link and image with its address; fragments are left out."""
    for element in mail.find("//a[@href] | //img[@src]"):
        url = element.get("href") or element.get("src") or ""
        if url.strip() and not url.startswith("#"):
            yield element, _split(url)


def http(mail: Mail, facts: Facts) -> Faults:
    """Our own links carry tokens, which http shows to everyone on the way."""
    own = _split(facts.base_url).hostname
    for element, url in _targets(mail):
        if url.scheme == "http" and url.hostname == own:
            yield "A link of ours is http. Set NEWSLETTER_BASE_URL to an https address.", place(element)
            return


def insecure(mail: Mail, facts: Facts) -> Faults:
    """Others' http links work, but clients warn of them, and images by http are not shown by many."""
    own = _split(facts.base_url).hostname
    for element, url in _targets(mail):
        if url.scheme == "http" and url.hostname != own:
            yield "This address is http. Use https where the site has it.", place(element)


def relative(mail: Mail, _: Facts) -> Faults:
    """A mail has no address of its own that a relative one could start from."""
    for element, url in _targets(mail):
        if not url.scheme:
            yield "This address is relative and leads nowhere in a mail. Make it absolute.", place(element)


def scheme(mail: Mail, _: Facts) -> Faults:
    """Clients drop javascript: and data:, and filters punish them."""
    for element, url in _targets(mail):
        if url.scheme and url.scheme.lower() not in _SCHEMES:
            yield f"A {url.scheme}: address has no place in a mail.", place(element)


def localhost(mail: Mail, _: Facts) -> Faults:
    """Only this machine can open it."""
    for element, url in _targets(mail):
        if is_loopback(url.hostname or ""):
            yield "This address leads to this machine only. Set NEWSLETTER_BASE_URL.", place(element)
            return


def empty(mail: Mail, _: Facts) -> Faults:
    """A link or image without an address."""
    for element in mail.find("//a[not(@id) and not(@name)] | //a[@href] | //img"):
        address = element.get("href") if element.tag == "a" else element.get("src")
        if (address or "").strip() in {"", "#"}:
            yield "This has no address. Give it one or take it out.", place(element)


def shortener(mail: Mail, _: Facts) -> Faults:
    """Filters distrust them, as senders of spam hide behind them."""
    for element, url in _targets(mail):
        if (url.hostname or "").removeprefix("www.") in _SHORTENERS:
            yield (
                f"{url.hostname} hides where it leads, which filters punish. Link the page itself.",
                place(element),
            )


def fragment(mail: Mail, _: Facts) -> Faults:
    """A link into the mail whose target is not there."""
    targets = set(mail.find(_TARGETS))
    for element in mail.find("//a[starts-with(@href, '#')]"):
        name = element.get("href")[1:]
        if name and name not in targets:
            yield f"Nothing in the mail is named {name}.", place(element)


def vague(mail: Mail, _: Facts) -> Faults:
    """Read out of its place, as screen readers list links, it says nothing (WCAG 2.4.4)."""
    for element in mail.find("//a[@href]"):
        said = re.sub(r"[\s.…:!>»→]+", " ", "".join(element.itertext())).strip().lower()
        if said in _VAGUE:
            yield f"“{said}” does not say where the link leads. Name the thing.", place(element)


def silent(mail: Mail, _: Facts) -> Faults:
    """A link without any text (WCAG 2.4.4): 72 of 100 mails have one."""
    for element in mail.find("//a[@href]"):
        said = "".join([*element.itertext(), *element.xpath(".//img/@alt"), element.get("aria-label") or ""])
        if not said.strip():
            yield "This link says nothing. Give it text, or its image an alt text.", place(element)
