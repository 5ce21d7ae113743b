"""The octets of SMTP without a network: replies out of bytes, bodies and addresses into bytes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from newsletter.deliver.replies import Reply
from newsletter.errors import AddressError

Message = bytes | tuple[bytes, ...]
"""A message whole, or cut at line ends, so that work on a part that many messages share is done once."""
Shape = TypeVar("Shape", bytes, tuple[bytes, ...])
_Made = TypeVar("_Made")
_LONG_KEPT = 4096
"""How many long parts are remembered: enough for 200 variants that go out in turn."""
_SHORT_KEPT = 256
"""Of short ones, most of which one reader alone gets: few, so that they stay near the processor."""
_LONG = 1024
"""Octets."""
LINE_LIMIT = 4096
"""Octets in one reply line; RFC 5321 4.5.3.1.5 says 512, and servers with long links in them say more."""
REPLY_LIMIT = 65_536

_CODE_LENGTH = 3
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# RFC 5321 4.5.3.1.1 and 4.5.3.1.2, in octets.
_LOCAL_LIMIT = 64
_DOMAIN_LIMIT = 255
_LITERAL = re.compile(r"\[[A-Za-z0-9.:-]+\]")


def keep_parts(make: Callable[[bytes], _Made]) -> Callable[[bytes], _Made]:
    """Remember what a pure function made of parts that many messages share."""
    keep_long, keep_short = lru_cache(_LONG_KEPT)(make), lru_cache(_SHORT_KEPT)(make)
    return lambda part: keep_long(part) if len(part) >= _LONG else keep_short(part)


class ProtocolError(Exception):
    """The server says what is no SMTP; after this no later reply can be trusted."""


class ReplyReader:
    """Cuts what a server sends into replies (RFC 5321 4.2), however it is cut into segments."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = b""
        self._size = 0

    @property
    def is_clean(self) -> bool:
        """Whether every byte so far belongs to a whole reply."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Take the next bytes and give the replies that they complete, those before a fault too.

        Raises:
            ProtocolError: a line is too long, is no reply, or changes the code of its reply.
        """
        # A bare LF ends a line too: it is seen from small servers and cannot be taken for anything else.
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if reply := self._take(line.removesuffix(b"\r")):
                yield reply
        if len(self._rest) > LINE_LIMIT:
            raise ProtocolError(f"a reply line of more than {LINE_LIMIT} octets")

    def _take(self, line: bytes) -> Reply | None:
        code, mark, text = line[:3], line[3:4], line[4:]
        is_reply = len(code) == _CODE_LENGTH and code.isdigit() and b"200" <= code < b"600"
        if not is_reply or mark not in {b" ", b"-", b""} or len(line) > LINE_LIMIT:
            raise ProtocolError(f"not an SMTP reply: {Reply(0, line[:80].decode(errors='replace')).words!r}")
        if mark != b"-" and not self._lines:
            return Reply(int(code), text.decode("utf-8", "replace"))
        return self._gather(code, text, is_last=mark != b"-")

    def _gather(self, code: bytes, text: bytes, *, is_last: bool) -> Reply | None:
        if self._lines and code != self._code:
            raise ProtocolError(
                f"the code changes from {self._code.decode()} to {code.decode()} in one reply"
            )
        self._code = code
        self._lines.append(text)
        self._size += len(text)
        if self._size > REPLY_LIMIT:
            raise ProtocolError(f"a reply of more than {REPLY_LIMIT} octets")
        if not is_last:
            return None
        whole = Reply(int(code), b"\n".join(self._lines).decode("utf-8", "replace"))
        self._lines, self._size = [], 0
        return whole


def encode_body(data: Message) -> list[bytes]:
    r"""Make a message ready for DATA: CRLF line ends, dots doubled, a last line end, the closing dot.

    It comes in parts, for joining them would copy for each reader what all of them share.

    Lone CR and lone LF become CRLF: what two servers read differently lets one message end inside
    another (SMTP smuggling, CVE-2023-51764; RFC 5321 2.3.8 and 4.5.2).

    Raises:
        ValueError: the message holds a NUL octet.
    """
    encode = _encode_lines if isinstance(data, bytes) else _encode_shared
    return [*map(encode, split_at_lines(data)), b".\r\n"]


def cut_blocks(parts: Iterable[bytes], octets: int) -> Iterator[list[bytes]]:
    """Group parts, cutting where need be, so that each group but the last has so many octets."""
    block: list[bytes] = []
    room = octets
    for part in parts:
        rest = part
        while len(rest) > room:
            yield [*block, rest[:room]]
            rest, block, room = rest[room:], [], octets
        block.append(rest)
        room -= len(rest)
    yield block


def split_at_lines(data: Message) -> Sequence[bytes]:
    """Give a message in parts of whole lines: as it is cut if that is so, else in one."""
    if isinstance(data, bytes):
        return (data,)
    parts = [part for part in data if part]
    # Else a CR might end one part and its LF begin the next.
    return parts if all(part.endswith(b"\n") for part in parts[:-1]) else (b"".join(parts),)


def _encode_lines(lines: bytes) -> bytes:
    if b"\0" in lines:
        raise ValueError("5.6.0 the message holds a NUL octet, which mail cannot carry")
    lines = normalise_line_ends(lines)
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines.replace(b"\r\n.", b"\r\n..")


_encode_shared = keep_parts(_encode_lines)


def normalise_line_ends(data: bytes) -> bytes:
    """Make lone CR and lone LF CRLF, and end the last line."""
    ends = data.count(b"\r\n")
    if ends != data.count(b"\n") or ends != data.count(b"\r"):
        data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data + b"\r\n" if data and not data.endswith(b"\r\n") else data


@lru_cache(256)
def encode_address(address: str) -> bytes:
    """Make an address ready for MAIL or RCPT, without its angle brackets; the domain in IDNA.

    The result is UTF-8 where the local part is not ASCII: it then needs SMTPUTF8 (RFC 6531).

    Raises:
        AddressError: it is no mailbox of RFC 5321, is too long for one, or holds a control character.
    """
    local, at, domain = address.rpartition("@")
    shown = Reply(0, address).words[:100]
    if not at or not local or not domain:
        raise AddressError(f"5.1.3 {shown!r} is not an address: it needs a part before and after an @")
    is_plain = address.isascii() and address.isprintable()
    if not is_plain and any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in address):
        raise AddressError(f"5.1.3 {shown!r} holds a control character")
    if not _LOCAL.fullmatch(local):
        raise AddressError(f"5.1.3 {shown!r}: the part before the @ is not one that SMTP can carry")
    if len(local.encode()) > _LOCAL_LIMIT:
        raise AddressError(f"5.1.3 {shown!r}: the part before the @ is longer than 64 octets")
    return local.encode() + b"@" + _encode_domain(domain, shown)


def _encode_domain(domain: str, shown: str) -> bytes:
    if not domain.isascii():
        import idna

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise AddressError(f"5.1.2 {shown!r}: the domain has no IDNA form ({error})") from error
    known = _DOMAIN.fullmatch(domain) or _LITERAL.fullmatch(domain)
    if not known or len(domain) > _DOMAIN_LIMIT:
        raise AddressError(f"5.1.2 {shown!r}: the part after the @ is not a domain")
    return domain.encode()
