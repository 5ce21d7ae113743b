"""Header fields as octets: refused where a value could break out, encoded only where the RFCs allow it."""

from __future__ import annotations

import base64
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.errors import AddressError, RenderError

LONGEST_LINE = 998
"""Octets without CRLF, RFC 5322 2.1.1."""

_ROW = 78
_CHUNK = 45
"""Octets of UTF-8 in one encoded word: 60 in Base64, 72 with `=?utf-8?B?` and `?=`; RFC 2047 2 allows 75, and
76 for its whole row."""

_BREAKING = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MAILBOX = re.compile(r"\s*(?:(?P<name>[^<>]*)<(?P<inner>[^<>]*)>|(?P<bare>[^<>]*))\s*")
_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"]+")
_DOMAIN = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*"
)
_BARE = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]+@{_DOMAIN.pattern}")
"""What nearly every address is, told in one go."""
_PLAIN_TEXT = re.compile(r"[!-~]+(?: [!-~]+)*")


def field(name: str, value: str, *, octets: int = LONGEST_LINE) -> bytes:
    r"""Return `name: value\r\n`, unfolded, for values that must stay ASCII and whole.

    Raises:
        RenderError: the value holds a line break, another control, or a character outside ASCII, or is
            longer than a line may be.
    """
    line = f"{name}: {_unbroken(name, value)}"
    if not line.isascii():
        raise RenderError(f"The header {name} must be ASCII, but is {value!r}.")
    if len(line) > octets:
        raise RenderError(f"The header {name} is {len(line)} octets long; {octets} are allowed.")
    return line.encode("ascii") + b"\r\n"


def text_field(name: str, value: str) -> bytes:
    """Return a field of free text, such as Subject: plain where it can be, else encoded words (RFC 2047).

    Encoded words are parted by folding white space: Yahoo answers 554 to adjacent ones.

    Raises:
        RenderError: the value holds a line break or another control.
    """
    _unbroken(name, value)
    longest = max(map(len, f"{name}: {value}".replace(": ", ":", 1).split()), default=0)
    if "=?" not in value and _PLAIN_TEXT.fullmatch(value) and longest < _ROW:
        # Base64 of plain ASCII counts as a sign of spam (rspamd SUBJ_EXCESS_BASE64), so this is folded.
        rows = textwrap.wrap(f"{name}: {value}", _ROW, break_long_words=False, break_on_hyphens=False)
        return "\r\n ".join(rows).encode("ascii") + b"\r\n"
    return f"{name}: {_folded(value, len(name) + 2)}\r\n".encode("ascii")


def address_field(name: str, mailbox: Mailbox) -> bytes:
    """Return a field that holds one mailbox, its display name quoted or encoded as needed."""
    phrase = _phrase(name, mailbox.name)
    line = f"{name}: {phrase} <{mailbox.address}>" if phrase else f"{name}: {mailbox.address}"
    if phrase and max(len(row) for row in line.split("\r\n")) > _ROW:
        line = f"{name}: {phrase}\r\n <{mailbox.address}>"
    return line.encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name, perhaps empty, and an ASCII address."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part after the @, in lower case."""
        return self.address.rpartition("@")[2].lower()


def mailbox(text: str) -> Mailbox:
    """Read `Name <local@domain>` or a bare address; an international domain becomes its ASCII form.

    Raises:
        AddressError: no such thing, or its local part is not ASCII (that needs SMTPUTF8, RFC 6531).
        RenderError: it holds a line break.
    """
    if _BARE.fullmatch(text):
        return Mailbox("", text)
    found = _MAILBOX.fullmatch(_unbroken("address", text))
    address = (found["inner"] or found["bare"] or "").strip() if found else ""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        ascii_domain = ""
    if not found or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise AddressError(f"{text!r} is no mail address. Write it as name@example.org.")
    if not local.isascii():
        raise AddressError(f"{text!r} needs SMTPUTF8: the part before the @ is not ASCII.")
    name = (found["name"] or "").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, f"{local}@{ascii_domain}")


def ascii_name(name: str) -> str:
    """Return a name without accents, or nothing where it still is not ASCII: for List-Id's phrase."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(bare.split()) if bare.isascii() else ""


def quoted(text: str) -> str:
    """Return an ASCII quoted-string (RFC 5322 3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unbroken(name: str, value: str) -> str:
    if found := _BREAKING.search(value):
        raise RenderError(
            f"The header {name} holds {found[0]!r}, which could start another header: {value!r}."
        )
    return value


def _phrase(name: str, text: str) -> str:
    _unbroken(name, text)
    if not text:
        return ""
    if text.isascii() and len(text) <= _ROW // 2 and "=?" not in text and "\t" not in text:
        return text if _ATOM.fullmatch(text) and text == text.strip() else quoted(text)
    return _folded(text, len(name) + 2)


def _folded(text: str, column: int) -> str:
    chunks = _chunks(text, column)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(chunk).decode('ascii')}?=" for chunk in chunks)


def _chunks(text: str, column: int) -> Iterator[bytes]:
    """Cut at characters, as each encoded word must decode alone (RFC 2047 5), the first one shorter."""
    chunk = b""
    room = max(_CHUNK - column, 6)
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            yield chunk
            chunk, room = b"", _CHUNK
        chunk += octets
    yield chunk
