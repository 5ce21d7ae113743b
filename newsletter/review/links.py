"""Links and images: where they lead, and what they say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from newsletter.review.mail import Facts, Mail, is_loopback
from newsletter.review.rule import Faults, rule

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
_INSIDE = (".internal", ".intranet", ".lan", ".local", ".home", ".corp")
_TRACKING = re.compile(
    r"&(utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|_hsenc|_hsmi|mkt_tok|vero_id|oly_\w+id|twclid)=",
    re.IGNORECASE,
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


@rule(
    "links.http",
    "blocks-live",
    why="Our own links carry tokens, which http shows to everyone on the way.",
    fix="Set NEWSLETTER_BASE_URL to an https address.",
)
def http(mail: Mail, facts: Facts) -> Faults:
    own = _split(facts.base_url).hostname
    for element, url in _targets(mail):
        if url.scheme == "http" and url.hostname == own:
            yield "A link of ours is http.", element
            return


@rule(
    "links.insecure",
    "advises",
    why="Clients warn of http links, and many do not show images over http.",
    fix="Use https where the site has it.",
)
def insecure(mail: Mail, facts: Facts) -> Faults:
    own = _split(facts.base_url).hostname
    for element, url in _targets(mail):
        if url.scheme == "http" and url.hostname != own:
            yield "This address is http.", element


@rule(
    "links.relative",
    "blocks",
    why="A mail has no address of its own that a relative one could start from, so it leads nowhere.",
    fix="Write the whole address, with https:// and the host.",
)
def relative(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if not url.scheme:
            yield "This address is relative and leads nowhere in a mail.", element


@rule(
    "links.scheme",
    "blocks",
    why="Clients drop such addresses, and filters punish them.",
    fix="Use an https address; for an image, one that is on a server.",
)
def scheme(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if url.scheme and url.scheme.lower() not in _SCHEMES:
            yield f"A {url.scheme}: address has no place in a mail.", element


@rule(
    "links.localhost",
    "blocks-live",
    why="Only this machine can open it.",
    fix="Set NEWSLETTER_BASE_URL to the public address.",
)
def localhost(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if is_loopback(url.hostname or ""):
            yield "This address leads to this machine only.", element
            return


@rule(
    "links.empty",
    "blocks",
    why="A link or image without an address does nothing when it is opened.",
    fix="Give it an address or take it out.",
)
def empty(mail: Mail, _: Facts) -> Faults:
    for element in mail.find("//a[not(@id) and not(@name)] | //a[@href] | //img"):
        address = element.get("href") if element.tag == "a" else element.get("src")
        if (address or "").strip() in {"", "#"}:
            yield "This has no address.", element


@rule(
    "links.shortener",
    "advises",
    why="Filters distrust shortened links, as senders of spam hide behind them.",
    fix="Link the page itself.",
)
def shortener(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if (url.hostname or "").removeprefix("www.") in _SHORTENERS:
            yield f"{url.hostname} hides where it leads.", element


@rule(
    "links.fragment",
    "advises",
    why="A link into the mail does nothing where its target is not there.",
    fix="Give the target that id and that name, or take the link out.",
)
def fragment(mail: Mail, _: Facts) -> Faults:
    targets = set(mail.find(_TARGETS))
    for element in mail.find("//a[starts-with(@href, '#')]"):
        name = element.get("href")[1:]
        if name and name not in targets:
            yield f"Nothing in the mail is named {name}.", element


@rule(
    "links.vague",
    "advises",
    why="Screen readers list links out of their place, where such words say nothing (WCAG 2.4.4).",
    fix="Name the thing that the link leads to.",
)
def vague(mail: Mail, _: Facts) -> Faults:
    for element in mail.links:
        said = re.sub(r"[\s.…:!>»→]+", " ", "".join(element.itertext())).strip().lower()
        if said in _VAGUE:
            yield f"“{said}” does not say where the link leads.", element


@rule(
    "links.silent",
    "advises",
    why="A screen reader reads the address out where a link has no text (WCAG 2.4.4).",
    fix="Give it text, or its image an alt text.",
)
def silent(mail: Mail, _: Facts) -> Faults:
    for element in mail.links:
        said = "".join([*element.itertext(), *element.xpath(".//img/@alt"), element.get("aria-label") or ""])
        if not said.strip():
            yield "This link says nothing.", element


@rule(
    "links.private",
    "blocks-live",
    why="Readers are not in your network and cannot open it.",
    fix="Link a public address.",
)
def private(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if url.hostname and _is_inside(url.hostname) and not is_loopback(url.hostname):
            yield f"{url.hostname} is no public address.", element


def _is_inside(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".") or host.rstrip(".").endswith(_INSIDE)


@rule(
    "links.tracking",
    "advises",
    why="It tells the site where readers come from, and shows readers that they are counted.",
    fix="Take these parameters out of the address.",
)
def tracking(mail: Mail, _: Facts) -> Faults:
    for element, url in _targets(mail):
        if found := _TRACKING.search(f"&{url.query}"):
            yield f"{found[1]} is left in this address.", element
