"""Slots: what every reader's body decodes to, and that no value can break a line or a part."""

from __future__ import annotations

import html
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import RenderError
from newsletter.render import personal
from newsletter.render.marks import SLOTS, Slot, Subscriber
from tests.support.mail_builders import make_recipient

NONCE = "0123456789abcdef"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
long_texts = st.builds(lambda unit, times: unit * times, texts, st.integers(1, 40))
slots = st.sampled_from(sorted(SLOTS))


def canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(octets: bytes) -> str:
    return quopri.decodestring(octets).decode("utf-8").replace("\r\n", "\n")


@given(st.lists(st.tuples(long_texts, slots), max_size=5), long_texts, st.fixed_dictionaries(dict.fromkeys(
    sorted(SLOTS), long_texts)), st.sampled_from(["html", "text"]))  # fmt: skip
def test_a_joined_body_decodes_to_the_text_with_the_values_put_in(
    pieces: list[tuple[str, str]], last: str, values: dict[str, str], place: personal.Place
) -> None:
    text = "".join(static + Slot(NONCE, slot) for static, slot in pieces) + last
    escaped = {key: html.escape(value) if place == "html" else value for key, value in values.items()}
    expected = "".join(static + escaped[slot] for static, slot in pieces) + last

    joined = personal.join(personal.pack(personal.compile_part(text, NONCE, place)), values)

    # The canonical form is per piece: a value that ends in CR does not fuse with a LF after it.
    assert canonical(decoded(joined)) == canonical(expected) or "\r" in expected
    lines = joined.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    assert joined.isascii()


@given(long_texts.filter(lambda text: "\r" not in text))
def test_a_body_without_slots_decodes_to_itself(text: str) -> None:
    assert decoded(personal.join(personal.pack(personal.compile_part(text, NONCE, "text")), {})) == text


@pytest.mark.parametrize("length", range(150))
def test_lines_stay_legal_around_a_value_of_any_length(length: int) -> None:
    text = f"{'a' * length}{Slot(NONCE, 'email')}{'b' * length}\n"
    joined = personal.join(personal.pack(personal.compile_part(text, NONCE, "text")), {"email": "x" * length})

    assert decoded(joined) == f"{'a' * length}{'x' * length}{'b' * length}\n"
    assert max(map(len, joined.split(b"\r\n"))) <= 76


def test_values_are_escaped_in_html_and_left_alone_in_text() -> None:
    mark = Slot(NONCE, "name")
    values = {"name": "<b>\"Tom\" & 'Jerry'"}

    assert personal.fill(mark, NONCE, values, "html") == html.escape(values["name"], quote=True)
    assert personal.fill(mark, NONCE, values, "text") == values["name"]


def test_a_reader_without_a_name_gets_the_default() -> None:
    mark = Slot(NONCE, "name").or_else("dear reader, ¡hola!")
    blob = personal.pack(personal.compile_part(mark, NONCE, "text"))

    assert decoded(personal.join(blob, {"name": ""})) == "dear reader, ¡hola!"
    assert decoded(personal.join(blob, {"name": "Ada"})) == "Ada"


def test_a_slot_without_a_value_is_an_error_and_no_empty_link() -> None:
    blob = personal.pack(personal.compile_part(Slot(NONCE, "unsubscribe_url"), NONCE, "html"))

    with pytest.raises(RenderError, match="unsubscribe_url"):
        personal.join(blob, {"email": "a@example.org"})


def test_an_unknown_slot_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(RenderError, match=r"subscriber\.password.*unsubscribe_url"):
        Subscriber(NONCE).password  # noqa: B018 - the access is the test


def test_a_mark_with_another_nonce_is_plain_text() -> None:
    forged = Slot("ffffffffffffffff", "unsubscribe_url")

    assert personal.fill(forged, NONCE, {"unsubscribe_url": "secret"}, "html") == forged
    assert len(personal.compile_part(forged, NONCE, "html")) == 1


def test_a_mark_is_made_of_letters_that_nothing_on_the_way_rewrites() -> None:
    assert Slot(NONCE, "email", "é").replace("-", "").replace("_", "").isalnum()
    assert Slot(NONCE, "email", "é").isascii()


def test_bodies_of_two_hundred_variants_are_taken_apart_once_each_while_they_go_out_in_turn() -> None:
    blobs = [personal.pack([b"%d\r\n" % number, b"html:name:", b"\r\n"]) for number in range(200)]
    personal.unpack.cache_clear()
    for _ in range(3):
        joined = [personal.join(blob, {"name": "Ada"}) for blob in blobs]

    assert joined[199] == b"199\r\nAda=\r\n\r\n"
    assert personal.unpack.cache_info().misses == 200


def test_masking_names_the_slot_and_hides_its_nonce() -> None:
    assert personal.mask(f"Dear {Slot(NONCE, 'name')}", NONCE) == "Dear {name}"


def test_a_recipients_values_hold_address_and_name() -> None:
    values = personal.values_of(make_recipient(name=None))

    assert values["email"] == "reader@example.net"
    assert values["name"] == ""
    assert values["unsubscribe_url"].startswith("https://")


def test_copying_what_templates_see_does_not_look_like_a_slot() -> None:
    assert not hasattr(Subscriber(NONCE), "__wrapped__")


def test_attributes_have_no_hidden_name_that_looks_like_a_slot() -> None:
    assert not hasattr(Subscriber(NONCE).attributes, "__html__")
