"""Slots: places in a rendered issue that each reader's own values are joined into."""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, Self

from newsletter.content import Recipient
from newsletter.errors import RenderError

Place = Literal["html", "text"]

SLOTS = frozenset({"unsubscribe_url", "preferences_url", "email", "name"})

_HEX = re.compile(r"(?:[0-9a-f]{2})*")


class Slot(str):
    """The mark that stands for one slot: ASCII letters, digits, `_` and `-` only.

    Premailer, libxml2's escaping of addresses and attribute quoting all leave such a word as it is.
    """

    __slots__ = ("key", "nonce")
    key: str
    nonce: str

    def __new__(cls, nonce: str, key: str, otherwise: str = "") -> Self:
        """Make the mark of slot `key`; `otherwise` stands in where a reader has no value."""
        slot = super().__new__(cls, f"slot-{nonce}-{key}-{otherwise.encode().hex()}-tols")
        slot.nonce = nonce
        slot.key = key
        return slot

    def or_else(self, value: str) -> Slot:
        """Return the same slot with a value for readers who have none."""
        return Slot(self.nonce, self.key, value)


class Subscriber:
    """What templates see as `subscriber`: an attribute for each slot, nothing else.

    The nonce keeps an article from forging a mark (and so a link that gives away a reader's token): it
    depends on the whole digest, the article included.
    """

    def __init__(self, nonce: str) -> None:
        """Take the issue's nonce, lower-case hexadecimal."""
        self._nonce = nonce

    def __getattr__(self, name: str) -> Slot:
        """Return the mark of a slot.

        Raises:
            RenderError: there is no such slot.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in SLOTS:
            known = ", ".join(sorted(SLOTS))
            message = f"subscriber.{name} is no slot. Templates may use: {known}."
            raise RenderError(message)
        return Slot(self._nonce, name)


@lru_cache(maxsize=64)
def _marks(nonce: str) -> re.Pattern[str]:
    return re.compile(rf"slot-{re.escape(nonce)}-([a-z_]+)-([0-9a-f]*)-tols")


def values_of(recipient: Recipient) -> dict[str, str]:
    """Return every slot's plain value for one recipient, `name` and `email` included."""
    return {"email": recipient.email, "name": recipient.name or "", **recipient.slots}


def fill(text: str, nonce: str, values: Mapping[str, str], place: Place) -> str:
    """Put values in for the marks of a text, escaped for its place.

    Args:
        text: a subject, text or HTML with marks in it.
        nonce: the issue's, see `newsletter.render.message.nonce_of`.
        values: slot name to plain value.
        place: `html` escapes for text and quoted attributes alike.

    Raises:
        RenderError: a slot has neither value nor fallback.
    """

    def value(match: re.Match[str]) -> str:
        return _value(f"{place}:{match[1]}:{match[2]}", values)

    return _marks(nonce).sub(value, text)


def mask(text: str, nonce: str) -> str:
    """Replace every mark by `{slot}`, as for a hash over what all readers share."""
    return _marks(nonce).sub(lambda match: "{" + match[1] + "}", text)


def compile_part(text: str, nonce: str, place: Place) -> list[bytes]:
    r"""Compile one body part for joining, as quoted-printable (RFC 2045 6.7).

    Every static piece begins and ends at the start of an encoded line (a soft line break `=\r\n` goes before
    and after each slot), so lines stay legal around any value.

    Returns:
        Pieces: even ones static octets, odd ones `place:slot:fallback in hexadecimal`. The last is static.
    """
    pieces: list[bytes] = []
    parts = _marks(nonce).split(_canonical(text))
    for index in range(0, len(parts) - 1, 3):
        static, key, otherwise = parts[index : index + 3]
        pieces += [_encode(static), f"{place}:{key}:{otherwise}".encode("ascii")]
    return [*pieces, _encode(parts[-1])]


def pack(pieces: Sequence[bytes]) -> bytes:
    """Part pieces by NUL, which quoted-printable never holds: the form that RenderedIssue.mime keeps."""
    return b"\0".join(pieces)


@lru_cache(maxsize=8)
def unpack(blob: bytes) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Return the static octets and, one fewer, the slots between them."""
    pieces = blob.split(b"\0")
    return tuple(pieces[::2]), tuple(piece.decode("ascii") for piece in pieces[1::2])


def join(blob: bytes, values: Mapping[str, str]) -> bytes:
    """Join the static octets of a compiled body with one reader's values.

    Args:
        blob: as `pack` made it.
        values: slot name to plain value.

    Raises:
        RenderError: a slot has neither value nor fallback.
    """
    return b"".join(join_parts(blob, values))


def join_parts(blob: bytes, values: Mapping[str, str]) -> list[bytes]:
    """Do the same but for the joining; what readers share are the same objects each time."""
    statics, slots = unpack(blob)
    encoded = {slot: _encode(_canonical(_value(slot, values))) for slot in dict.fromkeys(slots)}
    joined = [statics[0]]
    for slot, static in zip(slots, statics[1:], strict=True):
        joined += (encoded[slot], static)
    return joined


def _value(slot: str, values: Mapping[str, str]) -> str:
    place, key, otherwise = slot.split(":")
    value = values.get(key) or bytes.fromhex(otherwise).decode()
    if not value and key not in values:
        message = f"No value was given for the slot subscriber.{key}."
        raise RenderError(message)
    return html.escape(value, quote=True) if place == "html" else value


def _canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encode(text: str) -> bytes:
    """Encode so that the result ends at the start of an encoded line (or is empty).

    A sentinel after the text makes the encoder count one column more than is used and keeps it from seeing
    an end: the soft break then fits in 76 columns, and a blank before it is legal as it stands.
    """
    octets = (text + "x").encode("utf-8", "replace")
    encoded = binascii.b2a_qp(octets, istext=True)[:-1].replace(b"\n", b"\r\n")
    return encoded if not encoded or encoded.endswith(b"\r\n") else encoded + b"=\r\n"
