"""Queries of subscribers, suppressions and counts that only several writers or rows would show wrong."""

from __future__ import annotations

import threading
from datetime import timedelta

from newsletter.store import models, rates, subscribers, suppressions
from newsletter.store.engine import Database
from tests.support.store_builders import (
    NOW,
    make_delivery_row,
    make_issue_row,
    make_publication_row,
    make_subscriber_row,
    make_subscription_row,
)


def test_the_same_person_is_added_once(database: Database) -> None:
    with database.write() as session:
        first = subscribers.add_subscribers(session, [{"email": "ada@example.org", "name": "Ada"}], now=NOW)
        again = subscribers.add_subscribers(session, [{"email": "ada@example.org", "name": "Eve"}], now=NOW)

        assert again["ada@example.org"].id == first["ada@example.org"].id
        assert again["ada@example.org"].name == "Ada"
        assert subscribers.add_subscribers(session, [], now=NOW) == {}


def test_deliveries_are_skipped_of_one_publication_or_of_all(database: Database) -> None:
    with database.write() as session:
        person = make_subscriber_row(session)
        shelves = [make_publication_row(session, slug=slug) for slug in ("a", "b")]
        rows = [make_delivery_row(session, make_issue_row(session, each), person) for each in shelves]

        assert subscribers.skip_deliveries(session, shelves[0].id, person.id, "left", now=NOW) == 1
        session.expire_all()
        assert [(row.state, row.reply) for row in rows] == [("skipped", "left"), ("queued", None)]
        assert subscribers.skip_deliveries(session, None, person.id, "erased", now=NOW) == 1


def test_erased_people_are_not_listed(database: Database) -> None:
    with database.write() as session:
        publication = make_publication_row(session)
        for email, erased_at in (("a@example.org", None), ("erased-2@invalid", NOW)):
            person = make_subscriber_row(session, email, erased_at=erased_at)
            make_subscription_row(session, publication, person)

        found = list(subscribers.iterate_subscriptions(session, publication.id))

        assert [person.email for _, person in found] == ["a@example.org"]
        assert list(subscribers.iterate_subscriptions(session, publication.id, "paused")) == []


def test_the_first_reason_of_a_suppression_stays(database: Database) -> None:
    with database.write() as session:
        for reason in ("complaint", "erased"):
            suppressions.add_suppression(session, "a" * 64, reason, now=NOW)

        assert session.get_one(models.Suppression, "a" * 64).reason == "complaint"
        assert suppressions.list_suppressed(session, ["a" * 64, "b" * 64]) == {"a" * 64}


def test_hits_are_counted_in_a_sliding_time(database: Database) -> None:
    with database.write() as session:
        for minutes in (0, 0, 30, 90):
            rates.record_hit(session, "ip:x", now=NOW + timedelta(minutes=minutes))

        assert rates.count_hits(session, "ip:x", NOW) == 2
        assert rates.count_hits(session, "ip:x") == 4
        assert rates.forget_hits_before(session, NOW + timedelta(minutes=31), ("ip:",)) == 2
        assert rates.count_hits(session, "ip:x") == 1


def test_no_hit_is_lost_between_writers(database: Database) -> None:
    def hit() -> None:
        for _ in range(20):
            with database.write() as session:
                rates.record_hit(session, "all:mail", now=NOW)

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as session:
        assert rates.count_hits(session, "all:mail") == 80
