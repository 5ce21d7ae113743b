"""The jobs of the clock: each does its work once, whatever comes between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from newsletter.config import Settings
from newsletter.content import Approval
from newsletter.errors import DatabaseError, RenderError
from newsletter.operating.jobs import SUPERSEDED, clean_up, tick_publications
from newsletter.operating.periods import Rhythm, decide_periods, may_approve_itself
from newsletter.operating.running import Lead, run_due
from newsletter.operating.sends import send_due
from newsletter.operating.startup import Database, open_database
from newsletter.operating.users import add_user
from newsletter.publishing.approval import Decision, approve_issue, schedule_issue, stop_issue
from newsletter.publishing.collection import collect_sources
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.issues import get_issue, list_issues
from newsletter.publishing.publications import PublicationChanges, set_publication
from newsletter.publishing.rules import set_rules
from newsletter.publishing.sources import NewSource, add_source
from newsletter.store import models
from newsletter.store.models import JobRun, Notice
from newsletter.subscribing.subscribers import add_subscriber
from tests.support.feed_server import wait_until
from tests.support.smtp_server import Fault, SmtpServer, reply
from tests.support.store_builders import make_subscriber_row, make_subscription_row

MONDAY = datetime(2027, 3, 15, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
Serve = Callable[[SmtpServer], SmtpServer]


def make_settings(port: int = 9) -> Settings:
    return Settings(smtp_url=f"smtp://127.0.0.1:{port}")  # type: ignore[arg-type] # pydantic wraps it


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    folder = home / "articles"
    folder.mkdir()
    write_article(1)
    database, settings = open_database(make_settings()), make_settings()
    add_source(database, settings, None, NewSource(location=str(folder), kind="folder"), now=MONDAY)
    collect_sources(database, settings, None, now=MONDAY - 20 * HOUR)
    add_subscriber(database, settings, None, "ada@example.org", now=MONDAY - 20 * HOUR)
    add_user(database, "ed@example.org", "editor", now=MONDAY)
    yield database
    database.close()


def write_article(week: int) -> None:
    body = f"The {week}th ship came in, and the whole town was at the quay to see it."
    Path(f"articles/week-{week}.md").write_text(f"# Ship {week} of the year\n\n{body}\n", encoding="utf-8")


def set_approval(database: Database, approval: Approval) -> None:
    set_publication(database, make_settings(), None, PublicationChanges(approval=approval))


def list_notices(database: Database) -> list[str]:
    with database.read() as session:
        return [row.kind for row in session.scalars(select(Notice).order_by(Notice.id))]


def tick(database: Database, now: datetime) -> list[str]:
    """The states of all issues after a look at the clock, oldest first."""
    report = tick_publications(database, make_settings(), now=now)
    assert report.errors == []
    return [issue.state for issue in reversed(list_issues(database, None))]


def test_an_issue_is_drafted_ahead_and_editors_are_told_once(database: Database) -> None:
    assert tick(database, MONDAY - 13 * HOUR) == []
    assert tick(database, MONDAY - 12 * HOUR) == ["draft"]
    assert tick(database, MONDAY - 11 * HOUR) == ["draft"]

    issue = get_issue(database, 1)
    assert (issue.period, issue.due_at) == ("2027-03-15T08:00", MONDAY)
    assert list_notices(database) == ["draft-waits"]


def test_without_approval_nothing_goes_out(database: Database, smtp_server: SmtpServer) -> None:
    tick(database, MONDAY - HOUR)

    assert tick(database, MONDAY + HOUR) == ["draft"]
    assert (
        send_due(database, make_settings(smtp_server.port), now=MONDAY + HOUR, stop=threading.Event()).sent
        == []
    )
    assert smtp_server.accepted == []


def test_an_approved_issue_goes_out_at_its_hour_and_once(database: Database, smtp_server: SmtpServer) -> None:
    settings, stop = make_settings(smtp_server.port), threading.Event()
    tick(database, MONDAY - HOUR)
    approve_issue(database, settings, 1, Decision(actor="ed"), now=MONDAY - HOUR)

    assert send_due(database, settings, now=MONDAY - timedelta(seconds=1), stop=stop).sent == []
    assert send_due(database, settings, now=MONDAY, stop=stop).sent == [1]
    assert send_due(database, settings, now=MONDAY, stop=stop).sent == []
    assert len(smtp_server.accepted) == 1


def test_one_that_is_approved_late_goes_out_then(database: Database, smtp_server: SmtpServer) -> None:
    settings = make_settings(smtp_server.port)
    tick(database, MONDAY - HOUR)
    late = MONDAY + 50 * HOUR
    approve_issue(database, settings, 1, Decision(actor="ed"), now=late)

    assert send_due(database, settings, now=late, stop=threading.Event()).sent == [1]


def test_unless_stopped_approves_itself_at_its_hour(database: Database) -> None:
    set_approval(database, "unless-stopped")

    assert tick(database, MONDAY - HOUR) == ["draft"]
    assert tick(database, MONDAY) == ["approved"]
    assert get_issue(database, 1).approved_by == "schedule"


def test_a_stopped_one_stays(database: Database) -> None:
    set_approval(database, "unless-stopped")
    tick(database, MONDAY - HOUR)
    stop_issue(database, 1, actor="ed", now=MONDAY - HOUR)

    assert tick(database, MONDAY) == ["draft"]


def test_a_blocked_one_stays_with_the_reason_and_editors_are_told(database: Database) -> None:
    set_approval(database, "unless-stopped")
    tick(database, MONDAY - HOUR)
    # Out in the world the postal address is asked for.
    public = Settings(base_url="https://news.example.org", smtp_url="smtps://mail.example.org")  # type: ignore[arg-type] # as above

    report = tick_publications(database, public, now=MONDAY)
    again = tick_publications(database, public, now=MONDAY + HOUR)

    assert (report.blocked, again.blocked) == ([1], [1])
    issue = get_issue(database, 1)
    assert issue.state == "draft"
    assert "blocked" in (issue.reason or "")
    assert list_notices(database) == ["draft-waits", "draft-blocked"]


def test_a_draft_nobody_approved_gives_way_to_the_next(database: Database) -> None:
    tick(database, MONDAY - HOUR)
    write_article(2)
    collect_sources(database, make_settings(), None, now=MONDAY + 24 * HOUR)

    assert tick(database, MONDAY + 167 * HOUR) == ["skipped", "draft"]
    first, second = get_issue(database, 1), get_issue(database, 2)
    assert (first.reason, first.number) == (SUPERSEDED, None)
    assert (second.number, second.articles) == (1, 2)


def test_nothing_new_is_told_and_not_asked_again(database: Database, smtp_server: SmtpServer) -> None:
    settings = make_settings(smtp_server.port)
    tick(database, MONDAY - HOUR)
    approve_issue(database, settings, 1, Decision(actor="ed"), now=MONDAY)
    send_due(database, settings, now=MONDAY, stop=threading.Event())

    assert tick(database, MONDAY + 167 * HOUR) == ["sent", "skipped"]
    assert tick(database, MONDAY + 168 * HOUR) == ["sent", "skipped"]
    assert list_notices(database) == ["draft-waits", "issue-skipped"]


def test_a_missed_week_within_its_grace_is_caught_up_once(database: Database) -> None:
    assert tick(database, MONDAY + 23 * HOUR) == ["draft"]
    assert tick(database, MONDAY + 24 * HOUR) == ["draft"]


def test_a_missed_week_beyond_it_is_skipped_with_a_note(database: Database) -> None:
    assert tick(database, MONDAY + 25 * HOUR) == []
    assert tick(database, MONDAY + 26 * HOUR) == []
    with database.read() as session:
        runs = list(session.scalars(select(JobRun)))
    assert [(run.job, run.period, run.outcome) for run in runs] == [
        ("draft:1", "2027-03-15T08:00", "skipped")
    ]
    assert "missed" in (runs[0].note or "")


def test_a_kill_after_the_draft_leaves_one_issue_and_one_notice(database: Database) -> None:
    request = DraftRequest(period="2027-03-15T08:00", due_at=MONDAY)
    draft_issue(database, make_settings(), request, now=MONDAY - HOUR)

    assert tick(database, MONDAY - HOUR) == ["draft"]
    assert tick(database, MONDAY - HOUR) == ["draft"]
    assert list_notices(database) == ["draft-waits"]


def test_each_cadence_that_is_offered_has_its_own_periods(database: Database) -> None:
    Path("rules.toml").write_text("cadences = ['daily', 'weekly']\n", encoding="utf-8")
    set_rules(database, None, Path("rules.toml"))

    tick(database, MONDAY - HOUR)
    tick(database, MONDAY - HOUR)
    first = {(issue.cadence, issue.period, issue.state) for issue in list_issues(database, None)}
    assert first == {
        ("daily", "daily 2027-03-15T08:00", "draft"),
        ("weekly", "2027-03-15T08:00", "draft"),
    }
    tick(database, MONDAY + 23 * HOUR)
    later = {(issue.cadence, issue.period, issue.state) for issue in list_issues(database, None)}
    # The daily one that nobody approved makes way for the next; the weekly one waits on.
    assert later == {
        ("daily", "daily 2027-03-15T08:00", "skipped"),
        ("daily", "daily 2027-03-16T08:00", "draft"),
        ("weekly", "2027-03-15T08:00", "draft"),
    }


def test_a_scheduled_issue_goes_out_at_its_time(database: Database, smtp_server: SmtpServer) -> None:
    settings = make_settings(smtp_server.port)
    draft_issue(database, settings, DraftRequest(), now=MONDAY)
    approve_issue(database, settings, 1, Decision(actor="ed"), now=MONDAY)
    assert send_due(database, settings, now=MONDAY, stop=threading.Event()).sent == []
    schedule_issue(database, 1, MONDAY + HOUR, actor="ed", now=MONDAY)

    assert send_due(database, settings, now=MONDAY, stop=threading.Event()).sent == []
    assert send_due(database, settings, now=MONDAY + HOUR, stop=threading.Event()).sent == [1]


def test_what_was_put_off_is_tried_again_when_it_is_due(database: Database, serve: Serve) -> None:
    server = serve(SmtpServer([Fault("rcpt", 1, reply(451, "4.2.0 later"))]))
    settings, stop = make_settings(server.port), threading.Event()
    draft_issue(database, settings, DraftRequest(), now=MONDAY)
    approve_issue(database, settings, 1, Decision(actor="ed"), now=MONDAY)
    schedule_issue(database, 1, MONDAY + HOUR, actor="ed", now=MONDAY)

    first = send_due(database, settings, now=MONDAY + HOUR, stop=stop)
    early = send_due(database, settings, now=MONDAY + HOUR + timedelta(seconds=20), stop=stop)
    later = send_due(database, settings, now=MONDAY + 2 * HOUR, stop=stop)

    assert (first.sent, first.deferred) == ([], 1)
    assert (early.sent, early.deferred) == ([], 1)
    assert (later.sent, later.deferred) == ([1], 0)


@pytest.mark.deep
def test_a_dead_server_is_an_error_on_the_report_and_stops_nothing(database: Database) -> None:
    settings = make_settings()
    set_approval(database, "unless-stopped")

    report = run_due(database, settings, now=MONDAY)

    assert report.tick.approved == [1]
    assert len(report.errors) == 2
    assert all("127.0.0.1:9" in error for error in report.errors)


def test_a_round_does_all_that_is_due(database: Database, smtp_server: SmtpServer) -> None:
    set_approval(database, "unless-stopped")
    write_article(2)

    report = run_due(database, make_settings(smtp_server.port), now=MONDAY)

    assert (report.collect.new, report.tick.drafted, report.tick.approved) == (1, [1], [1])
    assert (report.send.sent, report.notices, report.errors) == ([1], 1, [])
    assert sorted(message.recipients[0] for message in smtp_server.accepted) == [
        "ada@example.org",
        "ed@example.org",
    ]


def test_a_round_that_is_told_to_stop_begins_nothing(database: Database) -> None:
    stop = threading.Event()
    stop.set()

    assert run_due(database, make_settings(), now=MONDAY, stop=stop).tick.drafted == []


def test_a_broken_publication_stops_no_other(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE publications SET schedule = 'never'"))

    report = tick_publications(database, make_settings(), now=MONDAY)

    assert len(report.errors) == 1
    assert "five cron fields" in report.errors[0]


def test_one_of_two_schedulers_leads(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.operating.running.PATIENCE_SECONDS", 0.2)
    first, second = Lead(database), Lead(database)

    assert (first.take(), first.take(), second.take()) == (True, True, False)
    assert not run_due(database, make_settings(), now=MONDAY).led
    first.release()
    assert second.take()
    second.release()


def test_one_of_two_schedulers_leads_on_postgresql(postgres_url: str) -> None:
    first_database, second_database = Database(postgres_url), Database(postgres_url)
    first, second = Lead(first_database), Lead(second_database)

    assert (first.take(), first.take(), second.take()) == (True, True, False)
    with second_database.write() as session:
        # As when the server is started anew: the lock goes with the connection.
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks"
                " WHERE locktype = 'advisory' AND granted"
            )
        )
    assert second.take()
    assert not first.take()
    assert not first.take()
    second.release()
    # The server drops the lock when it has seen that the connection is gone.
    assert wait_until(first.take, seconds=30)
    first.release()
    first_database.close()
    second_database.close()


def test_a_database_that_is_away_has_no_leader() -> None:
    lead = Lead(Database("postgresql+psycopg://nobody@127.0.0.1:9/none"))

    assert not lead.take()


def test_a_folder_that_takes_no_lock_file_is_told() -> None:
    with pytest.raises(DatabaseError, match="check the folder"):
        Lead(Database("sqlite:///gone/subscribers.db")).take()


def test_one_that_is_stopped_in_between_is_not_approved(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_approval(database, "unless-stopped")
    tick(database, MONDAY - HOUR)

    def stop_first(*_: object, **__: object) -> bool:
        stop_issue(database, 1, actor="ed", now=MONDAY)
        return True

    monkeypatch.setattr("newsletter.operating.jobs.may_approve_itself", stop_first)

    assert tick(database, MONDAY) == ["draft"]


def test_a_notice_that_cannot_be_made_holds_nothing_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise RenderError("the template is broken")

    set_approval(database, "unless-stopped")
    monkeypatch.setattr("newsletter.publishing.hand_over.tell_of_draft", fail)

    report = tick_publications(database, make_settings(), now=MONDAY)

    assert report.approved == [1]
    assert report.errors == ["issue 1: the template is broken"]


def test_an_issue_whose_mail_cannot_be_made_is_handed_over_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RenderError("the template is broken")

    monkeypatch.setattr("newsletter.publishing.hand_over.check_issue", fail)

    assert tick(database, MONDAY - HOUR) == ["draft"]
    assert list_notices(database) == ["draft-waits"]


def test_a_send_that_is_told_to_stop_begins_nothing(database: Database) -> None:
    settings, stop = make_settings(), threading.Event()
    draft_issue(database, settings, DraftRequest(period="x", due_at=MONDAY), now=MONDAY)
    approve_issue(database, settings, 1, Decision(actor="ed"), now=MONDAY)
    stop.set()

    assert send_due(database, settings, now=MONDAY, stop=stop).errors == []
    assert get_issue(database, 1).state == "approved"


def test_a_clean_up_ends_pauses_that_are_over_and_harms_nothing(database: Database) -> None:
    with database.write() as session:
        publication = session.scalars(select(models.Publication)).first()
        assert publication is not None
        for name, until in (("back", MONDAY), ("away", MONDAY + HOUR)):
            subscriber = make_subscriber_row(session, f"{name}@example.org")
            make_subscription_row(session, publication, subscriber, status="paused", paused_until=until)

    clean_up(database, now=MONDAY)

    with database.read() as session:
        standings = (
            select(models.Subscriber.email, models.Subscription.status)
            .join(models.Subscription, models.Subscription.subscriber_id == models.Subscriber.id)
            .where(models.Subscriber.email.in_(["back@example.org", "away@example.org"]))
            .order_by(models.Subscriber.id)
        )
        assert [tuple(row) for row in session.execute(standings)] == [
            ("back@example.org", "active"),
            ("away@example.org", "paused"),
        ]


RHYTHM = Rhythm("0 8 * * 1", "UTC", 12 * HOUR, 24 * HOUR, datetime(2027, 1, 1, tzinfo=UTC))


def test_no_period_before_the_publication_was_made_is_asked_for() -> None:
    young = Rhythm("0 8 * * 1", "UTC", 12 * HOUR, 24 * HOUR, MONDAY + HOUR)

    assert decide_periods(young, now=MONDAY + 2 * HOUR) == []
    assert [ask.action for ask in decide_periods(young, now=MONDAY + timedelta(minutes=30))] == ["draft"]


def test_a_daily_issue_that_was_missed_gives_way_to_the_next() -> None:
    daily = Rhythm("0 8 * * *", "Europe/Helsinki", 12 * HOUR, 24 * HOUR, RHYTHM.created_at)
    due = datetime(2027, 3, 15, 8, tzinfo=ZoneInfo("Europe/Helsinki"))

    asks = decide_periods(daily, now=due + 13 * HOUR)

    assert [(ask.period.key, ask.action) for ask in asks] == [
        ("2027-03-15T08:00", "skip"),
        ("2027-03-16T08:00", "draft"),
    ]


@given(st.integers(-8 * 24 * 60, 8 * 24 * 60))
def test_every_period_is_asked_for_by_one_action_at_a_time(minutes: int) -> None:
    asks = decide_periods(RHYTHM, now=MONDAY + timedelta(minutes=minutes))

    keys = [ask.period.key for ask in asks]
    assert len(set(keys)) == len(keys)
    assert all(ask.note for ask in asks if ask.action == "skip")


@pytest.mark.parametrize(
    ("approval", "due", "stopped", "may"),
    [
        ("unless-stopped", MONDAY, None, True),
        ("unless-stopped", MONDAY - 24 * HOUR, None, True),
        ("unless-stopped", MONDAY - 25 * HOUR, None, False),
        ("unless-stopped", MONDAY + HOUR, None, False),
        ("unless-stopped", None, None, False),
        ("unless-stopped", MONDAY, MONDAY, False),
        ("required", MONDAY, None, False),
    ],
)
def test_the_clock_approves_only_what_it_may(
    approval: str, due: datetime | None, stopped: datetime | None, *, may: bool
) -> None:
    assert may_approve_itself(approval, due, stopped, grace=24 * HOUR, now=MONDAY) is may
