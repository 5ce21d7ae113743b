"""Uncertain deliveries are settled by a log, failed ones are tried again."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.errors import NotFoundError, ParseError, StateError
from newsletter.publishing.approval import cancel_issue, pause_issue
from newsletter.publishing.issues import list_deliveries
from newsletter.publishing.reconciling import Evidence, ReconcileReport, reconcile_issue
from newsletter.publishing.retrying import Retriable, RetryReport, retry_issue
from newsletter.store.models import Delivery, Subscriber, Subscription
from tests.support.postfix_fixtures import Postfix
from tests.support.publishing_builders import NOW, Desk, count_states
from tests.support.smtp_server import CLOSE, Fault, SmtpServer, reply

Serve = Callable[[SmtpServer], SmtpServer]


def make_uncertain(desk: Desk, readers: int, at: datetime = NOW) -> tuple[int, list[str]]:
    """An issue that was sent, of whose deliveries nobody knows anything; its Message-IDs."""
    issue_id = desk.approve_one(readers)
    desk.send(issue_id)
    with desk.database.write() as session:
        session.execute(update(Delivery).values(state="uncertain", first_attempt_at=at, finished_at=at))
    return issue_id, [row["message_id"] for row in list_deliveries(desk.database, issue_id)]


def write_log(folder: Path, ids: list[str], statuses: list[str], *, at: str = "21:00:00") -> Path:
    lines = ["2026-11-23T00:00:00+00:00 mx postfix/qmgr[1]: AAAAAA: removed"]
    for number, (message_id, status) in enumerate(zip(ids, statuses, strict=False)):
        head = f"2026-11-23T{at}+00:00 mx postfix"
        lines.append(f"{head}/cleanup[2]: QUEUE{number}: message-id={message_id}")
        lines.append(f"{head}/smtp[3]: QUEUE{number}: to=<r@example.net>, dsn=5.1.1, status={status}")
    path = folder / "mail.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def reconcile(desk: Desk, issue_id: int, *logs: Path, resend_missing: bool = False) -> ReconcileReport:
    evidence = Evidence(logs, resend_missing, UTC)
    return reconcile_issue(desk.database, issue_id, evidence, actor="ada", now=NOW)


def retry(desk: Desk, issue_id: int, state: Retriable = "failed") -> RetryReport:
    return retry_issue(desk.database, issue_id, state, actor="ada", now=NOW)


def test_a_log_settles_what_it_knows(sending_desk: Desk, tmp_path: Path) -> None:
    issue_id, ids = make_uncertain(sending_desk, 4)
    log = write_log(tmp_path, ids, ["sent (250 ok)", "bounced (host mx said: 550 5.1.1 no such user)"])

    report = reconcile(sending_desk, issue_id, log)

    assert (report.uncertain, report.sent, report.failed, report.missing) == (4, 1, 1, 2)
    assert [each["outcome"] for each in report.deliveries] == ["sent", "failed", "missing", "missing"]
    assert count_states(sending_desk.status(issue_id)) == {"sent": 1, "failed": 1, "uncertain": 2}
    (failed,) = list_deliveries(sending_desk.database, issue_id, "failed")
    assert (failed["code"], failed["reply"]) == (550, "5.1.1 550 5.1.1 no such user")
    assert retry(sending_desk, issue_id) == RetryReport(0, 1, 0)


def test_what_the_log_does_not_know_is_sent_again_when_asked_for(
    sending_desk: Desk, smtp_server: SmtpServer, tmp_path: Path
) -> None:
    issue_id, ids = make_uncertain(sending_desk, 3)
    log = write_log(tmp_path, ids, ["sent (250 ok)"])

    report = reconcile(sending_desk, issue_id, log, resend_missing=True)

    assert (report.sent, report.requeued, report.missing) == (1, 2, 0)
    assert sending_desk.status(issue_id).state == "sending"
    assert count_states(sending_desk.send(issue_id)) == {"sent": 3}
    assert len(smtp_server.accepted) == 3 + 2


def test_a_log_of_another_time_says_nothing(sending_desk: Desk, tmp_path: Path) -> None:
    issue_id, ids = make_uncertain(sending_desk, 1, NOW + timedelta(days=1))
    log = write_log(tmp_path, [*ids, "<other@x>"][1:], ["sent (250 ok)"])

    report = reconcile(sending_desk, issue_id, log, resend_missing=True)

    assert (report.outside, report.requeued) == (1, 0)


def test_logs_may_be_packed_and_several(sending_desk: Desk, tmp_path: Path) -> None:
    issue_id, ids = make_uncertain(sending_desk, 2)
    first = write_log(tmp_path, ids[:1], ["sent (250 ok)"]).rename(tmp_path / "old.log")
    packed = tmp_path / "old.log.gz"
    packed.write_bytes(gzip.compress(first.read_bytes()))
    second = write_log(tmp_path, ids[1:], ["sent (250 ok)"])

    assert reconcile(sending_desk, issue_id, packed, second).sent == 2


def test_a_packed_log_that_was_cut_is_a_line(sending_desk: Desk, tmp_path: Path) -> None:
    issue_id, _ = make_uncertain(sending_desk, 1)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"line\n" * 1000)[:-12])

    with pytest.raises(ParseError, match=r"cut.gz is damaged"):
        reconcile(sending_desk, issue_id, tmp_path / "cut.gz")
    with pytest.raises(NotFoundError):
        reconcile(sending_desk, 99, tmp_path / "cut.gz")


def test_a_real_postfix_tells_what_it_took(desk: Desk, postfix: Postfix) -> None:
    desk = desk.sent_by(postfix.port)
    issue_id, _ = make_uncertain(desk, 20, datetime.now(UTC))
    postfix.wait_for(20, "@example.net")

    zone = datetime.now(UTC).astimezone().tzinfo or UTC
    evidence = Evidence([postfix.log], resend_missing=True, zone=zone)
    report = reconcile_issue(desk.database, issue_id, evidence, actor="ada", now=datetime.now(UTC))

    assert (report.sent, report.uncertain) == (20, 20)


def test_hold_keeps_what_is_uncertain_and_names_it(desk: Desk, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("dot", "reader0001", CLOSE)]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(3)

    first = desk.send(issue_id, on_uncertain="hold")
    later = desk.send(issue_id, NOW + timedelta(hours=1))

    assert first == later
    assert (first.state, count_states(first)) == ("sent", {"sent": 2, "uncertain": 1})
    (row,) = list_deliveries(desk.database, issue_id, "uncertain")
    assert row["email"] == "reader0001@example.net"


def test_what_one_run_was_told_holds_for_later_runs(
    desk: Desk, serve: Serve, smtp_server: SmtpServer
) -> None:
    server = serve(
        SmtpServer(
            [Fault("dot", "reader0001", CLOSE), Fault("rcpt", "reader0002", reply(451, "4.3.0 later"))]
        )
    )
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(3)
    desk.send(issue_id, on_uncertain="hold")

    status = desk.sent_by(smtp_server.port).send(issue_id, NOW + timedelta(minutes=5))

    assert (status.state, count_states(status)["uncertain"]) == ("sent", 1)


def test_what_failed_is_tried_again(desk: Desk, serve: Serve, smtp_server: SmtpServer) -> None:
    faults = [Fault("rcpt", name, reply(code, words)) for name, code, words in REFUSALS]
    server = serve(SmtpServer(faults))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(5)
    assert count_states(desk.send(issue_id)) == {"sent": 1, "failed": 4}
    with desk.database.write() as session:
        leaver = select(Subscriber.id).where(Subscriber.email == "reader0003@example.net")
        session.execute(
            update(Subscription).where(Subscription.subscriber_id.in_(leaver)).values(status="unsubscribed")
        )

    report = retry(desk, issue_id)

    assert report == RetryReport(requeued=2, bounced=1, left=1)
    assert desk.status(issue_id).state == "sending"
    assert count_states(desk.sent_by(smtp_server.port).send(issue_id)) == {"sent": 3, "failed": 2}
    assert desk.status(issue_id).state == "sent"


REFUSALS = (
    ("reader0001", 550, "5.1.1 no such user"),
    ("reader0002", 552, "5.2.2 mailbox full"),
    ("reader0003", 552, "5.2.2 mailbox full"),
    ("reader0004", 550, "5.7.1 policy"),
)


def test_what_is_uncertain_is_tried_again(sending_desk: Desk, smtp_server: SmtpServer) -> None:
    issue_id, _ = make_uncertain(sending_desk, 2)
    assert retry(sending_desk, issue_id) == RetryReport(0, 0, 0)
    assert sending_desk.status(issue_id).state == "sent"

    assert retry(sending_desk, issue_id, "uncertain").requeued == 2

    assert count_states(sending_desk.send(issue_id)) == {"sent": 2}
    assert len(smtp_server.accepted) == 4


def test_a_paused_issue_stays_paused_and_a_cancelled_one_is_refused(sending_desk: Desk) -> None:
    issue_id, _ = make_uncertain(sending_desk, 1)
    retry(sending_desk, issue_id, "uncertain")
    pause_issue(sending_desk.database, issue_id, actor="ada", now=NOW)
    retry(sending_desk, issue_id)
    assert sending_desk.status(issue_id).state == "paused"

    cancel_issue(sending_desk.database, issue_id, actor="ada", now=NOW)

    with pytest.raises(StateError, match="is cancelled: there is nothing to try again"):
        retry(sending_desk, issue_id)
