"""Signed links: short, bound to one purpose, with nothing readable in them."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from newsletter.errors import TokenError

_TAG = 16
_TIME = 4
_NUMBER = 8
_SHORTEST_KEY = 16


def sign(purpose: str, payload: int | bytes, keys: Sequence[bytes], issued_at: datetime | None = None) -> str:
    """Make a token.

    The tag is an HMAC-SHA256 over purpose, time and payload, cut to 128 bits; it also seeds the keystream
    that masks time and payload (the SIV construction of RFC 5297, with HMAC in both places). So a token is
    stable, says nothing to whoever reads it, and cannot be made or altered without the key.

    Args:
        purpose: such as `unsubscribe`; a token for one purpose is none for another.
        payload: a number of up to 64 bits (a subscription's), or some octets.
        keys: newest first; the first signs.
        issued_at: aware, for tokens that are to expire; None for those that never do.
    """
    if isinstance(payload, int):
        payload = payload.to_bytes(_NUMBER, "big")
    seconds = 0 if issued_at is None else int(issued_at.timestamp())
    plain = seconds.to_bytes(_TIME, "big") + payload
    key = _checked(keys)[0]
    tag = _tag(key, purpose, plain)
    raw = _key_id(key) + tag + _masked(key, purpose, tag, plain)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def verify(
    purpose: str,
    token: str,
    keys: Sequence[bytes],
    now: datetime | None = None,
    max_age: timedelta | None = None,
) -> bytes:
    """Return a token's payload.

    Args:
        purpose: the one it was signed for.
        token: as it came in the URL.
        keys: newest first; old keys go on verifying for as long as they are listed.
        now: aware; needed with `max_age`.
        max_age: refuses tokens that are older, that were signed without a time, or lie in the future.

    Raises:
        TokenError: forged, altered, too old, or for another purpose; which of them is not told.
    """
    raw = _decoded(token)
    key_id, tag, masked = raw[:1], raw[1 : 1 + _TAG], raw[1 + _TAG :]
    for key in _checked(keys):
        if not hmac.compare_digest(_key_id(key), key_id):
            continue
        plain = _masked(key, purpose, tag, masked)
        if hmac.compare_digest(_tag(key, purpose, plain), tag):
            _check_age(int.from_bytes(plain[:_TIME], "big"), now, max_age)
            return plain[_TIME:]
    raise _refused()


def verify_number(
    purpose: str,
    token: str,
    keys: Sequence[bytes],
    now: datetime | None = None,
    max_age: timedelta | None = None,
) -> int:
    """Return a token's payload where it is a number; see `verify`."""
    payload = verify(purpose, token, keys, now, max_age)
    if len(payload) != _NUMBER:
        raise _refused()
    return int.from_bytes(payload, "big")


def unsubscribe_url(base_url: str, token: str) -> str:
    """Return the address of the leave page and of the RFC 8058 one-click POST."""
    return f"{base_url.rstrip('/')}/unsubscribe/{token}"


def preferences_url(base_url: str, token: str) -> str:
    """Return the address of a subscription's preferences."""
    return f"{base_url.rstrip('/')}/preferences/{token}"


def confirm_url(base_url: str, token: str) -> str:
    """Return the address where a sign-up is confirmed."""
    return f"{base_url.rstrip('/')}/confirm/{token}"


def _refused() -> TokenError:
    return TokenError("This link is not valid, or no longer. Ask for a new one.")


def _checked(keys: Sequence[bytes]) -> Sequence[bytes]:
    if not keys or min(map(len, keys)) < _SHORTEST_KEY:
        raise ValueError(f"signing needs a key of {_SHORTEST_KEY} octets or more")
    return keys


def _hmac(key: bytes, label: bytes, *parts: bytes) -> bytes:
    message = b"".join([label, *[len(part).to_bytes(4, "big") + part for part in parts]])
    return hmac.digest(key, message, "sha256")


@lru_cache(maxsize=64)
def _label(*words: str) -> bytes:
    return b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)


@lru_cache(maxsize=16)
def _key_id(key: bytes) -> bytes:
    return _hmac(key, _label("key-id"))[:1]


def _tag(key: bytes, purpose: str, plain: bytes) -> bytes:
    return _hmac(key, _label("tag", purpose), plain)[:_TAG]


def _masked(key: bytes, purpose: str, tag: bytes, data: bytes) -> bytes:
    """Mask or unmask, up to the longest payload that anyone needs."""
    stream, size = b"", len(data)
    while len(stream) < size:
        stream += _hmac(key, _label("mask", purpose), tag, len(stream).to_bytes(4, "big"))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


def _decoded(token: str) -> bytes:
    """Decode, refusing every spelling but the one that `sign` gives."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
    if len(raw) < 1 + _TAG + _TIME or canonical != token:
        raise _refused()
    return raw


def _check_age(seconds: int, now: datetime | None, max_age: timedelta | None) -> None:
    if max_age is None:
        return
    if now is None:
        raise ValueError("max_age needs now")
    age = now - datetime.fromtimestamp(seconds, UTC)
    if not timedelta(0) - timedelta(minutes=5) <= age <= max_age:
        raise _refused()
