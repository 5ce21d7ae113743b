"""Bytes of SMTP: replies however they are cut, bodies that end once, addresses that cannot command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.replies import Reply
from newsletter.deliver.wire import (
    LINE_LIMIT,
    REPLY_LIMIT,
    ProtocolError,
    ReplyReader,
    cut_blocks,
    encode_address,
    encode_body,
)
from newsletter.errors import AddressError

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpora/hostile-email-addresses/items.jsonl"
MAILBOX = re.compile(rb'(?:[^\x00-\x20\x7f<>()\[\]\\,;:@"]+|"[^\x00-\x1f\x7f]*")@[A-Za-z0-9_.:\[\]-]+')


def read(*segments: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for segment in segments for reply in reader.feed(segment)]


def unstuff(body: bytes) -> bytes:
    """Read a body as a strict server does."""
    lines = body.removesuffix(b".\r\n").split(b"\r\n")
    assert b"." not in lines
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


@pytest.mark.parametrize(
    ("data", "replies"),
    [
        (b"250 ok\r\n", [Reply(250, "ok")]),
        (b"250\r\n", [Reply(250, "")]),
        (b"250 ok\n", [Reply(250, "ok")]),
        (b"250-one\r\n250-two\r\n250 three\r\n", [Reply(250, "one\ntwo\nthree")]),
        (b"250-\r\n250\r\n", [Reply(250, "\n")]),
        (b"250 a\r\n354 b\r\n", [Reply(250, "a"), Reply(354, "b")]),
        (b"550 \xff\x00\r\n", [Reply(550, "\ufffd\x00")]),
    ],
)
def test_a_reply_is_read_whole_and_in_one_octet_segments(data: bytes, replies: list[Reply]) -> None:
    assert read(data) == replies
    assert read(*(data[n : n + 1] for n in range(len(data)))) == replies


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"25 ok\r\n",
        b"250ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b"\r\n",
        b"250-one\r\n550 two\r\n",
        b"250 " + b"x" * LINE_LIMIT + b"\r\n",
        b"x" * (LINE_LIMIT + 1),
        (b"250-" + b"x" * 1000 + b"\r\n") * (REPLY_LIMIT // 1000 + 1),
        "２５０ ok\r\n".encode(),
    ],
)
def test_what_is_no_reply_is_a_fault(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


def test_replies_before_a_fault_in_the_same_segment_are_given() -> None:
    replies = ReplyReader().feed(b"250 accepted\r\ngarbage\r\n")

    assert next(replies) == Reply(250, "accepted")
    with pytest.raises(ProtocolError):
        next(replies)


@given(
    st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"..", b"a", b"\xc3\xa9", b".\r\n"]), max_size=40)
)
def test_a_body_comes_through_dots_whole_and_ends_once(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    body = b"".join(encode_body(data))
    normal = re.sub(rb"\r\n|\r|\n", b"\r\n", data)

    assert (b"\r\n" + body).count(b"\r\n.\r\n") == 1
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", body)
    assert unstuff(body) in {normal, normal + b"\r\n"}


def test_a_body_in_canonical_form_is_equal_after_unstuffing() -> None:
    data = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nlast\r\n"

    assert unstuff(b"".join(encode_body(data))) == data


def test_nul_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match=r"5\.6\.0"):
        encode_body(b"a\0b")


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("reader@example.org", b"reader@example.org"),
        ("o'neil+news@example.org", b"o'neil+news@example.org"),
        ('"a b"@example.org', b'"a b"@example.org'),
        ('"a@b"@example.org', b'"a@b"@example.org'),
        ("a@[192.0.2.1]", b"a@[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", b"a@[IPv6:2001:db8::1]"),
        ("a@bücher.example", b"a@xn--bcher-kva.example"),
        ("a@faß.de", b"a@xn--fa-hia.de"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp".encode()),
        ("x" * 64 + "@example.org", b"x" * 64 + b"@example.org"),
    ],
)
def test_an_address_goes_on_the_wire_with_its_domain_in_idna(address: str, encoded: bytes) -> None:
    assert encode_address(address) == encoded


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@example.org",
        "a@",
        "a@b@c",
        "x" * 65 + "@example.org",
        "ü" * 33 + "@example.org",
        "a@" + "x" * 64 + ".org",
        "a@" + ".".join(["x" * 60] * 5),
        "a@example.org>\r\nRCPT TO:<b@example.org",
        "a\r\n@example.org",
        "a\n@example.org",
        "a\0@example.org",
        "a\x7f@example.org",
        "a\x85@example.org",
        "a\u2028@example.org",
        '"a\r\nb"@example.org',
        "a@example.org\r\n",
        "a> SIZE=1@example.org",
        "a b@example.org",
        "a<b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a@exa mple.org",
        "a@example..org",
        "a@example.org>",
        "a@[1.2.3.4\r\n]",
        "a@\udcff.org",
        "\udcff@example.org",
        '"a"b"@example.org',
    ],
)
def test_an_address_that_smtp_cannot_carry_is_refused(address: str) -> None:
    with pytest.raises(AddressError, match=r"^5\.1\.[23] "):
        encode_address(address)


@given(st.text(max_size=90), st.sampled_from(["", "@example.org", ">\r\nDATA"]))
def test_no_address_puts_a_second_command_on_the_wire(text: str, end: str) -> None:
    try:
        encoded = encode_address(text + end)
    except AddressError:
        return
    assert MAILBOX.fullmatch(encoded)
    assert len(encoded) <= 64 + 1 + 255


@pytest.mark.skipif(not CORPUS.exists(), reason=f"the corpus of hostile addresses is not at {CORPUS}")
def test_hostile_addresses_are_refused_or_harmless() -> None:
    items = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    for item in items:
        try:
            encoded = encode_address(item["address"])
        except AddressError:
            continue
        assert MAILBOX.fullmatch(encoded), item

    def is_taken(address: str) -> bool:
        try:
            encode_address(address)
        except AddressError:
            return False
        return True

    plain = [
        item for item in items if item.get("valid") and re.fullmatch(r"[\w.+-]+@[\w.-]+", item["address"])
    ]
    assert len(plain) > 10
    assert [item["address"] for item in plain if not is_taken(item["address"])] == []


@given(st.lists(st.text(alphabet="a.\r\n", max_size=8).map(str.encode), max_size=8))
def test_a_message_in_parts_is_encoded_as_it_is_whole(parts: list[bytes]) -> None:
    assert b"".join(encode_body(tuple(parts))) == b"".join(encode_body(b"".join(parts)))


@given(st.lists(st.binary(max_size=9), max_size=6), st.integers(1, 7))
def test_blocks_hold_all_octets_in_order_and_none_but_the_last_is_short(
    parts: list[bytes], size: int
) -> None:
    blocks = [b"".join(block) for block in cut_blocks(parts, size)]

    assert b"".join(blocks) == b"".join(parts)
    assert {len(block) for block in blocks[:-1]} <= {size}
    assert len(blocks[-1]) <= size


def test_parts_that_fit_in_one_block_are_not_copied() -> None:
    parts = [b"head", b"body" * 100]

    assert [[*map(id, block)] for block in cut_blocks(parts, 1000)] == [[*map(id, parts)]]
