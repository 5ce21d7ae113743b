"""What processes leave behind is freed, queued and closed by whoever looks after sends."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from newsletter.publishing.approval import pause_issue
from newsletter.publishing.sending import begin_issue
from newsletter.publishing.tending import tend_issues
from newsletter.store import shards
from newsletter.store.engine import Database
from newsletter.store.models import Delivery, Issue
from newsletter.store.workers import WorkerLock, release_claims
from tests.support.ledger_builders import make_ledger
from tests.support.ledger_processes import kill, start_process
from tests.support.ledger_work import hold_claims
from tests.support.publishing_builders import NOW, Desk, count_states, make_desk
from tests.support.smtp_server import SmtpServer


@pytest.fixture
def fleet(postgres_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on PostgreSQL with small shards and no worker."""
    monkeypatch.setattr(shards, "SHARD_SIZE", 10)
    return make_desk(postgres_database, tmp_path)


def begin(desk: Desk, readers: int) -> int:
    issue_id = desk.approve_one(readers)
    begin_issue(desk.database, desk.settings, issue_id, now=NOW)
    return issue_id


def change(desk: Desk, **values: object) -> None:
    with desk.database.write() as session:
        session.execute(update(Delivery).values(**values))


def take_jobs(desk: Desk) -> Counter[int]:
    """The jobs in the queue by shard, taken out of it."""
    with desk.database.write() as session:
        query = "DELETE FROM procrastinate_jobs RETURNING (args->>'shard')::bigint"
        return Counter(session.scalars(text(query)).all())


def test_what_a_dead_sender_held_is_queued_anew(fleet: Desk) -> None:
    issue_id = begin(fleet, 15)
    take_jobs(fleet)
    with start_process(hold_claims, fleet.database.url, issue_id, 2) as (pid, _):
        assert tend_issues(fleet.database, fleet.settings, now=NOW) == 0
        kill(pid)

    assert tend_issues(fleet.database, fleet.settings, now=NOW) == 2
    assert count_states(fleet.status(issue_id)) == {"queued": 15}
    assert take_jobs(fleet) == {0: 1, 1: 1}


def test_a_shard_that_has_a_job_gets_no_second(fleet: Desk) -> None:
    begin(fleet, 15)

    assert tend_issues(fleet.database, fleet.settings, now=NOW) == 0
    with fleet.database.write() as session:
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    assert tend_issues(fleet.database, fleet.settings, now=NOW) == 0
    assert take_jobs(fleet) == {0: 1, 1: 1}


def test_only_what_is_due_is_queued(fleet: Desk) -> None:
    begin(fleet, 3)
    take_jobs(fleet)
    change(fleet, state="deferred", next_attempt_at=NOW + timedelta(minutes=1))

    assert tend_issues(fleet.database, fleet.settings, now=NOW) == 0
    assert tend_issues(fleet.database, fleet.settings, now=NOW + timedelta(minutes=1)) == 1


def test_an_issue_that_waits_or_is_paused_is_left_alone(fleet: Desk) -> None:
    issue_id = begin(fleet, 3)
    take_jobs(fleet)
    with fleet.database.write() as session:
        session.execute(update(Issue).values(waits_until=NOW + timedelta(minutes=1)))

    assert tend_issues(fleet.database, fleet.settings, now=NOW) == 0
    pause_issue(fleet.database, issue_id, actor="ada", now=NOW)
    assert tend_issues(fleet.database, fleet.settings, now=NOW + timedelta(minutes=2)) == 0


@pytest.mark.parametrize(("policy", "states"), [("resend", {"deferred": 3}), ("hold", {"uncertain": 3})])
def test_what_is_uncertain_waits_for_another_try_or_is_held(
    fleet: Desk, policy: str, states: dict[str, int]
) -> None:
    issue_id = begin(fleet, 3)
    change(fleet, state="uncertain", attempts=1, first_attempt_at=NOW, finished_at=NOW)
    with fleet.database.write() as session:
        session.execute(update(Issue).values(on_uncertain=policy))

    tend_issues(fleet.database, fleet.settings, now=NOW)

    status = fleet.status(issue_id)
    assert count_states(status) == states
    assert status.state == ("sending" if policy == "resend" else "sent")
    assert take_jobs(fleet) == ({0: 1} if policy == "resend" else {})


def test_a_shard_is_claimed_within_its_bounds(fleet: Desk) -> None:
    issue_id = begin(fleet, 25)
    worker = WorkerLock(fleet.database)
    ledger = make_ledger(fleet.database, issue_id, worker, ids=shards.list_ids(1))

    rows = ledger.claim(100)
    ledger.release([row.id for row in rows])

    assert [row.id for row in rows] == list(range(10, 20)) == [row.id for row in ledger.claim(100)]
    worker.close()


def test_an_issue_is_not_closed_over_what_a_process_leaves_that_moment(fleet: Desk) -> None:
    issue_id = begin(fleet, 1)
    dying = WorkerLock(fleet.database)
    told: list[str] = []
    ledger = make_ledger(fleet.database, issue_id, dying)
    ledger.settle([], [row.id for row in ledger.claim(1)])

    def die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE deliveries") and not told:
            told.append(statement)
            with fleet.database.write() as other:
                release_claims(other, dying.token)

    event.listen(fleet.database.engine, "after_cursor_execute", die)
    tend_issues(fleet.database, fleet.settings, now=NOW)

    assert (fleet.status(issue_id).state, count_states(fleet.status(issue_id))) == (
        "sending",
        {"uncertain": 1},
    )
    tend_issues(fleet.database, fleet.settings, now=NOW)
    assert count_states(fleet.status(issue_id)) == {"queued": 1}


def test_a_send_does_not_close_an_issue_over_what_a_process_leaves_that_moment(
    fleet: Desk, smtp_server: SmtpServer
) -> None:
    issue_id = begin(fleet, 2)
    dying = WorkerLock(fleet.database)
    ledger = make_ledger(fleet.database, issue_id, dying)
    ledger.settle([], [row.id for row in ledger.claim(1)])

    def die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT deliveries.id") and "deliveries.state IN" in statement:
            with fleet.database.write() as other:
                release_claims(other, dying.token)

    event.listen(fleet.database.engine, "before_cursor_execute", die)
    fleet.sent_by(smtp_server.port).send(issue_id)

    assert (fleet.status(issue_id).state, count_states(fleet.status(issue_id))) == (
        "sending",
        {"sent": 1, "uncertain": 1},
    )
