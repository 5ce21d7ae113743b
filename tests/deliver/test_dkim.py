"""Signatures hold for verifiers that are not ours, and for nothing that was altered."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.dkim import DkimKey, canonicalise_body, load_key, make_key, sign_message
from newsletter.errors import ConfigError
from tests.support.dkim_fixtures import Verify

AT = 1_764_000_000
RSA, RSA_PEM = make_key("example.org", "mail", "rsa")
ED25519, _ = make_key("Example.org", "Small", "ed25519")
KEYS = (RSA, ED25519)
RECORDS = {key.record_name: key.record for key in KEYS}
FIELDS = (
    b"From: Harbour Weekly <desk@example.org>",
    b"To: =?utf-8?q?J=C3=B3zef?= <jozef@example.net>",
    b"Subject: A ship\r\n \tcame   in",
    b"Date: Mon, 23 Nov 2026 08:00:00 +0000",
    b"Message-ID: <1@example.org>",
    b"Reply-To: desk@example.org",
    b'List-Id: "Harbour Weekly" <harbour.example.org>',
    b"List-Unsubscribe: <https://example.org/unsubscribe/token>",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    b"Feedback-ID: 1:harbour:issue:abcdef",
    b"CFBL-Address: fbl@example.org; report=arf",
    b"MIME-Version: 1.0",
    b"Content-Type: text/plain; charset=utf-8",
)
BODY = b"A ship  came in.\r\n\r\n\tAnd the whole town \r\nwas at the quay.\r\n\r\n\r\n"


def make_message(body: bytes = BODY, *fields: bytes) -> bytes:
    return b"\r\n".join([*(fields or FIELDS), b"", body])


def make_strange_body(chance: random.Random) -> bytes:
    pieces = [
        b" ",
        b"  ",
        b"\t",
        b"\r\n",
        b"\r\n\r\n",
        b"word",
        b".",
        b"=3D",
        b"\xc3\xa9",
        b" \r\n",
        b"x" * 200,
    ]
    return b"".join(chance.choices(pieces, k=chance.randrange(40)))


def test_dkimpy_and_opendkim_accept_both_signatures(dkimpy: Verify, opendkim: Verify) -> None:
    signed = sign_message(make_message(), KEYS, at=AT)

    assert dkimpy([signed], RECORDS) == opendkim([signed], RECORDS) == [[True, True]]
    assert signed.startswith(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=example.org; s=mail;"
    )
    assert signed.endswith(make_message())


def test_any_body_and_any_blanks_hold(dkimpy: Verify, opendkim: Verify, *, is_deep: bool) -> None:
    chance = random.Random(7)
    messages = [
        sign_message(make_message(make_strange_body(chance)), KEYS, at=AT)
        for _ in range(10_000 if is_deep else 60)
    ]

    assert dkimpy(messages, RECORDS) == [[True, True]] * len(messages)
    some = messages[:200:10]
    assert opendkim(some, RECORDS) == [[True, True]] * len(some)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.partition(b":")[0].decode())
def test_a_field_that_was_altered_breaks_the_signature(dkimpy: Verify, field: bytes) -> None:
    signed = sign_message(make_message(), (RSA,), at=AT)

    assert dkimpy([signed.replace(field, field + b"x")], RECORDS) == [[False]]


def test_a_second_from_or_another_body_breaks_the_signature(dkimpy: Verify) -> None:
    signed = sign_message(make_message(), (RSA,), at=AT)
    second = signed.replace(b"From: ", b"From: Somebody <else@example.com>\r\nFrom: ", 1)

    assert dkimpy([second, signed.replace(b"quay", b"pier")], RECORDS) == [[False], [False]]


def test_lines_are_short_and_name_what_is_signed() -> None:
    head, _, _ = sign_message(make_message(), KEYS, at=AT).partition(b"From: Harbour")
    tags = head.replace(b"\r\n ", b" ").replace(b": ", b":")

    assert max(map(len, head.split(b"\r\n"))) <= 78
    for name in (
        b"From:From",
        b"List-Unsubscribe:List-Unsubscribe-Post",
        b"Feedback-ID:CFBL-Address",
        b"t=1764000000",
    ):
        assert tags.count(name) == 2, name
    assert b"l=" not in head.replace(b"b=", b"").replace(b"bh=", b"")[:200]


def test_lone_line_ends_are_signed_as_they_will_be_sent(dkimpy: Verify) -> None:
    signed = sign_message(b"From: desk@example.org\nSubject: x\n\none\ntwo\rthree\r\n", (RSA,), at=AT)

    assert signed.count(b"\r\n") == signed.count(b"\n") == signed.count(b"\r")
    assert dkimpy([signed], RECORDS) == [[True]]


def test_without_keys_nothing_is_signed() -> None:
    assert sign_message(b"as\nit is", (), at=AT) == b"as\nit is"


def test_rfc_8463_gives_the_same_signature() -> None:
    """Appendix A: body hash, and an Ed25519 signature over its fields."""
    secret = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = DkimKey("football.example.com", "brisbane", Ed25519PrivateKey.from_private_bytes(secret))
    hashed = hashlib.sha256(
        canonicalise_body(b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n")
    )
    fields = (
        b"from:Joe SixPack <joe@football.example.com>\r\n"
        b"to:Suzie Q <suzie@shopping.example.net>\r\n"
        b"subject:Is dinner ready?\r\n"
        b"date:Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"message-id:<20030712040037.46341.5F8J@football.example.com>\r\n"
        b"dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; "
        b"i=@football.example.com; q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : "
        b"message-id : from : subject : date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b="
    )

    assert base64.b64encode(hashed.digest()) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    assert key.record.endswith("p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert base64.b64encode(key.sign(fields)) == (
        b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \r\n", b""),
        (b"a", b"a\r\n"),
        (b"a ", b"a\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
    ],
)
def test_bodies_are_reduced_as_rfc_6376_says(body: bytes, canonical: bytes) -> None:
    assert canonicalise_body(body) == canonical


def test_a_key_is_read_back_and_named() -> None:
    key = load_key("Example.ORG", "Mail", RSA_PEM)

    assert (key.domain, key.selector, key.kind, key.record) == ("example.org", "mail", "rsa", RSA.record)
    assert key.record_name == "mail._domainkey.example.org"
    assert [
        key.is_aligned(each) for each in ("example.org", "news.example.org", "badexample.org", "org")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_keys_that_cannot_be_used_are_refused() -> None:
    small = generate_private_key(65537, 1024).private_bytes(  # noqa: S505 - such keys are still met
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    assert load_key("example.org", "old", small).kind == "rsa"
    for domain, selector, pem, word in (
        ("example.org", "mail", b"no key", "no private key"),
        ("example org", "mail", RSA_PEM, "domain"),
        ("example.org", "ma;il", RSA_PEM, "selector"),
    ):
        with pytest.raises(ConfigError, match=word):
            load_key(domain, selector, pem)


@given(st.lists(st.text(alphabet="a: \r\n", max_size=8).map(str.encode), max_size=8))
def test_a_message_in_parts_is_signed_as_it_is_whole(parts: list[bytes]) -> None:
    key = (ED25519,)

    signed = sign_message((b"From: a\r\n", *parts), key, at=AT)
    last = sign_message((b"From: a\r\n\r\n", b"x\r\n", *parts, *[b"\r\n"] * 3), key, at=AT)

    whole = b"From: a\r\n\r\nx\r\n" + b"".join(parts) + b"\r\n" * 3
    assert b"".join(last) == sign_message(whole, key, at=AT)
    assert b"".join(signed) == sign_message(b"From: a\r\n" + b"".join(parts), key, at=AT)
