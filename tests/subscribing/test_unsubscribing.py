"""Leaving holds at once, for what is queued too, and every time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.errors import NotFoundError, StateError, TokenError
from newsletter.render import links
from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.subscribing.standing import PREFERENCES, UNSUBSCRIBE, make_token
from newsletter.subscribing.subscribers import show_subscriber
from newsletter.subscribing.unsubscribing import (
    find_subscription,
    undo_unsubscribe,
    unsubscribe,
    unsubscribe_address,
)
from tests.support.store_builders import (
    NOW,
    dump,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)

STATES = ("queued", "claimed", "deferred", "dot_sent", "sent", "failed", "uncertain", "skipped")


@pytest.fixture
def token(database: Database, settings: Settings) -> str:
    """Give Ada a delivery in each state, Bea one queued, and Ada one of another publication."""
    with database.write() as session:
        publication = make_publication_row(session)
        other = make_publication_row(session, slug="other")
        ada, bea = (
            make_subscriber_row(session, "ada@example.org"),
            make_subscriber_row(session, "bea@example.org"),
        )
        standing = make_subscription_row(session, publication, ada)
        make_subscription_row(session, other, ada)
        make_subscription_row(session, publication, bea)
        for state in STATES:
            make_delivery_row(session, make_issue_row(session, publication), ada, state)
        make_delivery_row(session, make_issue_row(session, publication), bea)
        make_delivery_row(session, make_issue_row(session, other), ada)
        return make_token(settings, UNSUBSCRIBE, standing.id)


def read_deliveries(database: Database) -> list[tuple[str, str, str | None, str | None]]:
    with database.read() as session:
        rows = session.scalars(select(models.Delivery).order_by(models.Delivery.id))
        return [(row.email, row.state, row.reply, row.claim_token) for row in rows]


def test_what_waits_is_skipped_and_nothing_else(database: Database, settings: Settings, token: str) -> None:
    before = read_deliveries(database)

    found = unsubscribe(database, settings, token, via="one-click", now=NOW)

    skipped = ("ada@example.org", "skipped", "unsubscribed", None)
    assert found.status == "unsubscribed"
    assert read_deliveries(database) == [skipped] * 3 + before[3:]


def test_a_claim_is_lost_to_the_worker_that_held_it(
    database: Database, settings: Settings, token: str
) -> None:
    unsubscribe(database, settings, token, via="one-click", now=NOW)

    with database.read() as session:
        held = session.scalars(select(models.Delivery).where(models.Delivery.claim_token.is_not(None)))
        assert [row.state for row in held] == ["dot_sent"]


def test_once_more_changes_nothing(database: Database, settings: Settings, token: str) -> None:
    unsubscribe(database, settings, token, via="one-click", now=NOW)
    before = dump(database)

    assert unsubscribe(database, settings, token, via="link", now=NOW + timedelta(days=1)).ended_at == NOW
    assert dump(database) == before


def test_both_are_written_or_neither(
    database: Database, settings: Settings, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(database)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk gone")

    monkeypatch.setattr("newsletter.store.subscribers.skip_deliveries", fail)
    with pytest.raises(OSError, match="disk gone"):
        unsubscribe(database, settings, token, via="link", now=NOW)

    assert dump(database) == before


def test_a_link_works_after_years_and_after_the_keys_were_rotated(database: Database, token: str) -> None:
    rotated = Settings(secret_key=SecretStr(f"{'n' * 32},{'k' * 32}"))

    found = unsubscribe(database, rotated, token, via="link", now=NOW + timedelta(days=4000))

    assert found.status == "unsubscribed"


def test_forged_and_foreign_links_are_refused(database: Database, settings: Settings, token: str) -> None:
    before = dump(database)
    forged = [
        token[:-1],
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.swapcase(),
        "",
        "x",
        make_token(settings, PREFERENCES, 1),
        links.sign(UNSUBSCRIBE, 1, [b"z" * 32]),
        make_token(settings, UNSUBSCRIBE, 0),
        make_token(settings, UNSUBSCRIBE, 10**9),
    ]
    for each in forged:
        with pytest.raises(TokenError):
            unsubscribe(database, settings, each, via="link", now=NOW)
        with pytest.raises(TokenError):
            find_subscription(database, settings, each)
    assert dump(database) == before


def test_a_leave_link_shows_no_address(database: Database, settings: Settings, token: str) -> None:
    assert find_subscription(database, settings, token).masked == "a•••@example.org"


def test_the_wrong_button_can_be_undone_for_a_day(database: Database, settings: Settings, token: str) -> None:
    unsubscribe(database, settings, token, via="link", now=NOW)
    assert undo_unsubscribe(database, settings, token, now=NOW + timedelta(hours=1)).status == "active"

    unsubscribe(database, settings, token, via="link", now=NOW)
    with pytest.raises(StateError):
        undo_unsubscribe(database, settings, token, now=NOW + timedelta(hours=25))


@pytest.mark.parametrize("status", ["bounced", "complained"])
def test_nobody_comes_back_from_a_complaint_by_undo(
    database: Database, settings: Settings, token: str, status: str
) -> None:
    with database.write() as session:
        row = session.get_one(models.Subscription, 1)
        row.status, row.ended_at = status, NOW
    unsubscribe(database, settings, token, via="link", now=NOW)

    with pytest.raises(StateError):
        undo_unsubscribe(database, settings, token, now=NOW)
    assert find_subscription(database, settings, token).status == status


def test_a_person_who_never_confirmed_cannot_undo_into_active(
    database: Database, settings: Settings, token: str
) -> None:
    with database.write() as session:
        row = session.get_one(models.Subscription, 1)
        row.status, row.confirmed_at = "pending", None
    unsubscribe(database, settings, token, via="link", now=NOW)

    with pytest.raises(StateError):
        undo_unsubscribe(database, settings, token, now=NOW)


@pytest.mark.usefixtures("token")
def test_an_operator_names_the_address(database: Database, settings: Settings) -> None:
    unsubscribe_address(database, settings, "harbour", "ADA@example.org", via="operator", now=NOW)

    standing = {
        each["publication"]: each for each in show_subscriber(database, "ada@example.org")["subscriptions"]
    }
    assert (standing["harbour"]["status"], standing["other"]["status"]) == ("unsubscribed", "active")
    assert standing["harbour"]["consents"][-1]["via"] == "operator"
    with pytest.raises(NotFoundError):
        unsubscribe_address(database, settings, "harbour", "nobody@example.org", via="operator", now=NOW)
