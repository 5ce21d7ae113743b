"""Use case: send an approved issue to everyone once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from newsletter.config import read_keys
from newsletter.content import Claimed, Publication, Recipient
from newsletter.deliver.engine import Options, Outcome, deliver
from newsletter.deliver.session import Outgoing
from newsletter.errors import DeliveryError, StateError
from newsletter.publishing.bounces import BounceWatch
from newsletter.publishing.composition import find_audience, to_rendered
from newsletter.publishing.issues import IssueStatus, get_issue_status
from newsletter.publishing.progress import follow_issue
from newsletter.publishing.recipients import make_recipient
from newsletter.publishing.retries import plan_retry
from newsletter.publishing.routes import make_routes, refuse_dead_links
from newsletter.publishing.signing import Sign, make_signer
from newsletter.render.headers import mailbox
from newsletter.render.message import IssueIdentity, build_message
from newsletter.store import deliveries, issues
from newsletter.store.ledger import ClaimedRow, LedgerStore, Retry
from newsletter.store.shards import defer_shards, drop_shards
from newsletter.store.workers import WorkerLock, take_over_dead

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from newsletter.config import Settings
    from newsletter.content import OnUncertain, RenderedIssue, Verdict
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
    _begin(run, options.on_uncertain, now=now)
    _send(run, settings, options)
    return get_issue_status(database, issue_id)


def begin_issue(database: Database, settings: Settings, issue_id: int, *, now: datetime) -> None:
    """Fix the recipients if that is not done, and queue for the workers what is due; sends nothing itself.

    Raises:
        StateError: It is not approved, or paused, cancelled or skipped.

    """
    _begin(_prepare(database, settings, issue_id, SendOptions(), now=now), None, now=now)


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
    _send(_prepare(database, settings, issue_id, options, now=now), settings, options)


@dataclass(frozen=True, slots=True)
class _Mailing:
    """Everything that the messages of one issue are made of."""

    variants: Mapping[str, RenderedIssue]
    """Each once, by key; with 200 of them some 20 MB."""
    publication: Publication
    identity: IssueIdentity
    sender: str
    base_url: str
    keys: tuple[bytes, ...]
    sign: Sign

    def claim(self, row: ClaimedRow) -> Claimed:
        recipient = make_recipient(
            row.subscription_id,
            row.subscriber_id,
            row.email,
            row.name,
            base_url=self.base_url,
            keys=self.keys,
        )
        return Claimed(row.id, recipient, row.attempts + 1, row.variant)

    def build(self, claimed: Claimed, now: datetime) -> Outgoing:
        recipient: Recipient = claimed.recipient
        data = build_message(
            self.variants[claimed.variant],
            self.publication,
            recipient,
            issue=self.identity,
            base_url=self.base_url,
            date=now,
        )
        return Outgoing(sender=self.sender, recipient=recipient.email, data=self.sign(data, self.sender, now))


class _IssueLedger:
    """The store's rows as the engine wants them: with the values of each recipient's slots."""

    def __init__(self, store: LedgerStore, mailing: _Mailing, watch: BounceWatch) -> None:
        self._store = store
        self._mailing = mailing
        self._watch = watch
        self.transaction = store.transaction
        self.intend = store.intend
        self.release = store.release
        self.should_stop = store.should_stop

    def claim(self, limit: int) -> list[Claimed]:
        return [self._mailing.claim(row) for row in self._store.claim(limit)]

    def record(self, verdicts: Sequence[Verdict]) -> None:
        with self._store.transaction() as connection:
            self._store.record(verdicts)
            self._watch.note(connection, verdicts)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a send."""

    database: Database
    issue_id: int
    mailing: _Mailing
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
    mailing = _load_mailing(database, settings, issue_id)
    with database.read() as session:
        said_before = issues.get_issue(session, issue_id).on_uncertain
    return _Run(
        *(database, issue_id, mailing),
        policy=options.on_uncertain or cast("OnUncertain | None", said_before) or settings.on_uncertain,
        give_up=timedelta(hours=settings.give_up_hours),
        ids=options.ids,
        clock=_start_clock(now),
    )


def _send(run: _Run, settings: Settings, options: SendOptions) -> None:
    outcome = _deliver(run, settings, options)
    _finish(run, outcome)
    if outcome.error:
        way_on = f"`newsletter issue send {run.issue_id}` goes on where it stopped"
        raise DeliveryError(f"issue {run.issue_id}: {outcome.error}; {way_on}")


def _deliver(run: _Run, settings: Settings, options: SendOptions) -> Outcome:
    worker = WorkerLock(run.database)
    try:
        _recover(run)
        store = LedgerStore(
            run.database, run.issue_id, worker, clock=run.clock, plan_retry=run.plan, ids=run.ids
        )
        return deliver(
            _IssueLedger(store, run.mailing, BounceWatch(settings, run.issue_id, run.clock)),
            make_routes(settings),
            lambda claimed: run.mailing.build(claimed, run.clock()),
            Options(connections=options.connections, stop_seconds=settings.stop_seconds),
            stop=options.stop,
            on_progress=follow_issue(run.database, run.issue_id, options.on_progress),
        )
    finally:
        worker.close()


def _start_clock(now: datetime) -> Callable[[], datetime]:
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def _load_mailing(database: Database, settings: Settings, issue_id: int) -> _Mailing:
    with database.read() as session:
        issue = issues.get_issue(session, issue_id)
        if issue.state not in {"approved", "scheduled", "sending"}:
            hints = {
                "draft": f"`newsletter issue approve {issue_id}` first",
                "paused": f"`newsletter issue resume {issue_id}` first",
            }
            message = f"issue {issue_id} is {issue.state} and cannot be sent"
            raise StateError(": ".join(filter(None, [message, hints.get(issue.state, issue.reason)])))
        frozen = issues.list_variants(session, issue_id)
        publication = Publication(**frozen[0].headers)
    return _Mailing(
        variants={variant.key: to_rendered(variant) for variant in frozen},
        publication=publication,
        identity=IssueIdentity(issue.uid, issue.number or 0),
        sender=mailbox(publication.sender).address,
        base_url=settings.base_url,
        keys=read_keys(settings),
        sign=make_signer(settings),
    )


def _begin(run: _Run, on_uncertain: OnUncertain | None, *, now: datetime) -> None:
    """Enter `sending` and fix the recipients once, and queue what is due, in one transaction."""
    with run.database.write() as session:
        issue = issues.take_issue(session, run.issue_id)
        if issue.state in {"approved", "scheduled"}:
            issue.state, issue.sending_at, issue.reason = "sending", now, None
            session.flush()
            audience = find_audience(session, issue)
            deliveries.fix_recipients(session, issue, now=now, audience=audience)
        if issue.state == "sending":
            # Workers and later runs go by it too.
            issue.on_uncertain = on_uncertain or issue.on_uncertain
            defer_shards(session, issue.id, now=now)


def _recover(run: _Run) -> None:
    """Take over from processes that are gone, and decide on what they left uncertain."""
    with run.database.write() as session:
        take_over_dead(run.database, session)
        if run.policy == "resend":
            deliveries.requeue_uncertain(session, run.issue_id, only_abandoned=run.ids is not None)


def _finish(run: _Run, outcome: Outcome) -> None:
    """Close the issue when every row has its verdict; keep a fault of the routes on its row."""
    now = run.clock()

    def plan(delivery_id: int, attempts: int, first_attempt_at: datetime | None) -> datetime | None:
        return run.plan(delivery_id, attempts, first_attempt_at, now).at

    with run.database.write() as session:
        issue = issues.take_issue(session, run.issue_id)
        if run.policy == "resend" and not outcome.stopped:
            deliveries.defer_uncertain(session, run.issue_id, plan)
        if issue.state != "sending":
            return
        issue.reason = outcome.error
        if outcome.error is None and not deliveries.has_unfinished(session, run.issue_id):
            issue.state, issue.sent_at = "sent", now
            drop_shards(session, issue.id)
