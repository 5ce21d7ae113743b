"""Subscribers change what they get by their own link, and get that link by mail alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from newsletter.config import Settings
from newsletter.errors import AddressError, StateError, TokenError
from newsletter.store import models
from newsletter.store.engine import Database
from newsletter.store.pace_models import RateCount
from newsletter.subscribing.preferences import (
    PreferenceChanges,
    clean_name,
    end_pauses,
    pause_subscription,
    resume_subscription,
    send_preferences_link,
    show_preferences,
    update_preferences,
)
from newsletter.subscribing.standing import PREFERENCES, UNSUBSCRIBE, make_token
from newsletter.subscribing.subscribers import forget_counts
from tests.support.store_builders import (
    NOW,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)


@pytest.fixture
def token(database: Database, settings: Settings) -> str:
    with database.write() as session:
        rules = {"cadences": ["weekly", "monthly"], "choose_categories": True}
        publication = make_publication_row(session, rules=rules)
        for place, name in enumerate(("City", "Sea", "Sky")):
            session.add(models.Category(publication_id=publication.id, name=name, position=place))
        ada = make_subscriber_row(session, "ada@example.org")
        standing = make_subscription_row(session, publication, ada)
        make_subscription_row(
            session, publication, make_subscriber_row(session, "gone@example.org"), status="unsubscribed"
        )
        make_delivery_row(session, make_issue_row(session, publication), ada)
        return make_token(settings, PREFERENCES, standing.id)


def count_notices(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(models.Notice)) or 0


def test_sections_and_cadence_are_chosen_from_what_there_is(
    database: Database, settings: Settings, token: str
) -> None:
    changes = PreferenceChanges(name=" Ada\r\nL. ", categories=("Sea", "Nonsense"), cadence="monthly")

    shown = update_preferences(database, settings, token, changes, now=NOW)

    found = shown.subscription
    assert (found.name, found.categories, found.cadence) == ("Ada L.", ("Sea",), "monthly")
    assert shown.categories == ("City", "Sea", "Sky")
    refused = PreferenceChanges(cadence="hourly")
    assert update_preferences(database, settings, token, refused, now=NOW).subscription.cadence == "monthly"


def test_a_choice_that_the_publication_does_not_keep_is_not_offered(
    database: Database, settings: Settings, token: str
) -> None:
    with database.write() as session:
        session.execute(update(models.Publication).values(rules={}))

    changes = PreferenceChanges(categories=("Sea",), cadence="monthly")
    shown = update_preferences(database, settings, token, changes, now=NOW)

    assert (shown.categories, shown.cadences) == ((), ())
    assert (shown.subscription.categories, shown.subscription.cadence) == (None, None)


@pytest.mark.parametrize("chosen", [(), ("City", "Sea", "Sky")])
def test_none_and_all_mean_whatever_comes(
    database: Database, settings: Settings, token: str, chosen: tuple[str, ...]
) -> None:
    changes = PreferenceChanges(categories=chosen)

    assert update_preferences(database, settings, token, changes, now=NOW).subscription.categories is None


def test_a_pause_holds_for_what_is_queued_and_ends_by_itself(
    database: Database, settings: Settings, token: str
) -> None:
    found = pause_subscription(database, settings, token, now=NOW).subscription
    assert (found.status, found.paused_until) == ("paused", NOW + timedelta(weeks=4))
    with database.read() as session:
        assert session.scalar(select(models.Delivery.state)) == "skipped"

    assert end_pauses(database, now=NOW + timedelta(days=27)) == 0
    assert end_pauses(database, now=NOW + timedelta(days=28)) == 1
    assert show_preferences(database, settings, token).subscription.status == "active"


def test_a_pause_can_end_early(database: Database, settings: Settings, token: str) -> None:
    pause_subscription(database, settings, token, now=NOW)

    assert resume_subscription(database, settings, token, now=NOW).subscription.status == "active"


@pytest.mark.parametrize("status", ["unsubscribed", "bounced", "complained", "pending"])
def test_a_pause_is_no_way_back(database: Database, settings: Settings, token: str, status: str) -> None:
    with database.write() as session:
        session.get_one(models.Subscription, 1).status = status

    with pytest.raises(StateError):
        pause_subscription(database, settings, token, now=NOW)
    assert resume_subscription(database, settings, token, now=NOW).subscription.status == status


@pytest.mark.usefixtures("token")
def test_another_purpose_opens_nothing(database: Database, settings: Settings) -> None:
    with pytest.raises(TokenError):
        show_preferences(database, settings, make_token(settings, UNSUBSCRIBE, 1))


@pytest.mark.usefixtures("token")
def test_the_link_goes_to_subscribers_once_a_day(database: Database, settings: Settings) -> None:
    for address in ("ada@example.org", "ADA@example.org", "gone@example.org", "stranger@example.org"):
        send_preferences_link(database, settings, None, address, ip="192.0.2.1", now=NOW)
    assert count_notices(database) == 1

    send_preferences_link(database, settings, None, "ada@example.org", ip=None, now=NOW + timedelta(hours=25))
    assert count_notices(database) == 2
    with pytest.raises(AddressError):
        send_preferences_link(database, settings, None, "nobody", ip=None, now=NOW)


@pytest.mark.usefixtures("token")
def test_counts_are_forgotten_but_not_those_of_addresses(database: Database, settings: Settings) -> None:
    send_preferences_link(database, settings, None, "ada@example.org", ip="192.0.2.1", now=NOW)

    assert forget_counts(database, now=NOW + timedelta(days=1)) == 0
    assert forget_counts(database, now=NOW + timedelta(days=3)) == 3
    with database.read() as session:
        keys = session.scalars(select(RateCount.key))
        assert [key.partition(":")[0] for key in keys] == ["link"]


def test_a_name_is_one_line() -> None:
    assert clean_name("A\u2028B\x85\x0bC\ud800") == "A B C"
    assert clean_name("\n \t") is None
    assert len(clean_name("x" * 500) or "") == 100
