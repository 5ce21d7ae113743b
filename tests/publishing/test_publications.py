"""Publications are made, changed and found; what could not be sent is refused at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.config import Settings
from newsletter.errors import AddressError, ConfigError, NotFoundError, StateError
from newsletter.publishing.publications import (
    PublicationChanges,
    add_publication,
    format_mailbox,
    get_publication,
    list_publications,
    parse_mailbox,
    set_publication,
)
from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS = Settings(base_url="https://news.example.org")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/subscribers.db")
    upgrade_schema(database)
    return database


def test_a_publication_is_ready_as_it_is_made(database: Database) -> None:
    made = add_publication(database, SETTINGS, "city-news", PublicationChanges(), now=NOW)

    assert (made.name, made.sender) == ("City news", "City news <city-news@news.example.org>")
    assert (made.schedule, made.timezone, made.language, made.approval) == (
        "0 8 * * 1",
        "UTC",
        "en",
        "required",
    )
    assert get_publication(database, SETTINGS, None) == made


def test_the_only_publication_lives_at_the_root(database: Database) -> None:
    assert (
        add_publication(database, SETTINGS, "b", PublicationChanges(), now=NOW).url
        == "https://news.example.org"
    )

    second = add_publication(database, SETTINGS, "a", PublicationChanges(), now=NOW)

    assert second.url == "https://news.example.org/p/a"
    assert [each.url for each in list_publications(database, SETTINGS)] == [
        "https://news.example.org/p/a",
        "https://news.example.org/p/b",
    ]


def test_a_publication_must_be_named_where_there_are_several(database: Database) -> None:
    with pytest.raises(NotFoundError, match="newsletter init"):
        get_publication(database, SETTINGS, None)
    add_publication(database, SETTINGS, "a", PublicationChanges(), now=NOW)
    add_publication(database, SETTINGS, "b", PublicationChanges(), now=NOW)

    with pytest.raises(NotFoundError, match=r"name one with --publication \(a, b\)"):
        get_publication(database, SETTINGS, None)
    with pytest.raises(NotFoundError, match="known are a, b"):
        get_publication(database, SETTINGS, "c")


def test_a_slug_is_taken_once(database: Database) -> None:
    add_publication(database, SETTINGS, "a", PublicationChanges(), now=NOW)

    with pytest.raises(StateError, match="already"):
        add_publication(database, SETTINGS, "a", PublicationChanges(), now=NOW)


def test_only_what_is_said_is_changed(database: Database) -> None:
    add_publication(database, SETTINGS, "a", PublicationChanges(reply_to="desk@example.org"), now=NOW)
    changes = PublicationChanges(
        name="Morning",
        sender="Ada, Bo <desk@example.org>",
        reply_to="",
        address="1 Quay\\nPort",
        language="pt-BR",
        timezone="Asia/Kathmandu",
        schedule="0  9 * * 5",
        approval="unless-stopped",
    )

    changed = set_publication(database, SETTINGS, None, changes)

    assert changed.sender == '"Ada, Bo" <desk@example.org>'
    assert (changed.name, changed.reply_to, changed.address) == ("Morning", None, "1 Quay\nPort")
    assert (changed.schedule, changed.approval) == ("0 9 * * 5", "unless-stopped")
    assert set_publication(database, SETTINGS, "a", PublicationChanges()) == changed


@pytest.mark.parametrize("slug", ["", "City", "a b", "-a", "a--b", "ä", "a" * 65])
def test_a_slug_that_is_no_part_of_an_address_is_refused(database: Database, slug: str) -> None:
    with pytest.raises(ConfigError, match="small letters"):
        add_publication(database, SETTINGS, slug, PublicationChanges(), now=NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (PublicationChanges(name=" "), "one line"),
        (PublicationChanges(name="a\nb"), "one line"),
        (PublicationChanges(sender=""), "not a mailbox"),
        (PublicationChanges(sender="Ada"), "not a mailbox"),
        (PublicationChanges(reply_to="x@"), "not a mailbox"),
        (PublicationChanges(language="klingon-Q"), "language"),
        (PublicationChanges(timezone="Mars/Base"), "timezone"),
        (PublicationChanges(schedule="weekly"), "five cron fields"),
        (PublicationChanges(approval="never"), "unless-stopped"),  # type: ignore[arg-type] # what a shell may say
    ],
)
def test_a_value_that_cannot_be_used_is_refused(
    database: Database, changes: PublicationChanges, why: str
) -> None:
    add_publication(database, SETTINGS, "a", PublicationChanges(), now=NOW)

    with pytest.raises((ConfigError, AddressError), match=why):
        set_publication(database, SETTINGS, "a", changes)


@pytest.mark.parametrize(
    ("said", "mailbox"),
    [
        ("news@localhost", ("", "news@localhost")),
        ("My newsletter <newsletter@localhost>", ("My newsletter", "newsletter@localhost")),
        ("<a@b.example>", ("", "a@b.example")),
        ('"A, \\"B\\"" <a@EXAMPLE.org>', ('A, "B"', "a@example.org")),
        ("Žinios <desk@example.org>", ("Žinios", "desk@example.org")),
        ("a@news.localhost", ("", "a@news.localhost")),
    ],
)
def test_mailboxes_are_read(said: str, mailbox: tuple[str, str]) -> None:
    assert parse_mailbox(said) == mailbox
    assert parse_mailbox(format_mailbox(*mailbox)) == mailbox


@pytest.mark.parametrize(
    "said", ["a@b@c", "A\r\nBcc: x <a@example.org>", "a b@example.org", "Ada <>", "@example.org"]
)
def test_what_is_no_mailbox_is_refused(said: str) -> None:
    with pytest.raises(AddressError, match="not a mailbox"):
        parse_mailbox(said)


def test_a_theme_is_one_of_ours_or_a_folder_of_ones_own(database: Database, tmp_path: Path) -> None:
    add_publication(database, SETTINGS, "city-news", PublicationChanges(theme="letter"), now=NOW)
    own = tmp_path / "email/themes/ours"
    own.mkdir(parents=True)
    own.joinpath("theme.toml").write_text("[colours]\nink = '#000000'\n", encoding="utf-8")
    settings = SETTINGS.model_copy(update={"templates_dir": tmp_path})

    assert set_publication(database, settings, None, PublicationChanges(theme="ours")).theme == "ours"
    with pytest.raises(ConfigError, match=r"no theme 'loud'.*default, compact, letter, ours"):
        set_publication(database, settings, None, PublicationChanges(theme="loud"))
    own.joinpath("theme.toml").write_text("[colours]\nink = 'black;}'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"colours\.ink = 'black;}' is refused: a colour is written as #"):
        set_publication(database, settings, None, PublicationChanges(theme="ours"))
