"""DKIM signatures (RFC 6376), relaxed/relaxed: RSA-SHA256 and, as a second one, Ed25519-SHA256 (RFC 8463)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from newsletter.deliver.wire import Shape, keep_parts, normalise_line_ends, split_at_lines
from newsletter.errors import ConfigError

Kind = Literal["rsa", "ed25519"]

SIGNED_FIELDS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "CFBL-Address",
    "CFBL-Feedback-ID",
)
"""reliability.md D18; RFC 8058 3.1 asks for the two that leave a list, RFC 9477 for those of complaints."""

RSA_BITS = 2048
RSA_BITS_LEAST = 1024
"""RFC 8301 3.2: signers must not use less; verifiers ignore such signatures."""
_LINE = 76
_NAME = re.compile(r"(?=.{1,255}\Z)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One private key under the name by which receivers find its public half.

    Raises:
        ConfigError: domain or selector is no name that DNS can hold.
    """

    domain: str
    """The tag `d=`; lower case."""
    selector: str
    """The tag `s=`."""
    key: RSAPrivateKey | Ed25519PrivateKey

    def __post_init__(self) -> None:
        for what, name in (("domain", self.domain), ("selector", self.selector)):
            if not _NAME.fullmatch(name):
                raise ConfigError(f"dkim: {name!r} cannot be a {what}; give a name such as mail2026")

    @property
    def kind(self) -> Kind:
        """The `k=` of its record."""
        return "rsa" if isinstance(self.key, RSAPrivateKey) else "ed25519"

    @property
    def record_name(self) -> str:
        """Where DNS keeps its public half (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the TXT record there (RFC 6376 3.6.1, RFC 8463 4.2)."""
        public, encoding = self.key.public_key(), serialization.Encoding
        if isinstance(self.key, RSAPrivateKey):
            octets = public.public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = public.public_bytes(encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(octets).decode()}"

    def is_aligned(self, domain: str) -> bool:
        """Whether mail from that domain may carry this signature (RFC 7489 3.1.1, relaxed)."""
        return domain == self.domain or domain.endswith("." + self.domain)

    def sign(self, data: bytes) -> bytes:
        """Sign the canonical header fields."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(data, PKCS1v15(), hashes.SHA256())
        # RFC 8463 3: Ed25519 signs the hash, not the fields.
        return self.key.sign(hashlib.sha256(data).digest())


def load_key(domain: str, selector: str, pem: bytes) -> DkimKey:
    """Read a private key.

    Args:
        domain: of `d=`, any case; in ASCII, so an international one in its `xn--` form.
        selector: of `s=`.
        pem: the PEM file, PKCS #8 or PKCS #1, without a password.

    Raises:
        ConfigError: it is no such key, is of another kind, or has fewer than 1024 bits.
    """
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"no private key in PEM without a password ({error})") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError("neither an RSA nor an Ed25519 key")
    if isinstance(key, RSAPrivateKey) and key.key_size < RSA_BITS_LEAST:
        raise ConfigError(
            f"the RSA key has {key.key_size} bits; receivers ignore fewer than {RSA_BITS_LEAST}"
        )
    return DkimKey(domain.lower(), selector.lower(), key)


def make_key(domain: str, selector: str, kind: Kind) -> tuple[DkimKey, bytes]:
    """Make a new key; gives it and its PEM file (PKCS #8)."""
    key: RSAPrivateKey | Ed25519PrivateKey
    key = generate_private_key(65537, RSA_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return DkimKey(domain.lower(), selector.lower(), key), pem


def sign_message(message: Shape, keys: Sequence[DkimKey], *, at: int) -> Shape:
    """Put one DKIM-Signature per key before a message, the first key's on top.

    The body is hashed once for all keys. From is signed once more than it occurs, so that a second one
    put in on the way breaks the signature (RFC 6376 8.15).

    Args:
        message: header fields and body; its line ends are made what the session would make them, or the
            signature would break.
        keys: none leaves the message as it is.
        at: seconds since 1970, for `t=`.

    Returns:
        The signed message.
    """
    if not keys:
        return message
    signed = _sign_parts([_with_line_ends(part) for part in split_at_lines(message)], keys, at)
    return b"".join(signed) if isinstance(message, bytes) else signed


def _sign_parts(parts: Sequence[bytes], keys: Sequence[DkimKey], at: int) -> tuple[bytes, ...]:
    head, body = _cut(parts)
    names: list[str] = []
    fields: list[bytes] = []
    for lines in head:
        found = _read_fields(lines)
        names += found[0]
        fields += found[1]
    hashed = base64.b64encode(_hash_body(body)).decode()
    places, listed = _choose_fields(tuple(names))
    signed = b"".join([fields[place] for place in places])
    return (*(_sign(key, signed, listed, hashed, at) for key in keys), *parts)


def _hash_body(body: Sequence[bytes]) -> bytes:
    """SHA-256 of what `canonicalise_body` makes of parts of whole lines, without joining them."""
    lines = [*map(_reduce_shared, body)]
    last = b""
    while lines and not last:
        last = _without_last_lines(lines.pop())
    hashed = hashlib.sha256()
    for part in (*lines, last):
        hashed.update(part)
    return hashed.digest()


def canonicalise_body(body: bytes) -> bytes:
    """Reduce a body as RFC 6376 3.4.4 says: blanks in a line to one, none at its end, no empty last lines.

    Whole-buffer replacements, for a regular expression takes longer here than the RSA signature.
    """
    return _without_last_lines(_reduce_lines(body).rstrip(b" "))


def _reduce_lines(lines: bytes) -> bytes:
    return _squeeze(lines).replace(b" \r\n", b"\r\n")


def _without_last_lines(body: bytes) -> bytes:
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


_with_line_ends = keep_parts(normalise_line_ends)
_reduce_shared = keep_parts(_reduce_lines)


def _cut(parts: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Part the header fields, in runs of whole ones, from the parts of the body."""
    head: list[bytes] = []
    for number, part in enumerate(parts, 1):
        fields, blank, rest = _part_at_blank_line(part)
        if head and fields.startswith((b" ", b"\t")):
            head[-1] += fields
        else:
            head.append(fields)
        if blank:
            return head, [rest, *parts[number:]]
    return head, []


@keep_parts
def _part_at_blank_line(part: bytes) -> tuple[bytes, bytes, bytes]:
    return (b"", b"\r\n", part[2:]) if part.startswith(b"\r\n") else part.partition(b"\r\n\r\n")


def _squeeze(data: bytes) -> bytes:
    if b"\t" in data:
        data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data


@lru_cache(maxsize=64)
def _read_fields(head: bytes) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """The fields in order: their names in lower case, and each as it is signed (RFC 6376 3.4.2)."""
    lines: list[bytes] = []
    for line in filter(None, head.split(b"\r\n")):
        if line.startswith((b" ", b"\t")) and lines:
            lines[-1] += line
        else:
            lines.append(line)
    names, fields = [], []
    for line in lines:
        name, _, value = line.partition(b":")
        names.append(name.strip().lower().decode("ascii", "replace"))
        fields.append(b"%b:%b\r\n" % (names[-1].encode(), _squeeze(value).strip(b" ")))
    return tuple(names), tuple(fields)


@lru_cache(maxsize=64)
def _choose_fields(present: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Which of the fields are signed, in order, and the lines of `h=` that name them.

    Of several by one name the last comes first; what is named once more than it is there is nothing.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(present):
        places.setdefault(name, []).append(place)
    names = ["From", *(name for name in SIGNED_FIELDS for _ in places.get(name.lower(), ()))]
    chosen = [left.pop() for name in names if (left := places.get(name.lower()))]
    return tuple(chosen), _fold_names(names)


def _sign(key: DkimKey, signed: bytes, listed: tuple[str, ...], hashed: str, at: int) -> bytes:
    lines = [
        f"v=1; a={key.kind}-sha256; c=relaxed/relaxed;",
        f"d={key.domain}; s={key.selector}; t={at};",
        *listed,
        f"bh={hashed};",
        "b=",
    ]
    # Folded at single blanks, so that the canonical form is the same lines joined by blanks.
    own = "dkim-signature:" + " ".join(lines)
    signature = base64.b64encode(key.sign(signed + own.encode())).decode()
    width = _LINE - 2
    blocks = [signature[start : start + width] for start in range(0, len(signature), width)]
    return ("DKIM-Signature: " + "\r\n ".join([*lines[:-1], "b=" + "\r\n ".join(blocks)]) + "\r\n").encode()


def _fold_names(names: Sequence[str]) -> tuple[str, ...]:
    lines = [f"h={names[0]}"]
    for name in names[1:]:
        if len(lines[-1]) + len(name) > _LINE:
            lines[-1] += ":"
            lines.append(name)
        else:
            lines[-1] += f":{name}"
    lines[-1] += ";"
    return tuple(lines)
