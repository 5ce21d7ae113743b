"""One spelling for every address, and what may be shown or kept of it where the address itself may not."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from typing import TYPE_CHECKING

from newsletter.errors import AddressError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 254
"""Octets of a forward path without its brackets, RFC 5321 4.5.3.1.3."""

_INSIDE = re.compile(r"(?<=[@.])(?:local|localhost)$", re.IGNORECASE)
"""Names inside a house: the library refuses them, but rehearsals and small offices use them, as `.test`."""


def normalise_address(text: str) -> str:
    """Return the one spelling that an address is known by.

    The whole address is lower-cased: RFC 5321 2.4 lets a host tell `Ann` from `ann`, but none that people
    use does, while the same person often types both. Unicode is NFC, the domain is in its ASCII form.

    Args:
        text: As it was typed; spaces around it do not matter.

    Raises:
        AddressError: It is no address that can be mailed; the message is a reason without the address.

    """
    typed = text.strip()
    if not typed:
        raise AddressError("there is no address")
    if len(typed) > LONGEST:
        raise AddressError(f"longer than {LONGEST} characters")
    local, domain = _parse(typed)
    if "." not in domain and domain != "localhost":
        raise AddressError("the part after the @ is not a domain such as example.org")
    address = f"{unicodedata.normalize('NFC', local.lower())}@{domain}"
    if len(address.encode()) > LONGEST:
        raise AddressError(f"longer than {LONGEST} characters")
    return address


def _parse(typed: str) -> tuple[str, str]:
    """Return the local part as it was typed and the domain in its ASCII form."""
    # Its import takes 40 ms, which only those who read addresses should pay.
    from email_validator import EmailNotValidError, validate_email

    inside = _INSIDE.search(typed)
    try:
        found = validate_email(
            _INSIDE.sub("test", typed),
            check_deliverability=False,
            globally_deliverable=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError as error:
        raise AddressError(_as_reason(str(error))) from error
    domain = str(found.ascii_domain).lower()
    if inside is not None:
        domain = domain.removesuffix("test") + inside[0].lower()
    return str(found.local_part), domain


def _as_reason(said: str) -> str:
    """Their sentences begin with a capital and end with a full stop; reasons stand inside others."""
    return (said[:1].lower() + said[1:]).rstrip(".")


def mask_address(email: str) -> str:
    """Enough for its owner to recognise, too little for a stranger to write to."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def keyed_hash(use: str, value: str, key: bytes) -> str:
    """Return a hash that says nothing without the key: HMAC-SHA256, 64 hexadecimal digits."""
    return hmac.new(key, f"{use}\0{value}".encode(), hashlib.sha256).hexdigest()


def address_hashes(email: str, keys: Sequence[bytes]) -> tuple[str, ...]:
    """Return what a suppression of this address may be kept as: by the newest key first, then by older ones.

    A suppression outlives the rotation of keys for as long as the old key stays listed.
    """
    return tuple(keyed_hash("suppression", email, key) for key in keys)


def address_hash(email: str, keys: Sequence[bytes]) -> str:
    """Return what a new suppression of this address is kept as."""
    return address_hashes(email, keys)[0]
