"""Use case: send the mails to single persons that wait in the database."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config import parse_smtp_url
from newsletter.content import Claimed, Recipient, Verdict
from newsletter.deliver.session import Outgoing
from newsletter.errors import DeliveryError
from newsletter.publishing.publications import format_mailbox, parse_mailbox
from newsletter.publishing.routes import make_routes
from newsletter.publishing.signing import make_signer
from newsletter.store import notices

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store.engine import Database

LEASE = timedelta(minutes=15)
"""Longer than a reply may take; after a kill in mid-send its notices are tried again this much later."""
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""Before the second attempt and so on; the last holds for all that follow."""
GIVE_UP = timedelta(days=2)
CONNECTIONS = 2
MANY = 100_000


def send_notices(
    database: Database, settings: Settings, *, now: datetime, stop: threading.Event | None = None
) -> int:
    """Send every notice that is due; a failure is kept on its row and tried again.

    Returns:
        How many went out.

    Raises:
        DeliveryError: No route can be used; the notices wait on.

    """
    from newsletter.deliver.engine import Options, deliver

    with database.read() as session:
        if not notices.list_due_notices(session, now, limit=1):
            return 0
    ledger = _NoticeLedger(database, settings, now)
    options = Options(connections=CONNECTIONS, stop_seconds=settings.stop_seconds, connect_failures=2)
    outcome = deliver(ledger, make_routes(settings), ledger.build, options, stop=stop)
    if outcome.error:
        ledger.put_off(outcome.error)
        raise DeliveryError(f"notices: {outcome.error}; they are kept and tried again")
    return outcome.sent


def send_test_mail(settings: Settings, address: str, *, now: datetime) -> list[str]:
    """Send one test mail by the first route and give the SMTP dialogue, password masked.

    Raises:
        AddressError: The address is none.

    """
    from newsletter.deliver.probe import converse

    _, recipient = parse_mailbox(address)
    sender = _choose_sender(settings)
    lines = [
        f"From: {format_mailbox('Newsletter test', sender)}",
        f"To: {recipient}",
        "Subject: Test of the mail server",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <test.{now.timestamp():.6f}@{sender.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "The newsletter program can send mail by this server.",
        "",
    ]
    message = make_signer(settings)("\r\n".join(lines).encode(), sender, now)
    return converse(make_routes(settings)[0], sender, recipient, message)


class _NoticeLedger:
    """The notices as the delivery engine wants them; what was claimed here is known here alone."""

    def __init__(self, database: Database, settings: Settings, now: datetime) -> None:
        self._database = database
        self._sign = make_signer(settings)
        self._now = now
        self._held: dict[int, notices.Waiting] = {}

    def transaction(self) -> AbstractContextManager[None]:
        """Each call is a commit of its own: there are few."""
        return nullcontext()

    def claim(self, limit: int) -> list[Claimed]:
        with self._database.write() as session:
            taken = notices.claim_due_notices(session, self._now, until=self._now + LEASE, limit=limit)
        self._held.update({each.id: each for each in taken})
        return [Claimed(each.id, Recipient(each.id, each.email), each.attempts) for each in taken]

    def build(self, claimed: Claimed) -> Outgoing:
        held = self._held[claimed.id]
        return Outgoing(held.sender, held.email, self._sign(held.data, held.sender, self._now))

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        if verdicts:
            self._record(verdicts)
        return {each for each in ids if each in self._held}

    def _record(self, verdicts: Sequence[Verdict]) -> None:
        with self._database.write() as session:
            for verdict in verdicts:
                held = self._held.get(verdict.delivery_id)
                if held is not None:
                    notices.record_notice(session, held.id, **self._judge(held, verdict))
        for verdict in verdicts:
            self._held.pop(verdict.delivery_id, None)

    def release(self, ids: Collection[int]) -> None:
        held = [self._held[each] for each in ids if each in self._held]
        with self._database.write() as session:
            for each in held:
                values = {"next_attempt_at": self._now, "attempts": each.attempts - 1}
                notices.record_notice(session, each.id, **values)
        for each in held:
            self._held.pop(each.id, None)

    def postpone(self, waits: Mapping[int, float]) -> None:
        """No limiter slows notices down, so nothing is ever put back for long."""
        self.release(list(waits))

    def should_stop(self) -> bool:
        return False

    def put_off(self, error: str) -> None:
        """Write on every notice that is due why it did not go out, and when it is tried again."""
        with self._database.write() as session:
            due = notices.claim_due_notices(session, self._now, until=self._now + LEASE, limit=MANY)
            for each in due:
                values = {"next_attempt_at": self._now + _wait(each), "last_error": error}
                notices.record_notice(session, each.id, **values)

    def _judge(self, held: notices.Waiting, verdict: Verdict) -> dict[str, object]:
        said = " ".join(filter(None, [str(verdict.code or ""), verdict.reply]))
        if verdict.state == "sent":
            return {"state": "sent", "sent_at": self._now, "last_error": None}
        # Nobody knows of an uncertain one: a confirmation twice does less harm than one that never comes.
        if verdict.state == "failed" or self._now - held.created_at > GIVE_UP:
            return {"state": "failed", "last_error": said}
        return {"next_attempt_at": self._now + _wait(held), "last_error": said}


def _wait(held: notices.Waiting) -> timedelta:
    return WAITS[min(held.attempts, len(WAITS)) - 1]


def _choose_sender(settings: Settings) -> str:
    """The login's own address, where it is one: many servers take no other."""
    user = parse_smtp_url(settings.smtp_routes[0].url.get_secret_value()).user
    return user if user and "@" in user else f"newsletter@{urlsplit(settings.base_url).hostname}"
