"""Header fields: nothing breaks out of them, and a second parser reads back what was put in."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import AddressError, RenderError
from newsletter.render import headers
from newsletter.render.headers import Mailbox

BREAKS = ["\r", "\n", "\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x7f"]
words = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=120
).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip


def parsed(octets: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(octets + b"\r\n", policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


@given(words)
def test_any_subject_is_read_back_as_it_was(subject: str) -> None:
    octets = headers.text_field("Subject", subject)

    assert parsed(octets)["Subject"] == subject
    assert octets.isascii()
    assert octets.endswith(b"\r\n")
    assert not re.search(rb"\?==\?", octets)
    assert all(len(row) <= 76 for row in octets.split(b"\r\n") if b"=?" in row)
    assert max(map(len, octets.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "subject",
    [
        "Plain", "=?utf-8?Q?fake?=", "a" * 300, "word " * 60 + "end", "😀" * 60, "e\u0301" * 50,
        "שלום עולם", 'quotes " and \\ too', "  inner   blanks", "x" * 69, "x" * 70, "tab\there",
    ],
)  # fmt: skip
def test_awkward_subjects_are_read_back_as_they_were(subject: str) -> None:
    assert parsed(headers.text_field("Subject", subject))["Subject"] == subject


@pytest.mark.parametrize("name", ["Subject", "From", "Reply-To"])
@pytest.mark.parametrize("character", "é漢😀")
def test_no_row_with_encoded_words_is_longer_than_76(name: str, character: str) -> None:
    for octets in (
        headers.text_field(name, character * 90),
        headers.address_field(name, Mailbox(character * 90, "a@example.org")),
    ):
        assert all(len(row) <= 76 for row in octets.split(b"\r\n")[:-2])


def test_a_long_plain_subject_is_folded_and_not_encoded() -> None:
    assert b"=?" not in headers.text_field("Subject", "word " * 30 + "end")


@pytest.mark.parametrize("broken", BREAKS)
def test_no_line_break_of_any_kind_passes(broken: str) -> None:
    value = f"a{broken}Bcc: x@example.org"

    with pytest.raises(RenderError):
        headers.field("X-Any", value)
    with pytest.raises(RenderError):
        headers.text_field("Subject", value)
    with pytest.raises(RenderError):
        headers.address_field("From", Mailbox(value, "a@example.org"))
    with pytest.raises(RenderError):
        headers.mailbox(f"{value} <a@example.org>")


@given(words)
def test_any_display_name_is_read_back_as_it_was(name: str) -> None:
    octets = headers.address_field("From", Mailbox(name, "news@example.org"))
    address = parsed(octets)["From"].addresses[0]
    phrase = octets.decode().replace("\r\n", "").removeprefix("From: ").rpartition(" <")[0]
    # Python's new parser keeps the blank between encoded words of a phrase; its old decoder follows RFC 2047.
    decoded = str(make_header(decode_header(phrase))) if phrase.startswith("=?") else address.display_name

    assert (decoded, address.addr_spec) == (name, "news@example.org")
    assert max(map(len, octets.split(b"\r\n"))) <= 78


def test_a_bare_address_stands_without_brackets() -> None:
    assert headers.address_field("To", Mailbox("", "a@example.org")) == b"To: a@example.org\r\n"


def test_an_ascii_field_refuses_other_letters_and_lines_too_long() -> None:
    with pytest.raises(RenderError, match="ASCII"):
        headers.field("List-Id", "é")
    with pytest.raises(RenderError, match="998"):
        headers.field("List-Unsubscribe", "x" * 1000)


def test_an_international_domain_becomes_ascii() -> None:
    assert headers.mailbox("Büro <post@bücher.example>") == Mailbox("Büro", "post@xn--bcher-kva.example")
    assert headers.mailbox("a@Example.ORG").domain == "example.org"


@pytest.mark.parametrize(
    "text", ["", "nobody", "a@", "@b", "a b@c.example", "a@b c", "ö@example.org", "a@..", f"a@{'ü' * 80}.de"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        headers.mailbox(text)


def test_a_quoted_name_loses_its_quotes() -> None:
    assert headers.mailbox('"News, \\"the\\" one" <a@example.org>').name == 'News, "the" one'


@pytest.mark.parametrize(
    ("name", "ascii_name"), [("Café", "Cafe"), ("Новости", ""), ("A  B", "A B"), ("", "")]
)
def test_names_lose_accents_or_are_left_out(name: str, ascii_name: str) -> None:
    assert headers.ascii_name(name) == ascii_name


def test_quotes_and_backslashes_are_escaped() -> None:
    assert headers.quoted('a "b" \\') == '"a \\"b\\" \\\\"'
