"""Tokens: bound to purpose and key, unreadable, and refused after any change."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import TokenError
from newsletter.render import links
from tests.support.mail_builders import NOW

KEY, OLD, OTHER = b"k" * 32, b"o" * 32, b"x" * 32
numbers = st.integers(0, 2**64 - 1)


@given(numbers)
def test_a_token_gives_back_its_number(number: int) -> None:
    assert links.verify_number("unsubscribe", links.sign("unsubscribe", number, [KEY]), [KEY]) == number


@given(st.binary(max_size=100))
def test_a_token_gives_back_its_octets(payload: bytes) -> None:
    assert links.verify("session", links.sign("session", payload, [KEY]), [KEY]) == payload


@given(numbers, st.data())
def test_flipping_any_bit_of_a_token_makes_it_invalid(number: int, data: st.DataObject) -> None:
    token = links.sign("unsubscribe", number, [KEY])
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    forged = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()

    with pytest.raises(TokenError):
        links.verify("unsubscribe", forged, [KEY])


@given(numbers, st.data())
def test_changing_any_character_of_a_token_makes_it_invalid(number: int, data: st.DataObject) -> None:
    token = links.sign("unsubscribe", number, [KEY])
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters().filter(lambda c: c != token[place]))

    with pytest.raises(TokenError):
        links.verify("unsubscribe", token[:place] + character + token[place + 1 :], [KEY])


@pytest.mark.parametrize("character", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
def test_a_token_has_one_spelling(character: str) -> None:
    """The last character carries spare bits, which a lenient decoder would ignore."""
    token = links.sign("unsubscribe", 7, [KEY])

    for other in (token[:-1] + character, token + "=", token + "\n", f" {token}"):
        if other != token:
            with pytest.raises(TokenError):
                links.verify("unsubscribe", other, [KEY])


@pytest.mark.parametrize(
    ("purpose", "keys"), [("preferences", [KEY]), ("unsubscribe", [OTHER]), ("unsubscribe", [OLD, OTHER])]
)
def test_another_purpose_or_key_refuses_a_token(purpose: str, keys: list[bytes]) -> None:
    with pytest.raises(TokenError):
        links.verify(purpose, links.sign("unsubscribe", 7, [KEY]), keys)


@pytest.mark.parametrize("token", ["", "a", "é", "=", "AAAA", "A" * 39, "A" * 10_000, " ", "\0", "../.."])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        links.verify("unsubscribe", token, [KEY])


def test_old_keys_go_on_verifying_and_the_newest_signs() -> None:
    assert links.verify_number("unsubscribe", links.sign("unsubscribe", 7, [OLD]), [KEY, OLD]) == 7
    assert links.sign("unsubscribe", 7, [KEY, OLD]) == links.sign("unsubscribe", 7, [KEY])


def test_a_key_id_that_two_keys_share_refuses_neither() -> None:
    keys = [bytes([n % 256, n // 256]) * 16 for n in range(600)]

    assert links.verify_number("unsubscribe", links.sign("unsubscribe", 7, keys[-1:]), keys) == 7


def test_a_leave_token_is_stable_and_never_expires() -> None:
    token = links.sign("unsubscribe", 7, [KEY])

    assert token == links.sign("unsubscribe", 7, [KEY])
    assert links.verify_number("unsubscribe", token, [KEY], NOW + timedelta(days=4000)) == 7


@pytest.mark.parametrize("age", [timedelta(days=7, seconds=1), timedelta(minutes=-6), timedelta(days=400)])
def test_a_token_of_the_wrong_age_is_refused(age: timedelta) -> None:
    token = links.sign("confirm", 7, [KEY], NOW)

    with pytest.raises(TokenError):
        links.verify("confirm", token, [KEY], NOW + age, timedelta(days=7))


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=-4), timedelta(days=7)])
def test_a_token_of_the_right_age_is_taken(age: timedelta) -> None:
    token = links.sign("confirm", 7, [KEY], NOW)

    assert links.verify_number("confirm", token, [KEY], NOW + age, timedelta(days=7)) == 7


def test_a_token_without_a_time_is_refused_where_an_age_is_asked_for() -> None:
    with pytest.raises(TokenError):
        links.verify("confirm", links.sign("confirm", 7, [KEY]), [KEY], NOW, timedelta(days=7))


def test_an_age_without_a_clock_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="now"):
        links.verify("confirm", links.sign("confirm", 7, [KEY], NOW), [KEY], max_age=timedelta(1))


def test_neighbouring_numbers_share_nothing_readable() -> None:
    tokens = [links.sign("unsubscribe", number, [KEY]) for number in range(100)]
    raws = [base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) for token in tokens]

    assert len({raw[17:] for raw in raws}) == 100
    assert not any((7).to_bytes(8, "big") in raw for raw in raws)


@pytest.mark.parametrize("keys", [[], [b"short"], [KEY, b""]])
def test_signing_needs_a_real_key(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        links.sign("unsubscribe", 7, keys)


def test_octets_are_no_number() -> None:
    with pytest.raises(TokenError):
        links.verify_number("session", links.sign("session", b"abc", [KEY]), [KEY])


def test_addresses_are_short_and_below_the_base_url() -> None:
    token = links.sign("unsubscribe", 2**63, [KEY], NOW)
    base = "https://a-rather-long-name.newsletters.example.org/p/some-publication/"

    assert links.unsubscribe_url(base, token).removeprefix(base) == f"unsubscribe/{token}"
    assert links.preferences_url(base, token).removeprefix(base) == f"preferences/{token}"
    assert links.confirm_url(base, token).removeprefix(base) == f"confirm/{token}"
    assert len(links.unsubscribe_url(base, token)) <= 200
