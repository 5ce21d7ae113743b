"""One connection as asyncio sees it: replies come in, octets go out, and it ends once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from newsletter.deliver.replies import Reply
from newsletter.deliver.session import SessionLost
from newsletter.deliver.wire import ProtocolError, ReplyReader

Log = Callable[[str], None]
_UNREAD_LIMIT = 100


class Connection(asyncio.Protocol):
    """Replies by `reply`, octets by `write` and `drain`; after its end all of them raise SessionLost."""

    def __init__(self, log: Log | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.end: str | None = None
        """Why nothing more can be had from the server."""
        self._log = log
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._is_full = False
        self._closed = asyncio.get_running_loop().create_future()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.end:
            return
        try:
            for reply in self._reader.feed(data):
                self._note("S", reply)
                self._replies.append(reply)
        except ProtocolError as error:
            self.abort(f"the server sent {error}")
        if len(self._replies) > _UNREAD_LIMIT:
            self.abort(f"the server sent {len(self._replies)} replies to no command")
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

    @property
    def is_quiet(self) -> bool:
        """Whether the server has said nothing that was not read."""
        return not self._replies and self._reader.is_clean

    def write(self, data: bytes | memoryview, shown: str) -> None:
        """Send octets; `shown` stands for them in the dialogue.

        Raises:
            SessionLost: the connection has ended.
        """
        if self.end or self.transport is None:
            raise SessionLost(self.end or "not connected")
        if self._log:
            self._log(f"C: {shown}")
        self.transport.write(data)

    async def ask(self, command: bytes, seconds: float, shown: str | None = None) -> Reply:
        """Send one command and read its reply.

        Raises:
            SessionLost: the connection ended, the reply did not come in time, or one came unasked.
        """
        if not self.is_quiet:
            said = str(self._replies[0]) if self._replies else "half a line"
            self.abort(f"the server said {said!r} unasked")
            raise SessionLost(self.end)
        self.write(command + b"\r\n", shown or command.decode("utf-8", "replace"))
        return await self.reply(seconds)

    async def reply(self, seconds: float) -> Reply:
        """Read the next reply, waiting at most so many seconds; raises SessionLost."""
        await self._wait(lambda: bool(self._replies), seconds, "no answer")
        return self._replies.popleft()

    async def drain(self, seconds: float) -> None:
        """Wait until the server has taken most of what was written; raises SessionLost."""
        await self._wait(lambda: not self._is_full and not self.end, seconds, "nothing taken")

    async def _wait(self, is_done: Callable[[], bool], seconds: float, what: str) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not is_done():
                    if self.end:
                        raise SessionLost(self.end)
                    self._wake = asyncio.get_running_loop().create_future()
                    await self._wake
        except TimeoutError:
            self.abort(f"{what} within {seconds:g} s")
            raise SessionLost(self.end) from None

    async def close(self, seconds: float) -> None:
        """Close, waiting at most so many seconds for the other side's part of it."""
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

    def _finish(self, why: str) -> None:
        if self.end is None:
            self.end = why
            if self._log:
                self._log(f"-- {why}")
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _note(self, who: str, reply: Reply) -> None:
        if self._log:
            lines = reply.text.split("\n")
            for number, line in enumerate(lines):
                mark = " " if number == len(lines) - 1 else "-"
                self._log(f"{who}: {reply.code}{mark}{Reply(0, line).words}")
