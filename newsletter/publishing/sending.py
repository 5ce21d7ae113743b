"""Use case: send an approved issue to everyone once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from newsletter.content import Claimed
from newsletter.deliver.engine import Options, Outcome, deliver
from newsletter.errors import DeliveryError
from newsletter.publishing.bounces import BounceWatch
from newsletter.publishing.composition import find_audience
from newsletter.publishing.issues import IssueStatus, get_issue_status
from newsletter.publishing.local_times import hold_for_local_time
from newsletter.publishing.mailing import Mailing, load_mailing
from newsletter.publishing.pacing import SharedLimits
from newsletter.publishing.progress import follow_issue
from newsletter.publishing.retries import plan_retry
from newsletter.publishing.routes import list_domain_limits, refuse_dead_links
from newsletter.publishing.waiting import explain_end, open_routes, record_routes
from newsletter.publishing.workshop import Workshop
from newsletter.store import deliveries, issues, publications
from newsletter.store.ledger import LedgerStore, Retry
from newsletter.store.shards import defer_shards, drop_shards
from newsletter.store.workers import WorkerLock, take_over_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import OnUncertain, Verdict
    from newsletter.deliver.route import Route
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How one run of a send goes."""

    connections: int | None = None
    on_uncertain: OnUncertain | None = None
    on_progress: Callable[[IssueStatus], None] | None = None
    ids: range | None = None
    """Those of one shard; None for all."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it, and no new transaction starts."""


def send_issue(
    database: Database, settings: Settings, issue_id: int, options: SendOptions, *, now: datetime
) -> IssueStatus:
    """Fix the recipients if that is not done, then send to all that are due; safe to run again at any time.

    Args:
        database: The handle.
        settings: The routes, how long to go on trying, what to do about uncertain deliveries.
        issue_id: An issue that is approved, or whose send was interrupted.
        options: What this run does otherwise.
        now: The time at which it starts; the clock runs on from there.

    Returns:
        How the issue stands after this run.

    Raises:
        StateError: It is not approved, or paused, cancelled or skipped.
        DeliveryError: No route could be used; what was not sent waits in the ledger.

    """
    status = get_issue_status(database, issue_id)
    if status.state == "sent":
        return status
    run = _prepare(database, settings, issue_id, options, now=now)
    if run.routes:
        _begin(run, options.on_uncertain, now=now)
        _send(run, settings, options)
    return get_issue_status(database, issue_id)


def begin_issue(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> None:
    """Fix the recipients if that is not done, and queue for the workers what is due; sends nothing itself.

    Raises:
        StateError: It is not approved, or paused, cancelled or skipped.

    """
    run = _prepare(database, settings, issue_id, SendOptions(), now=now)
    if run.routes:
        _begin(run, None, now=now)


def send_shard(
    database: Database, settings: Settings, issue_id: int, options: SendOptions, *, now: datetime
) -> None:
    """Send what is due of one shard of an issue that is being sent; what others hold is left to them.

    Args:
        database: The handle.
        settings: Those of this machine.
        issue_id: The issue.
        options: Which shard, and when to stop.
        now: The time at which it starts.

    Raises:
        StateError: The issue is no longer being sent.
        DeliveryError: No route could be used; what was not sent waits in the ledger.

    """
    run = _prepare(database, settings, issue_id, options, now=now)
    if run.routes:
        _send(run, settings, options)


class _IssueLedger:
    """The store's rows as the engine wants them: with the values of each recipient's slots."""

    def __init__(self, store: LedgerStore, mailing: Mailing, workshop: Workshop, watch: BounceWatch) -> None:
        self._store = store
        self._mailing = mailing
        self._workshop = workshop
        self._watch = watch
        self.transaction = store.transaction
        self.release = store.release
        self.postpone = store.postpone
        self.should_stop = store.should_stop

    def claim(self, limit: int) -> list[Claimed]:
        batch = [self._mailing.claim(row) for row in self._store.claim(limit)]
        self._workshop.begin(batch)
        return batch

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        if not self._watch.concerns(verdicts):
            return self._store.settle(verdicts, ids)
        with self._store.transaction() as connection:
            held = self._store.settle(verdicts, ids)
            self._watch.note(connection, verdicts)
            return held


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a send."""

    database: Database
    issue_id: int
    mailing: Mailing
    routes: tuple[Route, ...]
    """Those that may be used now; none where every sending window is closed."""
    policy: OnUncertain
    give_up: timedelta
    ids: range | None
    clock: Callable[[], datetime]

    def plan(
        self, delivery_id: int, attempts: int, first_attempt_at: datetime | None, now: datetime
    ) -> Retry:
        """When a delivery that was put off is tried again."""
        return Retry(plan_retry(delivery_id, attempts, first_attempt_at, now=now, give_up=self.give_up))


def _prepare(
    database: Database, settings: Settings, issue_id: int, options: SendOptions, *, now: datetime
) -> _Run:
    refuse_dead_links(settings)
    mailing = load_mailing(database, settings, issue_id)
    with database.read() as session:
        said_before = issues.get_issue(session, issue_id).on_uncertain
    return _Run(
        *(database, issue_id, mailing),
        routes=open_routes(database, settings, issue_id, mailing.publication.timezone, now=now),
        policy=options.on_uncertain or cast("OnUncertain | None", said_before) or settings.on_uncertain,
        give_up=timedelta(hours=settings.give_up_hours),
        ids=options.ids,
        clock=_start_clock(now),
    )


def _send(run: _Run, settings: Settings, options: SendOptions) -> None:
    outcome = _deliver(run, settings, options)
    _finish(run, settings, outcome)
    if outcome.error:
        command = f"newsletter issue {'resume' if outcome.is_refused else 'send'} {run.issue_id}"
        raise DeliveryError(f"issue {run.issue_id}: {outcome.error}; `{command}` goes on where it stopped")


def _deliver(run: _Run, settings: Settings, options: SendOptions) -> Outcome:
    worker = WorkerLock(run.database)
    store = LedgerStore(run.database, run.issue_id, worker, clock=run.clock, plan_retry=run.plan, ids=run.ids)
    workshop = Workshop(run.mailing, run.clock)
    try:
        _recover(run)
        return deliver(
            _IssueLedger(store, run.mailing, workshop, BounceWatch(settings, run.issue_id, run.clock)),
            run.routes,
            workshop.finish,
            Options(
                connections=options.connections,
                stop_seconds=settings.stop_seconds,
                limiter=SharedLimits(run.database, run.clock),
                domains=list_domain_limits(settings),
            ),
            stop=options.stop,
            on_progress=follow_issue(run.database, run.issue_id, options.on_progress),
        )
    finally:
        workshop.close()
        store.close()
        worker.close()


def _start_clock(now: datetime) -> Callable[[], datetime]:
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def _begin(run: _Run, on_uncertain: OnUncertain | None, *, now: datetime) -> None:
    """Enter `sending` and fix the recipients once, and queue what is due, in one transaction."""
    with run.database.write() as session:
        issue = issues.take_issue(session, run.issue_id)
        if issue.state in {"approved", "scheduled"}:
            issue.state, issue.sending_at = "sending", now
            issue.waits_until = None
            session.flush()
            audience = find_audience(session, issue)
            publication = publications.get_row(session, issue.publication_id)
            deliveries.fix_recipients(session, issue, now=now, audience=audience)
            if publication.send_at == "local":
                hold_for_local_time(session, issue, publication, now=now)
        if issue.state == "sending":
            # Why the last run ended is no news of this one.
            issue.reason = None
            # Workers and later runs go by it too.
            issue.on_uncertain = on_uncertain or issue.on_uncertain
            defer_shards(session, issue.id, now=now)


def _recover(run: _Run) -> None:
    """Take over from processes that are gone, and decide on what they left uncertain."""
    with run.database.write() as session:
        take_over_dead(run.database, session)
        if run.policy == "resend":
            deliveries.requeue_uncertain(session, run.issue_id, only_abandoned=run.ids is not None)


def _finish(run: _Run, settings: Settings, outcome: Outcome) -> None:
    """Close the issue when every row has its verdict; keep on its row why it is not, or goes on later."""
    now = run.clock()

    def plan(delivery_id: int, attempts: int, first_attempt_at: datetime | None) -> datetime | None:
        return run.plan(delivery_id, attempts, first_attempt_at, now).at

    with run.database.write() as session:
        issue = issues.take_issue(session, run.issue_id)
        if run.policy == "resend" and not outcome.stopped:
            deliveries.retry_uncertain(session, run.issue_id, plan)
        retry_at = record_routes(session, outcome, now=now)
        if issue.state != "sending":
            return
        explain_end(session, issue, settings, outcome, retry_at, now=now)
        resends = run.policy == "resend"
        waits = deliveries.has_unfinished(session, run.issue_id, resends=resends)
        if not (outcome.error or outcome.waits or waits):
            issue.state, issue.sent_at = "sent", now
            drop_shards(session, issue.id)
