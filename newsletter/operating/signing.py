"""Use case: make a DKIM key, and say what DNS and the settings must hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from newsletter.errors import StateError
from newsletter.operating.setup import write_once

if TYPE_CHECKING:
    from pathlib import Path

RECORD_STRING = 255
"""Octets in one string of a TXT record (RFC 1035 3.3.14); receivers join several without a blank."""


@dataclass(frozen=True, slots=True)
class NewDkimKey:
    """A key that was made just now."""

    file: str
    domain: str
    selector: str
    record_name: str
    record: str
    """The text of the TXT record, whole."""
    zone_line: str
    """The same as a line of a zone file, in strings of at most 255 octets."""
    settings: str
    """What newsletter.toml must hold."""


def make_dkim_key(domain: str, selector: str, kind: Literal["rsa", "ed25519"], path: Path) -> NewDkimKey:
    """Make a private key in a file of mode 0600.

    Raises:
        ConfigError: Domain or selector is no name, or the file cannot be written.
        StateError: The file is there already; a key in use is never overwritten.

    """
    from newsletter.deliver.dkim import make_key

    key, pem = make_key(domain, selector, kind)
    if not write_once(path, pem.decode()):
        message = f"{path} is there already and may be in use: give another --out, or remove it first"
        raise StateError(message)
    strings = [key.record[at : at + RECORD_STRING] for at in range(0, len(key.record), RECORD_STRING)]
    quoted = " ".join(f'"{each}"' for each in strings)
    return NewDkimKey(
        file=str(path),
        domain=key.domain,
        selector=key.selector,
        record_name=key.record_name,
        record=key.record,
        zone_line=f"{key.record_name}. IN TXT ({quoted})",
        settings=f'[[dkim]]\ndomain = "{key.domain}"\nselector = "{key.selector}"\nkey_file = "{path}"',
    )
