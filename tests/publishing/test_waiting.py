"""A send that cannot go on now says why and until when, and a scheduler goes on then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.config import DomainSettings, RouteSettings, Settings
from newsletter.errors import DeliveryError
from newsletter.publishing.approval import cancel_issue, pause_issue, resume_issue, schedule_issue
from newsletter.publishing.issues import list_deliveries
from newsletter.publishing.publications import PublicationChanges, set_publication
from newsletter.publishing.windows import parse_window
from newsletter.store import jobs, models
from newsletter.store.engine import Database
from newsletter.store.pace_models import RouteState
from tests.support.publishing_builders import NOW, Desk, count_states, make_desk
from tests.support.smtp_server import Action, Fault, SmtpServer, reply

Serve = Callable[[SmtpServer], SmtpServer]
VILNIUS = ZoneInfo("Europe/Vilnius")
HOUR = timedelta(hours=1)


def by_routes(desk: Desk, *routes: dict[str, object], **settings: object) -> Desk:
    """The same, sending by these."""
    made = tuple(RouteSettings.model_validate({"name": f"r{n}", **said}) for n, said in enumerate(routes))
    return replace(desk, settings=desk.settings.model_copy(update={"routes": made, **settings}))


def url(server: SmtpServer) -> str:
    return f"smtp://127.0.0.1:{server.port}"


def list_due(desk: Desk, now: datetime) -> list[int]:
    with desk.database.read() as session:
        return jobs.list_issues_to_send(session, now)


def give_zones(desk: Desk, *zones: str | None) -> None:
    with desk.database.write() as session:
        for row, zone in zip(
            session.query(models.Subscriber).order_by(models.Subscriber.id), zones, strict=True
        ):
            row.attributes = {"timezone": zone} if zone else {}


@pytest.mark.parametrize(
    ("hours", "days", "now", "end", "begin"),
    [
        ("08:00-20:00", (), "2026-11-23T09:00", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("08:00-20:00", (), "2026-11-23T20:00", None, "2026-11-24T08:00"),
        ("08:00-20:00", ("mon", "fri"), "2026-11-24T09:00", None, "2026-11-27T08:00"),
        ("22:00-06:00", ("mon",), "2026-11-24T05:59", "2026-11-24T06:00", "2026-11-30T22:00"),
        ("", ("sat",), "2026-11-28T12:00", "2026-11-29T00:00", "2026-12-05T00:00"),
        # The clocks go from 03:00 to 04:00: what does not exist begins when they do.
        ("03:30-05:00", (), "2026-03-29T02:59+02:00", None, "2026-03-29T04:30"),
        ("02:00-03:30", (), "2026-10-25T03:29+03:00", "2026-10-25T03:30", "2026-10-26T02:00"),
    ],
)
def test_windows_go_by_the_clock_of_their_zone(
    hours: str, days: tuple[str, ...], now: str, end: str | None, begin: str
) -> None:
    window = parse_window(hours, days, VILNIUS)
    at = datetime.fromisoformat(now)
    at = at if at.tzinfo else at.replace(tzinfo=VILNIUS)

    found = window.find_end(at)
    assert (found and found.replace(tzinfo=None).isoformat(timespec="minutes")) == end
    assert window.find_begin(at).replace(tzinfo=None).isoformat(timespec="minutes") == begin


def test_outside_its_window_an_issue_waits_and_says_until_when(desk: Desk, smtp_server: SmtpServer) -> None:
    desk = by_routes(desk, {"url": url(smtp_server), "window": "10:00-12:00"})
    issue_id = desk.approve_one(2)
    with desk.database.write() as session:
        session.get_one(models.Issue, issue_id).period = "2026-11-23T08:00"
        session.get_one(models.Issue, issue_id).due_at = NOW

    status = desk.send(issue_id)

    assert (status.state, status.recipients, smtp_server.accepted) == ("approved", 0, [])
    assert (
        status.reason == "no route may be used at this hour; it goes on Monday 23 November 2026, 10:00 (UTC)"
    )
    assert (list_due(desk, NOW + HOUR), list_due(desk, NOW + 2 * HOUR)) == ([], [issue_id])
    assert desk.send(issue_id, NOW + 2 * HOUR).state == "sent"


def test_another_route_is_used_while_the_window_of_one_is_closed(desk: Desk, serve: Serve) -> None:
    one, two = serve(SmtpServer()), serve(SmtpServer())
    desk = by_routes(desk, {"url": url(one), "days": ["tue"]}, {"url": url(two)})

    assert desk.send(desk.approve_one(4)).state == "sent"
    assert (len(one.accepted), len(two.accepted)) == (0, 4)


def test_the_days_of_a_warm_up(desk: Desk, smtp_server: SmtpServer) -> None:
    desk = by_routes(desk, {"url": url(smtp_server), "warmup": [3, 5], "per_day": 7})
    issue_id = desk.approve_one(17)
    sent = []
    for day in range(4):
        status = desk.send(issue_id, NOW + timedelta(days=day))
        sent.append(status.sent)
        if day == 0:
            assert status.reason == (
                "route 'r0': its limit of 3 messages on day 1 of its warm-up is used up; "
                "it goes on Tuesday 24 November 2026, 00:00 (UTC)"
            )
            assert list_due(desk, NOW + HOUR) == []
            assert list_due(desk, NOW + timedelta(days=1)) == [issue_id]

    assert sent == [3, 8, 15, 17]
    assert (status.state, status.reason) == ("sent", None)


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_sender_that_is_refused_pauses_the_issue(desk: Desk, serve: Serve, stage: str) -> None:
    server = serve(SmtpServer([Fault(stage, 0, reply(550, "5.7.1 we do not want it"))]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(30)

    with pytest.raises(
        DeliveryError, match=r"times in a row: 550 5.7.1 .*`newsletter issue resume 1` goes on"
    ):
        desk.send(issue_id)

    status = desk.status(issue_id)
    assert status.state == "paused"
    assert "`newsletter issue resume 1` goes on" in str(status.reason)
    assert list_due(desk, NOW + timedelta(days=1)) == []

    server.script = []
    resume_issue(desk.database, issue_id, actor="ada", now=NOW)
    status = desk.send(issue_id)
    assert (status.state, status.sent + status.failed) == ("sent", 30)


def test_a_route_that_stays_down_is_named_and_not_tried_again_at_once(desk: Desk, serve: Serve) -> None:
    one = serve(SmtpServer([Fault("banner", 0, reply(554, "5.7.1 no service"))]))
    two = serve(SmtpServer())
    desk = by_routes(desk, {"url": url(one)}, {"url": url(two)})
    issue_id = desk.approve_one(4)

    status = desk.send(issue_id)

    assert (status.state, count_states(status)) == ("sent", {"sent": 4})
    assert "route 'r0'" in str(status.reason)
    tries = one.seen["accept"]
    desk.add_article("A second ship")
    desk.send(desk.approve(desk.draft(NOW + HOUR).id).id, NOW + timedelta(seconds=30))
    assert one.seen["accept"] == tries
    with desk.database.read() as session:
        assert session.get_one(RouteState, "r0").retry_at == pytest.approx(
            NOW + timedelta(minutes=1), abs=HOUR / 60
        )

    one.script = []
    desk.add_article("A third ship")
    desk.send(desk.approve(desk.draft(NOW + 2 * HOUR).id).id, NOW + 2 * HOUR)
    with desk.database.read() as session:
        assert (session.get_one(RouteState, "r0").failures, len(one.accepted) > 0) == (0, True)


@pytest.mark.parametrize("answer", [reply(554, "5.7.1 no service")])
def test_a_scheduler_waits_longer_each_time_while_all_are_down(
    desk: Desk, serve: Serve, answer: Action
) -> None:
    server = serve(SmtpServer([Fault("banner", 0, answer)]))
    desk = desk.sent_by(server.port)
    issue_id = desk.approve_one(1)
    now, waits = NOW, []
    for _ in range(3):
        with pytest.raises(DeliveryError):
            desk.send(issue_id, now)
        with desk.database.read() as session:
            until = session.get_one(models.Issue, issue_id).waits_until
        assert until
        waits.append(round((until - now) / timedelta(minutes=1)))
        assert (list_due(desk, until - timedelta(seconds=9)), list_due(desk, until)) == ([], [issue_id])
        now = until

    assert waits == [1, 2, 4]
    server.script = []
    assert desk.send(issue_id).state == "sent"


@pytest.mark.parametrize("act", [pause_issue, cancel_issue])
def test_a_pause_holds_also_what_waits_for_its_limit(
    desk: Desk, smtp_server: SmtpServer, act: Callable[..., object]
) -> None:
    desk = by_routes(desk, {"url": url(smtp_server), "per_second": 8})
    issue_id = desk.approve_one(400)
    timer = threading.Timer(1.0, lambda: act(desk.database, issue_id, actor="ada", now=NOW))
    timer.start()

    status = desk.send(issue_id)
    timer.join()

    # At eight a second these are at most a few seconds' worth.
    assert 1 <= status.sent == len(smtp_server.accepted) <= 80
    assert status.claimed == status.dot_sent == 0
    assert sum(count_states(status).values()) == 400


def test_limits_of_domains_come_from_the_settings(desk: Desk, smtp_server: SmtpServer) -> None:
    domains = (DomainSettings(name="Example.NET", per_second=20, connections=1),)
    desk = by_routes(desk, {"url": url(smtp_server)}, domains=domains)

    assert desk.send(desk.approve_one(12)).state == "sent"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"window": "8-20"}, "must be hours like 08:00-20:00"),
        ({"timezone": "Mars/Base"}, "'Mars/Base' is not known"),
        ({"weight": 0}, "greater than or equal to 1"),
        ({"warmup": [0]}, "greater than or equal to 1"),
    ],
)
def test_what_a_route_cannot_do_is_refused(said: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings.model_validate({"routes": [{"url": "smtp://localhost", **said}]})


def test_two_routes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two are named 'default'"):
        Settings.model_validate({"routes": [{"url": "smtp://localhost"}, {"url": "smtp://localhost:26"}]})


def send_locally(desk: Desk) -> None:
    set_publication(
        desk.database, desk.settings, None, PublicationChanges(send_at="local", timezone="Europe/Vilnius")
    )


def list_times(desk: Desk, issue_id: int) -> dict[int, datetime | None]:
    with desk.database.read() as session:
        rows = session.query(models.Delivery).where(models.Delivery.issue_id == issue_id)
        return {row.subscriber_id: row.next_attempt_at for row in rows if row.state == "deferred"}


def test_each_gets_it_at_the_hour_of_the_schedule_where_they_live(
    either_database: Database, tmp_path: Path, smtp_server: SmtpServer
) -> None:
    desk = make_desk(either_database, tmp_path).sent_by(smtp_server.port)
    issue_id = desk.approve_one(6)
    send_locally(desk)
    give_zones(
        desk, "Asia/Tokyo", "Europe/Vilnius", None, "Mars/Base", "America/New_York", "Pacific/Auckland"
    )
    due = datetime(2026, 3, 30, 8, tzinfo=VILNIUS)
    with desk.database.write() as session:
        issue = session.get_one(models.Issue, issue_id)
        issue.period, issue.due_at = "2026-03-30T08:00", due
    # The night before, the clocks of Vilnius had gone forward; those of New York had weeks ago.
    start = datetime(2026, 3, 29, 21, tzinfo=UTC)

    assert list_due(desk, start - timedelta(days=1)) == []
    assert list_due(desk, start) == [issue_id]
    status = desk.send(issue_id, start)
    assert (status.state, count_states(status)) == ("sending", {"sent": 1, "deferred": 5})
    assert smtp_server.accepted[0].recipients == ("reader0005@example.net",)
    utc = {key: at.isoformat()[:16] for key, at in list_times(desk, issue_id).items() if at}
    assert utc == {
        1: "2026-03-29T23:00",
        2: "2026-03-30T05:00",
        3: "2026-03-30T05:00",
        4: "2026-03-30T05:00",
        5: "2026-03-30T12:00",
    }
    assert status.next_at == datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert list_due(desk, start + HOUR) == []
    assert list_due(desk, start + 2 * HOUR) == [issue_id]
    assert desk.send(issue_id, start + 2 * HOUR).sent == 2
    assert desk.send(issue_id, due).sent == 5
    status = desk.send(issue_id, due + 7 * HOUR)
    assert (status.state, count_states(status)) == ("sent", {"sent": 6})


def test_an_hour_that_the_clocks_leave_out_or_have_twice_comes_once(sending_desk: Desk) -> None:
    desk = sending_desk
    issue_id = desk.approve_one(2)
    send_locally(desk)
    give_zones(desk, "Europe/Berlin", "America/New_York")
    with desk.database.write() as session:
        session.get_one(models.Issue, issue_id).due_at = datetime(2026, 3, 29, 2, 30, tzinfo=VILNIUS)
    desk.send(issue_id, datetime(2026, 3, 28, 21, tzinfo=UTC))

    # 02:30 does not exist in Berlin that night: it is 03:30 by the new time.
    assert {key: at and at.isoformat()[:16] for key, at in list_times(desk, issue_id).items()} == {
        1: "2026-03-29T01:30",
        2: "2026-03-29T06:30",
    }


def test_by_hand_nobody_is_before_the_time_that_was_scheduled(
    sending_desk: Desk, smtp_server: SmtpServer
) -> None:
    desk = sending_desk
    issue_id = desk.approve_one(3)
    send_locally(desk)
    give_zones(desk, "Asia/Tokyo", None, "America/New_York")
    schedule_issue(desk.database, issue_id, NOW + HOUR, actor="ada", now=NOW)
    assert list_due(desk, NOW) == []

    status = desk.send(issue_id, NOW + HOUR)

    assert count_states(status) == {"sent": 2, "deferred": 1}
    cancel_issue(desk.database, issue_id, actor="ada", now=NOW + HOUR)
    assert {row["state"] for row in list_deliveries(desk.database, issue_id)} == {"sent", "skipped"}
    assert len(smtp_server.accepted) == 2
