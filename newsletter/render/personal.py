"""Compiling the marks of a rendered issue, and joining each reader's own values in."""

from __future__ import annotations

import binascii
import html
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, AnyStr, Literal

from newsletter.content import Recipient
from newsletter.errors import RenderError
from newsletter.render.marks import ATTRIBUTES, read_mark, split_marks

Place = Literal["html", "text"]
VARIANTS_KEPT = 256
"""So many bodies are kept taken apart: readers of different variants follow one another as they come."""


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
        RenderError: a slot has neither value nor fallback, or a block is torn apart.
    """
    pieces = _parse(text, nonce, place)
    verdicts = _decide_all(_conditions(pieces[1::2]), values)
    statics, slots = _choose(pieces[::2], pieces[1::2], verdicts)
    filled = ["".join(statics[0])]
    for slot, run in zip(slots, statics[1:], strict=True):
        filled += (_value(slot, values), *run)
    return "".join(filled)


def mask(text: str, nonce: str) -> str:
    """Replace every mark by `{slot}`, as for a hash over what all readers share."""
    pieces = _parse(text, nonce, "text")
    return "".join(_masked(piece) if index % 2 else piece for index, piece in enumerate(pieces))


def mask_body(blob: bytes) -> bytes:
    """Do the same to a compiled body; of a block it keeps the condition and every branch."""
    pieces = blob.split(b"\0")
    pieces[1::2] = [_encode(_masked(piece.decode("ascii"))) for piece in pieces[1::2]]
    return b"".join(pieces)


def compile_part(text: str, nonce: str, place: Place) -> list[bytes]:
    r"""Compile one body part for joining, as quoted-printable (RFC 2045 6.7).

    Every static piece begins and ends at the start of an encoded line (a soft line break `=\r\n` goes before
    and after each slot), so lines stay legal around any value, and where a block is left out.

    Returns:
        Pieces: even ones static octets, odd ones `place:slot:fallback` or `place:if:condition`,
        `place:else:`, `place:endif:`. The last is static.

    Raises:
        RenderError: a filter spoilt a mark, or a block is torn apart.
    """
    pieces = _parse(_canonical(text), nonce, place)
    return [piece.encode("ascii") if index % 2 else _encode(piece) for index, piece in enumerate(pieces)]


def pack(pieces: Sequence[bytes]) -> bytes:
    """Part pieces by NUL, which quoted-printable never holds: the form that RenderedIssue.mime keeps."""
    return b"\0".join(pieces)


@lru_cache(maxsize=VARIANTS_KEPT)
def unpack(blob: bytes) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Return the static octets and, one fewer, what stands between them."""
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
    if conditions := _conditions(slots):
        statics, slots = _chosen(blob, _decide_all(conditions, values))
    said = [_value(slot, values) for slot in slots]
    # A link stands in both parts, and mostly looks the same in them.
    encoded = {value: _encode(_canonical(value)) for value in dict.fromkeys(said)}
    joined = [statics[0]]
    for value, static in zip(said, statics[1:], strict=True):
        joined += (encoded[value], static)
    return joined


def decide(condition: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - it is JSON
    """Evaluate a condition for one reader; it never fails, whatever the values are.

    Args:
        condition: `["slot", name]`, `["value", x]`, or a word with conditions after it: `and`, `or`, `not`,
            `eq`, `ne`, `in`, `notin`.
        values: slot name to plain value.
    """
    word, first, *rest = condition
    if word == "slot":
        return values.get(first) or ""
    if word == "value":
        return first
    left = decide(first, values)
    if word == "not":
        return not left
    if word in {"and", "or"}:
        return left if bool(left) == (word == "or") else decide(rest[0], values)
    right = decide(rest[0], values)
    if word in {"eq", "ne"}:
        return (str(left) == str(right)) == (word == "eq")
    found = str(left) in ([str(each) for each in right] if isinstance(right, list) else str(right))
    return found == (word == "in")


@lru_cache(maxsize=16)
def _parse(text: str, nonce: str, place: Place) -> tuple[str, ...]:
    parts = split_marks(text, nonce)
    pieces = parts[:1]
    for word, payload, static in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces += (f"{place}:{word}:{payload}", static)
    return tuple(pieces)


@lru_cache(maxsize=512)
def _read(piece: str) -> tuple[str, str, str]:
    place, word, payload = piece.split(":")
    return place, *read_mark(word, payload)


@lru_cache(maxsize=VARIANTS_KEPT)
def _conditions(between: tuple[str, ...]) -> tuple[Any, ...]:
    read = [_read(piece) for piece in between]
    return tuple(json.loads(payload) for _, key, payload in read if key == "if")


def _decide_all(conditions: Sequence[Any], values: Mapping[str, str]) -> tuple[bool, ...]:
    return tuple(bool(decide(condition, values)) for condition in conditions)


@lru_cache(maxsize=2 * VARIANTS_KEPT)
def _chosen(blob: bytes, verdicts: tuple[bool, ...]) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Readers differ, but what they differ in makes few bodies: each is put together once."""
    statics, between = unpack(blob)
    kept, slots = _choose(statics, between, verdicts)
    return tuple(b"".join(run) for run in kept), tuple(slots)


def _choose(
    statics: Sequence[AnyStr], between: Sequence[str], verdicts: Sequence[bool]
) -> tuple[list[list[AnyStr]], list[str]]:
    """Leave out the branches that are not meant.

    Returns:
        The static pieces that follow one another, and the slots between those runs.
    """
    kept, slots = [[statics[0]]], []
    open_: list[bool] = []
    coming = iter(verdicts)
    for piece, static in zip(between, statics[1:], strict=True):
        _, key, _ = _read(piece)
        if key == "if":
            open_.append(next(coming))
        elif key == "else":
            open_[-1] = not open_[-1]
        elif key == "endif":
            open_.pop()
        elif all(open_):
            slots.append(piece)
            kept.append([])
        if all(open_):
            kept[-1].append(static)
    return kept, slots


def _masked(piece: str) -> str:
    _, key, payload = _read(piece)
    return f"{{{key} {payload}}}" if key == "if" else f"{{{key}}}"


def _value(piece: str, values: Mapping[str, str]) -> str:
    place, key, otherwise = _read(piece)
    value = values.get(key) or otherwise
    if not value and key not in values and not key.startswith(ATTRIBUTES):
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
