"""One connection as asyncio sees it: replies come in, octets go out, and it ends once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from newsletter.deliver.replies import Reply
from newsletter.deliver.session import SessionLost
from newsletter.deliver.wire import ProtocolError, ReplyReader

Log = Callable[[str], None]


class Connection(asyncio.Protocol):
    """Replies by `reply`, octets by `write` and `drain`; after its end all of them raise SessionLost.

    A reply belongs to the question whose place in the row it has, so what is written says how many
    replies it asks for, and one that nobody asked for ends the connection.
    """

    def __init__(self, log: Log | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.end: str | None = None
        """Why nothing more can be had from the server."""
        self.log = log
        """Called with each line of the dialogue."""
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._owed = 1
        """Replies that are still to come, the first of them the banner."""
        self._loop = asyncio.get_running_loop()
        self._wake: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._overdue = ""
        """What to say when the deadline passes."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_full = False
        self._closed = self._loop.create_future()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.end:
            return
        try:
            for reply in self._reader.feed(data):
                if self.log:
                    self._show(reply)
                if not self._owed:
                    self.abort(f"the server said {str(reply)!r} unasked")
                    return
                self._owed -= 1
                self._replies.append(reply)
        except ProtocolError as error:
            self.abort(f"the server sent {error}")
        if not (self._owed or self._reader.is_clean):
            self.abort("the server said half a line unasked")
        if self._replies:
            self._rouse()

    def eof_received(self) -> None:
        self._finish("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(f"the connection broke: {exc}" if exc else "the server closed the connection")
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._rouse()

    # What the session calls.

    def write(self, parts: Sequence[bytes], replies: int) -> None:
        """Send octets that ask for so many replies, all parts in one write where the system takes them.

        Raises:
            SessionLost: the connection has ended.
        """
        if self.end or self.transport is None:
            raise SessionLost(self.end or "not connected")
        self._owed += replies
        self.transport.writelines(parts)

    async def ask(self, command: bytes, seconds: float, shown: str | None = None) -> Reply:
        """Send one command and read its reply; `shown` stands for it in the dialogue.

        Raises:
            SessionLost: the connection ended, or the reply did not come in time.
        """
        if self.log:
            self.log(f"C: {shown or command.decode('utf-8', 'replace')}")
        self.write([command + b"\r\n"], 1)
        return await self.reply(seconds)

    async def reply(self, seconds: float) -> Reply:
        """Read the next reply, waiting at most so many seconds; raises SessionLost."""
        if not self._replies:
            self._set_deadline(seconds, "no answer")
            while not self._replies:
                await self._event()
        return self._replies.popleft()

    async def drain(self, seconds: float) -> None:
        """Wait until the server has taken most of what was written; raises SessionLost."""
        self._set_deadline(seconds, "nothing taken")
        while self._is_full or self.end:
            await self._event()

    async def close(self, seconds: float) -> None:
        """Close, waiting at most so many seconds for the other side's part of it."""
        if self._timer:
            self._timer.cancel()
        if self.transport is None:
            return
        self.transport.close()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._closed)
        except TimeoutError:
            self.abort("closed")
            await asyncio.wait([self._closed], timeout=seconds)

    def abort(self, why: str) -> None:
        """Drop the connection at once, what is not yet written with it."""
        self._finish(why)
        if self.transport is not None:
            self.transport.abort()

    async def _event(self) -> None:
        if self.end:
            raise SessionLost(self.end)
        self._wake = self._loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _set_deadline(self, seconds: float, what: str) -> None:
        """Arm the one timer, which mostly stands already: setting one per reply would cost more than it."""
        self._deadline, self._overdue = self._loop.time() + seconds, f"{what} within {seconds:g} s"
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._wake is None or self.end:
            return
        if self._loop.time() < self._deadline:
            self._arm()
        else:
            self.abort(self._overdue)

    def _finish(self, why: str) -> None:
        if self.end is None:
            self.end = why
            if self.log:
                self.log(f"-- {why}")
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _show(self, reply: Reply) -> None:
        if self.log:
            lines = reply.text.split("\n")
            for number, line in enumerate(lines):
                mark = " " if number == len(lines) - 1 else "-"
                self.log(f"S: {reply.code}{mark}{Reply(0, line).words}")
