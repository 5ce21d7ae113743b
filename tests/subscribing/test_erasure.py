"""An erased person is in no table; what was counted stays counted."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.errors import NotFoundError, StateError, TokenError
from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.subscribing.erasure import erase
from newsletter.subscribing.preferences import (
    PreferenceChanges,
    send_preferences_link,
    show_preferences,
    update_preferences,
)
from newsletter.subscribing.standing import PREFERENCES, make_token
from newsletter.subscribing.subscribers import add_subscriber, list_subscribers, show_subscriber
from tests.support.store_builders import (
    NOW,
    dump,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)

ADA = "ada_lovelace@example.org"


@pytest.fixture
def _people(database: Database, settings: Settings) -> None:
    with database.write() as session:
        publication = make_publication_row(session)
        ada = make_subscriber_row(session, ADA, name="Ada Lovelace", attributes={"city": "Port"})
        near = make_subscriber_row(session, "adaxlovelace@example.org")
        standing = make_subscription_row(session, publication, ada)
        make_subscription_row(session, publication, near)
        issue = make_issue_row(session, publication)
        make_delivery_row(session, issue, ada, "failed", reply=f"550 <{ADA}> unknown", code=550)
        make_delivery_row(session, make_issue_row(session, publication), ada, "queued")
        make_delivery_row(session, issue, near, "sent")
        session.add(
            models.AuditEntry(at=NOW, actor="x", action="look", subject=ADA, detail=f"of {ADA.upper()}")
        )
        session.add(
            models.AuditEntry(
                at=NOW, actor="x", action="look", subject="adaxlovelace@example.org", detail=None
            )
        )
    token = make_token(settings, PREFERENCES, standing.id)
    update_preferences(database, settings, token, PreferenceChanges(name="Ada Lovelace"), now=NOW)
    send_preferences_link(database, settings, None, ADA, ip="192.0.2.9", now=NOW)


@pytest.mark.usefixtures("_people")
def test_nothing_of_the_person_is_left(database: Database, settings: Settings) -> None:
    assert "lovelace" in str(dump(database)).lower().replace("adaxlovelace", "")

    erase(database, settings, ADA, now=NOW)

    left = str(dump(database)).lower().replace("adaxlovelace", "")
    assert "lovelace" not in left
    assert "192.0.2.9" not in left
    assert "adaxlovelace@example.org" in str(dump(database))
    with database.read() as session:
        states = session.scalars(select(models.Delivery.state).order_by(models.Delivery.id))
        assert list(states) == ["failed", "skipped", "sent"]
        assert session.scalar(select(models.Suppression.reason)) == "erased"


@pytest.mark.usefixtures("_people")
def test_once_more_is_done_already(database: Database, settings: Settings) -> None:
    erase(database, settings, ADA, now=NOW)
    before = dump(database)
    erase(database, settings, ADA, now=NOW)

    assert dump(database) == before
    with pytest.raises(TokenError):
        show_preferences(database, settings, make_token(settings, PREFERENCES, 1))
    with pytest.raises(NotFoundError):
        show_subscriber(database, ADA)
    with pytest.raises(NotFoundError):
        erase(database, settings, "stranger@example.org", now=NOW)
    with pytest.raises(StateError, match="suppressed"):
        add_subscriber(database, settings, None, ADA, now=NOW)
    assert [each["email"] for each in list_subscribers(database, None)] == ["adaxlovelace@example.org"]


def test_an_operator_adds_whom_nothing_stands_against(database: Database, settings: Settings) -> None:
    with database.write() as session:
        publication = make_publication_row(session)
        make_subscription_row(session, publication, make_subscriber_row(session, ADA), status="unsubscribed")

    made = add_subscriber(database, settings, None, "New@example.org", now=NOW, name=" New\nOne ")

    assert (made["email"], made["name"]) == ("new@example.org", "New One")
    assert made["subscriptions"][0]["status"] == "active"
    assert add_subscriber(database, settings, None, "new@example.org", now=NOW) == made
    with pytest.raises(StateError, match="unsubscribed"):
        add_subscriber(database, settings, None, ADA, now=NOW)
    assert len(list(list_subscribers(database, None, "active"))) == 1
