"""A mail server on this machine that delivers nothing and keeps what it gets, to be looked at."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

HOST = "127.0.0.1"
KEPT = 500
"""Messages that are kept whole; of older ones only who got which."""
ROUNDS_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One message as it came over the wire."""

    number: int
    """1 for the first."""
    at: datetime
    sender: str
    """Of the envelope, as are the recipients."""
    recipients: tuple[str, ...]
    data: bytes


class Catcher:
    """Takes every message that is offered on a free port until it is closed; safe to ask from any thread."""

    def __init__(self, *, kept: int = KEPT, clock: Callable[[], datetime] | None = None) -> None:
        """Listen at once."""
        self._lock = threading.Lock()
        self._mails: deque[CaughtMail] = deque(maxlen=kept)
        self._count = 0
        self._tally: Counter[tuple[str, str]] = Counter()
        self._clock = clock or (lambda: datetime.now(UTC))
        self._sessions: WeakSet[SMTP] = WeakSet()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(self._greet, HOST, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="catcher", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, as the setting `smtp_url` wants it."""
        return f"smtp://{HOST}:{self.port}"

    @property
    def count(self) -> int:
        """How many messages came, those that are no longer kept too."""
        with self._lock:
            return self._count

    def messages(self) -> list[CaughtMail]:
        """The messages that are kept, newest first."""
        with self._lock:
            return list(reversed(self._mails))

    def tally(self) -> Counter[tuple[str, str]]:
        """How often each recipient got each message: (address, Message-ID) to a count, of all that came."""
        with self._lock:
            return self._tally.copy()

    def take(self, sender: str, recipients: tuple[str, ...], data: bytes) -> None:
        """Keep one message."""
        header = BytesHeaderParser(policy=compat32).parsebytes(data)
        message_id = str(header.get("Message-ID", "")).strip()
        with self._lock:
            self._count += 1
            self._mails.append(CaughtMail(self._count, self._clock(), sender, recipients, data))
            self._tally.update((recipient, message_id) for recipient in recipients)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Answer the end of a message."""
        data = envelope.content if isinstance(envelope.content, bytes) else b""
        self.take(envelope.mail_from or "", tuple(envelope.rcpt_tos), data)
        return "250 2.0.0 caught"

    def close(self) -> None:
        """Stop listening and end what is open."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        # A connection that was just accepted gets its transport in the loop's next rounds.
        await asyncio.sleep(ROUNDS_SECONDS)
        for session in self._sessions:
            if isinstance(session.transport, asyncio.Transport):
                session.transport.abort()
        await asyncio.sleep(ROUNDS_SECONDS)

    def _greet(self) -> SMTP:
        name = "catcher.localhost"
        session = SMTP(self, hostname=name, ident="newsletter demo", enable_SMTPUTF8=True, loop=self._loop)
        self._sessions.add(session)
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
