"""How fast a send goes and how long it takes, whoever sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.deliver.engine import Counts
from newsletter.publishing import progress
from newsletter.publishing.issues import IssueStatus, get_issue_status
from newsletter.publishing.progress import follow_issue
from newsletter.publishing.sending import begin_issue
from newsletter.store.models import Delivery
from tests.support.publishing_builders import NOW, Desk, count_states


def begin(desk: Desk, readers: int) -> int:
    issue_id = desk.approve_one(readers)
    begin_issue(desk.database, desk.settings, issue_id, now=NOW)
    return issue_id


def settle(desk: Desk, count: int, at: timedelta) -> None:
    """Have so many deliveries be sent, by whoever it was."""
    with desk.database.write() as session:
        queued = select(Delivery.id).where(Delivery.state == "queued").order_by(Delivery.id).limit(count)
        sent = update(Delivery).where(Delivery.id.in_(queued.scalar_subquery()))
        session.execute(sent.values(state="sent", finished_at=NOW + at))


def test_the_status_tells_the_rate_of_the_last_minute_and_what_is_left(desk: Desk) -> None:
    issue_id = begin(desk, 100)
    settle(desk, 10, timedelta(seconds=30))
    settle(desk, 30, timedelta(seconds=100))

    status = get_issue_status(desk.database, issue_id, now=NOW + timedelta(seconds=120))

    assert (status.rate, status.seconds_left, status.sent) == (0.5, 120, 40)


def test_the_first_minute_is_no_minute_long(desk: Desk) -> None:
    issue_id = begin(desk, 100)
    settle(desk, 40, timedelta(seconds=5))

    status = get_issue_status(desk.database, issue_id, now=NOW + timedelta(seconds=10))

    assert (status.rate, status.seconds_left) == (4.0, 15)


def test_where_nothing_moves_nobody_knows_the_end(desk: Desk) -> None:
    issue_id = begin(desk, 3)

    status = get_issue_status(desk.database, issue_id, now=NOW + timedelta(hours=1))

    assert (status.rate, status.seconds_left) == (0.0, None)


def test_a_send_that_is_over_has_no_rate(sending_desk: Desk) -> None:
    issue_id = sending_desk.approve_one(3)
    sending_desk.send(issue_id)

    status = get_issue_status(sending_desk.database, issue_id, now=NOW + timedelta(seconds=5))

    assert (status.state, status.rate, status.seconds_left) == ("sent", 0.0, None)


def test_the_bar_counts_what_others_send_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.0)
    seen: list[IssueStatus] = []
    follow = wanted(follow_issue(desk.database, begin(desk, 50), seen.append))
    settle(desk, 20, timedelta(seconds=1))

    deadline = time.monotonic() + 30
    while not seen or seen[-1].sent < 20:
        assert time.monotonic() < deadline
        follow(Counts())
        time.sleep(0.01)
    wait_for_looks()
    follow(Counts(sent=2, deferred=1))

    assert count_states(seen[-1]) == {"queued": 27, "sent": 22, "deferred": 1}
    wait_for_looks()


def test_a_bar_that_cannot_look_goes_on_with_what_it_knows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.0)
    seen: list[IssueStatus] = []
    follow = wanted(follow_issue(desk.database, begin(desk, 5), seen.append))
    monkeypatch.setattr(progress, "get_issue_status", lambda *_, **__: 1 / 0)

    follow(Counts())
    wait_for_looks()
    follow(Counts(sent=2))

    assert count_states(seen[-1]) == {"queued": 3, "sent": 2}
    wait_for_looks()


def wanted(follow: Callable[[Counts], None] | None) -> Callable[[Counts], None]:
    assert follow
    return follow


def wait_for_looks() -> None:
    for thread in threading.enumerate():
        if thread.name == "progress":
            thread.join(30)
