"""A mailbox that does not exist ends its subscription; too many of them pause the issue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.content import Verdict
from newsletter.publishing.approval import resume_issue
from newsletter.publishing.bounces import BounceWatch, pause_bouncing
from newsletter.store import models
from newsletter.store.deliveries import fix_recipients
from newsletter.store.engine import Database
from newsletter.store.publications import find_publication
from newsletter.store.workers import WorkerLock
from tests.support.ledger_builders import Clock, add_issue, make_ledger
from tests.support.publishing_builders import NOW, Desk, count_states, make_desk
from tests.support.smtp_server import Fault, SmtpServer, reply

Serve = Callable[[SmtpServer], SmtpServer]
NO_USER = reply(550, "5.1.1 no such user")


def list_statuses(database: Database) -> dict[str, str]:
    query = select(models.Subscriber.email, models.Subscription.status).join(
        models.Subscription, models.Subscription.subscriber_id == models.Subscriber.id
    )
    with database.read() as session:
        return {row[0].partition("@")[0]: row[1] for row in session.execute(query)}


def settle(desk: Desk, issue_id: int, causes: str) -> None:
    """Give as many deliveries a verdict each: `h` hard, `p` policy, `.` sent."""
    clock = Clock(NOW + timedelta(seconds=count_settled(desk)))
    lock = WorkerLock(desk.database)
    ledger = make_ledger(desk.database, issue_id, lock, clock)
    verdicts = [
        Verdict(row.id, "sent", 250)
        if cause == "."
        else Verdict(row.id, "failed", 550, cause="hard" if cause == "h" else "policy")
        for row, cause in zip(ledger.claim(len(causes)), causes, strict=True)
    ]
    with ledger.transaction() as connection:
        ledger.settle(verdicts, [])
        BounceWatch(desk.settings, issue_id, clock).note(connection, verdicts)
    ledger.close()
    lock.close()


def count_settled(desk: Desk) -> int:
    with desk.database.read() as session:
        return len(
            session.scalars(select(models.Delivery.id).where(models.Delivery.finished_at.is_not(None))).all()
        )


def begin(desk: Desk, readers: int) -> int:
    """An issue that is being sent to so many readers; its id."""
    desk.add_readers(readers)
    with desk.database.write() as session:
        issue = add_issue(session, find_publication(session, None), "sending", number=1)
        fix_recipients(session, issue, now=NOW)
        return issue.id


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """Of the first 20 a tenth may bounce, later a fifth."""
    limits = {"bounce_pause_first": 20, "bounce_pause_percent": 10, "bounce_pause_total_percent": 20}
    return replace(desk, settings=desk.settings.model_copy(update=limits))


def test_one_in_ten_pauses_the_issue_within_the_first_five_hundred(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", f"{digit}3@", NO_USER) for digit in range(10)]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(320)

    status = desk.send(issue_id, connections=1)

    assert status.state == "paused"
    assert 10 <= status.failed < 20
    assert len(server.accepted) < 200
    assert "mailboxes do not exist, and 2 % of the first 500 are too many" in str(status.reason)
    assert f"`newsletter issue resume {issue_id}` goes on" in str(status.reason)

    resume_issue(desk.database, issue_id, actor="ada", now=NOW + timedelta(seconds=30))
    status = desk.send(issue_id, NOW + timedelta(minutes=1), connections=1)

    # What was known is no reason any more; so many new ones are again none before 500 have gone out.
    assert (status.state, count_states(status)) == ("sent", {"sent": 288, "failed": 32})
    statuses = list_statuses(desk.database)
    assert (statuses["reader0013"], statuses["reader0014"]) == ("bounced", "active")


@pytest.mark.parametrize(
    ("causes", "state"),
    [
        ("h." * 1 + "." * 10, "sending"),
        ("h..h", "paused"),
        ("p" * 15, "sending"),
        ("." * 19 + "h", "sending"),
        ("h" + "." * 20 + "hhh", "sending"),
        ("h" + "." * 20 + "hhhhh", "paused"),
    ],
)
def test_the_first_few_are_looked_at_more_strictly(strict: Desk, causes: str, state: str) -> None:
    issue_id = begin(strict, len(causes))

    for cause in causes:
        settle(strict, issue_id, cause)

    assert strict.status(issue_id).state == state


def test_after_a_resume_only_new_bounces_count(strict: Desk) -> None:
    issue_id = begin(strict, 60)
    settle(strict, issue_id, "hhh")
    resume_issue(strict.database, issue_id, actor="ada", now=NOW + timedelta(seconds=1))
    settle(strict, issue_id, "." * 20 + "hhhhh")

    assert strict.status(issue_id).state == "sending"

    settle(strict, issue_id, "h")

    assert strict.status(issue_id).state == "paused"
    assert "6 of 26 mailboxes since it was resumed do not exist" in str(strict.status(issue_id).reason)


def test_zero_per_cent_never_pauses(desk: Desk) -> None:
    limits = {"bounce_pause_percent": 0.0, "bounce_pause_first": 1, "bounce_pause_total_percent": 0.0}
    desk = replace(desk, settings=desk.settings.model_copy(update=limits))
    issue_id = begin(desk, 3)
    settle(desk, issue_id, "hhh")

    assert desk.status(issue_id).state == "sending"


def test_a_cancelled_issue_stays_so(strict: Desk) -> None:
    issue_id = begin(strict, 4)
    settle(strict, issue_id, "h")
    limits = {"bounce_pause_percent": 1.0}
    settings = strict.settings.model_copy(update=limits)
    with strict.database.write() as session:
        session.get_one(models.Issue, issue_id).state = "cancelled"

        assert not pause_bouncing(session, settings, issue_id, now=NOW)


def test_who_bounces_is_suspended_with_what_the_server_said(
    either_database: Database, tmp_path: Path, serve: Serve
) -> None:
    desk = make_desk(either_database, tmp_path)
    policy = reply(550, "5.7.1 we do not like you")
    server = serve(SmtpServer([Fault("rcpt", "reader0001", NO_USER), Fault("rcpt", "reader0002", policy)]))
    desk = desk.sent_by(server.port)
    desk.send(desk.approve_one(4))

    assert list_statuses(desk.database) == {
        "reader0000": "active",
        "reader0001": "bounced",
        "reader0002": "active",
        "reader0003": "active",
    }
    with desk.database.read() as session:
        (consent,) = session.scalars(select(models.Consent))
    assert (consent.event, consent.via, consent.detail) == ("bounced", "smtp", "5.1.1 no such user")

    desk.add_article("A second ship")
    status = desk.send(desk.approve(desk.draft(NOW + timedelta(days=7)).id).id, NOW + timedelta(days=7))

    assert (status.state, status.recipients) == ("sent", 3)


def test_a_bounce_takes_the_reader_out_of_other_sends(desk: Desk) -> None:
    first = begin(desk, 2)
    with desk.database.write() as session:
        issue = models.Issue(uid="other", publication_id=1, number=9, state="sending", drafted_at=NOW)
        session.add(issue)
        session.flush()
        session.add(
            models.Delivery(
                issue_id=issue.id, subscriber_id=1, email="reader0000@example.net", state="queued"
            )
        )
        second = issue.id
    settle(desk, first, "h")

    assert count_states(desk.status(second)) == {"skipped": 1}


def test_the_verdict_of_a_lost_claim_suspends_nobody(desk: Desk) -> None:
    issue_id = begin(desk, 1)
    with desk.database.open_writer().write() as connection:
        BounceWatch(desk.settings, issue_id, Clock()).note(connection, [Verdict(1, "failed", cause="hard")])

    assert set(list_statuses(desk.database).values()) == {"active"}
