"""Who gets an issue is fixed once; what is not yet on its way can be held back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from newsletter.errors import DatabaseError
from newsletter.store.deliveries import (
    fix_recipients,
    has_unfinished,
    requeue_uncertain,
    retry_uncertain,
    skip_deliveries_of,
)
from newsletter.store.engine import Database
from newsletter.store.models import Delivery, Issue
from newsletter.store.workers import WorkerLock, release_claims
from tests.support.ledger_builders import (
    NOW,
    add_issue,
    add_publication,
    add_reader,
    add_sending_issue,
    make_ledger,
    make_verdict,
    read_row,
    read_states,
)
from tests.support.ledger_processes import run_at_once
from tests.support.ledger_work import begin_send


def test_exactly_the_active_subscribers_get_an_issue(either_database: Database) -> None:
    with either_database.write() as session:
        publication, other = add_publication(session), add_publication(session, "other")
        for status in ("active", "pending", "paused", "unsubscribed", "bounced", "complained"):
            add_reader(session, publication, f"{status}@example.net", status)
        add_reader(session, publication, "erased@example.net", erased_at=NOW)
        add_reader(session, publication, "away@example.net", "paused", paused_until=NOW + timedelta(days=1))
        add_reader(session, publication, "back@example.net", "paused", paused_until=NOW - timedelta(days=1))
        add_reader(session, other, "elsewhere@example.net")
        issue = add_issue(session, publication)

        assert fix_recipients(session, issue, now=NOW) == 2

    with either_database.read() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        assert [(row.email, row.state, row.attempts) for row in rows] == [
            ("active@example.net", "queued", 0),
            ("back@example.net", "queued", 0),
        ]


def test_a_send_that_begins_twice_at_once_has_one_set_of_recipients(either_database: Database) -> None:
    with either_database.write() as session:
        publication = add_publication(session)
        for number in range(50):
            add_reader(session, publication, f"reader{number}@example.net")
        issue_id = add_issue(session, publication).id

    said = run_at_once(begin_send, [(either_database.url, issue_id)] * 2)

    assert sorted(said) == ["began", "was begun"]
    assert read_states(either_database) == ["queued"] * 50


def test_recipients_cannot_be_fixed_twice(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 3)

    def fix_again() -> None:
        with either_database.write() as session:
            fix_recipients(session, session.get_one(Issue, issue_id), now=NOW)

    with pytest.raises(DatabaseError, match=r"UNIQUE|unique"):
        fix_again()


def test_cancelling_holds_back_what_is_not_on_its_way(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 5)
    ledger = make_ledger(either_database, issue_id, WorkerLock(either_database))
    _, on_its_way, sent, later = (row.id for row in ledger.claim(4))
    ledger.settle([], [on_its_way])
    ledger.settle([make_verdict(sent), make_verdict(later, "deferred")], [])

    with either_database.write() as session:
        held = skip_deliveries_of(session, issue_id, "the issue was cancelled", now=NOW)

    assert (held, read_states(either_database)) == (3, ["skipped", "dot_sent", "sent", "skipped", "skipped"])
    assert read_row(either_database, 1).reply == "the issue was cancelled"


def test_uncertain_deliveries_are_queued_again_when_asked_for(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 2)
    ledger = make_ledger(either_database, issue_id, WorkerLock(either_database))
    first, second = ledger.claim(2)
    ledger.settle([make_verdict(first.id, "uncertain"), make_verdict(second.id, "failed")], [])

    with either_database.write() as session:
        assert (requeue_uncertain(session, issue_id), requeue_uncertain(session, issue_id)) == (1, 0)

    assert read_states(either_database) == ["queued", "failed"]


def test_what_a_dead_process_left_uncertain_is_queued_at_once_and_put_off_by_no_plan(
    either_database: Database,
) -> None:
    issue_id = add_sending_issue(either_database, 2)
    dead = WorkerLock(either_database)
    ledger = make_ledger(either_database, issue_id, dead)
    answered, lost = [row.id for row in ledger.claim(2)]
    ledger.settle([], [lost])
    ledger.settle([make_verdict(answered, "uncertain")], [])

    with either_database.write() as session:
        assert release_claims(session, dead.token) == 1
        retry_uncertain(session, issue_id, lambda *_: NOW + timedelta(minutes=1))

    assert read_states(either_database) == ["deferred", "queued"]


def test_what_a_process_leaves_while_another_ends_a_shard_is_not_put_off(postgres_database: Database) -> None:
    issue_id = add_sending_issue(postgres_database, 1)
    dead = WorkerLock(postgres_database)
    ledger = make_ledger(postgres_database, issue_id, dead)
    ledger.settle([], [row.id for row in ledger.claim(1)])

    def die(*_: object) -> None:
        with postgres_database.write() as other:
            release_claims(other, dead.token)

    with postgres_database.write() as session:
        event.listen(session.connection(), "after_cursor_execute", die, once=True)
        retry_uncertain(session, issue_id, lambda *_: NOW + timedelta(minutes=1))
        unfinished = [has_unfinished(session, issue_id, resends=resends) for resends in (True, False)]

    assert (read_states(postgres_database), unfinished) == (["uncertain"], [True, False])


def test_uncertain_deliveries_are_put_off_until_the_plan_gives_up(either_database: Database) -> None:
    issue_id = add_sending_issue(either_database, 2)
    ledger = make_ledger(either_database, issue_id, WorkerLock(either_database))
    ledger.settle([make_verdict(row.id, "uncertain") for row in ledger.claim(2)], [])
    at = NOW + timedelta(minutes=1)

    with either_database.write() as session:
        assert not has_unfinished(session, issue_id)
        retry_uncertain(
            session,
            issue_id,
            lambda key, attempts, first: at if (key, attempts, first) == (1, 1, NOW) else None,
        )

    assert read_states(either_database) == ["deferred", "uncertain"]
    assert (read_row(either_database, 1).next_attempt_at, read_row(either_database, 1).finished_at) == (
        at,
        None,
    )
