"""What passes between a session and the engine: messages one way, answers the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from newsletter.content import Claimed
from newsletter.deliver.replies import Reply, Stage
from newsletter.deliver.wire import Message


class SessionLost(Exception):  # noqa: N818 - it is no error of ours: another connection goes on
    """The connection is of no more use: closed, timed out, 421, or not speaking SMTP."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it goes to the server."""

    sender: str
    """Envelope sender, `local@domain`; empty for the null reverse-path."""
    recipient: str
    """Envelope recipient, `local@domain`."""
    data: Message
    """Headers and body, lines ended by CRLF, not dot-stuffed."""


@dataclass(slots=True)
class Job:
    """One message under way in a session."""

    claimed: Claimed
    outgoing: Outgoing
    dotted: bool = False
    """Set just before the closing dot may leave: from here on only a reply tells what became of it."""


class Tray(Protocol):
    """Where one session takes its messages from and lays down what became of them.

    A pipelining session holds two jobs at most: one whose body is on its way, and the one after it.
    """

    async def take(self) -> Job | None:
        """Give the next message; None: no transaction may begin any more, so end politely."""
        ...

    def take_ready(self) -> Job | None:
        """Give the next message if one may go at once; None: `take` tells what to do about that."""
        ...

    def intend(self, job: Job) -> asyncio.Future[bool]:
        """Record that the body is about to be written. False: it must not be, for the claim is gone."""
        ...

    def settle(self, job: Job, stage: Stage, reply: Reply) -> bool:
        """Lay down the last reply of a job. False: the session must end."""
        ...

    def withdraw(self, job: Job) -> None:
        """Lay down a job whose body was not written because its claim was gone."""
        ...
