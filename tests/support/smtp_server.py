"""An SMTP server that faults by script, on asyncio in a thread of its own, and keeps its own truth.

A script is a list of faults, each a stage, which occurrence of it, and an action. Stages: accept, banner,
ehlo, starttls, ehlo2, auth, mail, rcpt, data, body, dot, after_dot, rset, quit, idle. An action at `dot`
comes instead of accepting the message; one at `after_dot` when it is accepted already.

As a process: `python -m tests.support.smtp_server --port N --log FILE` writes the Message-ID and the
recipients of every accepted message, flushed to the disk before the 250.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import socket
import ssl
import struct
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from tests.support.message_linter import MessageLinter

CHUNK = 1 << 18
_LAST = {"EHLO", "HELO", "STARTTLS", "AUTH", "DATA", "NOOP", "QUIT"}
"""A client must have heard the answer to these before it writes on."""


@dataclass(frozen=True)
class Action:
    """What the server does instead of its usual answer; first `delay` seconds of nothing."""

    kind: Literal["send", "usual", "trickle", "silence", "close", "reset", "half-close", "deaf"]
    payload: bytes = b""
    delay: float = 0.0


def reply(code: int, *lines: str, delay: float = 0.0) -> Action:
    """Answer properly, with several lines if several are given, without a space if none is."""
    texts = lines or ("",)
    rows = [f"{code}{'-' if n < len(texts) - 1 else ' '}{text}" for n, text in enumerate(texts)]
    return Action("send", ("\r\n".join(rows).rstrip(" ") + "\r\n").encode(), delay)


def raw(payload: bytes) -> Action:
    """Send exactly these bytes."""
    return Action("send", payload)


def late(delay: float) -> Action:
    """Answer as usual, so many seconds later."""
    return Action("usual", delay=delay)


TRICKLE = Action("trickle")
SILENCE = Action("silence")
CLOSE = Action("close")
RESET = Action("reset")
HALF_CLOSE = Action("half-close")
DEAF = Action("deaf")
"""Never read on, so that what is sent fills all buffers."""
GARBAGE = raw(b"\x00\xff what is this\r\n")
LONG_LINE = raw(b"250 " + b"x" * 100_000 + b"\r\n")
CHANGING_CODE = raw(b"250-one\r\n550 two\r\n")


@dataclass(frozen=True)
class Fault:
    """One line of a script."""

    stage: str
    occurrence: int | str
    """The n-th time, from 1; 0 for every time; a text: where the command's argument holds it."""
    action: Action


@dataclass(frozen=True)
class Accepted:
    """One message that the server took responsibility for."""

    connection: int
    sender: str
    recipients: tuple[str, ...]
    parameters: str
    """What followed the sender in MAIL."""
    raw: bytes
    """As on the wire, dot-stuffed, without the closing dot."""

    @property
    def data(self) -> bytes:
        return (b"\r\n" + self.raw).replace(b"\r\n.", b"\r\n")[2:]

    @property
    def message_id(self) -> str:
        found = re.search(rb"^message-id:\s*(\S+)", self.data, re.IGNORECASE | re.MULTILINE)
        return found[1].decode() if found else ""


@dataclass(frozen=True)
class Command:
    """One line that a client sent."""

    connection: int
    line: bytes
    is_tls: bool


class _EndedError(Exception):
    """The connection is over."""


@dataclass
class SmtpServer:
    """The server; `with SmtpServer(...) as server` runs it on 127.0.0.1 at `server.port`."""

    script: Sequence[Fault] = ()
    extensions: Sequence[str] = ("PIPELINING", "8BITMIME", "SIZE 33554432")
    tls: Literal["none", "starttls", "implicit"] = "none"
    context: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    mechanisms: str = "PLAIN LOGIN"
    log: Path | None = None
    port: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often each stage was reached; `accept` counts the connections."""
    pipelined: int = 0
    """Commands that had come in before the one ahead of them was answered."""
    drops_groups: bool = False
    """Whether it only says that it can do pipelining."""
    violations: list[str] = field(default_factory=list)
    """Commands that must end a group and did not (RFC 2920 3.1): their verbs; the connection is dropped."""
    keeps_data: bool = True
    linter: MessageLinter = field(default_factory=MessageLinter)
    """Every issue that comes is held against the rules for messages."""
    open_now: int = 0
    open_most: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        # Answers go out one by one, as no real server sends them; with Nagle's rule each would wait 40 ms.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="smtp-server")
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert failure or not self.linter.faults, self.linter.faults

    def spoken(self, verb: str) -> list[bytes]:
        """The lines that clients sent, of one verb."""
        return [command.line for command in self.commands if command.line.upper().startswith(verb.encode())]

    def find_action(self, stage: str, argument: str = "") -> Action | None:
        """What the script says about the next time that the stage is reached."""
        for fault in self.script:
            if fault.stage != stage:
                continue
            if fault.occurrence in {0, self.seen[stage] + 1}:
                return fault.action
            if isinstance(fault.occurrence, str) and fault.occurrence in argument:
                return fault.action
        return None

    def accept(self, message: Accepted) -> None:
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{message.message_id} {' '.join(message.recipients)}\n")
                file.flush()
                os.fsync(file.fileno())
        if self.keeps_data:
            self.accepted.append(message)
            self.linter.take(message.data)

    async def wait_until_over(self) -> None:
        await self._over.wait()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task:
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            # Cancelled at the end of the test, which asyncio's streams would log as a fault of the server's.
            with contextlib.suppress(asyncio.CancelledError):
                await _Dialogue(self, reader, writer).run()

        context = self.context if self.tls == "implicit" else None
        server = await asyncio.start_server(meet, sock=self._listener, ssl=context, limit=CHUNK)
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Aborted transports close in the next turns of the loop.
        await asyncio.sleep(0.01)


class _Dialogue:
    def __init__(
        self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.buffer = bytearray()
        self.is_tls = server.tls == "implicit"
        self.hello = "ehlo"
        self.sender: str | None = None
        self.parameters = ""
        self.recipients: list[str] = []

    async def run(self) -> None:
        server = self.server
        server.open_now += 1
        server.open_most = max(server.open_most, server.open_now)
        try:
            self.number = server.seen["accept"] + 1
            await self.answer("accept", b"")
            await self.answer("banner", b"220 test ESMTP\r\n")
            while True:
                self.look_for_groups()
                await self.obey(await self.read_line())
        except (_EndedError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            server.open_now -= 1
            if not self.writer.is_closing():
                self.writer.transport.abort()

    def look_for_groups(self) -> None:
        is_grouped = b"\n" in self.buffer
        self.server.pipelined += is_grouped
        if is_grouped and self.server.drops_groups:
            raise _EndedError

    async def answer(self, stage: str, usual: bytes, argument: str = "") -> int:
        action = self.server.find_action(stage, argument) or Action("usual")
        self.server.seen[stage] += 1
        await asyncio.sleep(action.delay)
        await self.end_by(action.kind)
        payload = action.payload if action.kind == "send" else usual
        step = 1 if action.kind == "trickle" else len(payload) or 1
        for start in range(0, len(payload), step):
            self.writer.write(payload[start : start + step])
            await self.writer.drain()
            if step == 1:
                await asyncio.sleep(0)
        if payload.startswith(b"421"):
            self.writer.close()
            raise _EndedError
        return int(payload[:3]) if payload[:3].isdigit() else 0

    async def end_by(self, kind: str) -> None:
        if kind == "reset":
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind == "close":
            self.writer.close()
        elif kind == "half-close":
            self.writer.write_eof()
        elif kind == "deaf":
            await self.server.wait_until_over()
        elif kind != "silence":
            return
        while kind in {"half-close", "silence"} and await self.reader.read(CHUNK):
            pass
        raise _EndedError

    async def read_more(self) -> None:
        data = await self.reader.read(CHUNK)
        if not data:
            raise _EndedError
        self.buffer += data

    async def read_line(self) -> bytes:
        while (end := self.buffer.find(b"\n")) < 0:
            await self.read_more()
        line = bytes(self.buffer[:end]).removesuffix(b"\r")
        del self.buffer[: end + 1]
        self.server.commands.append(Command(self.number, line, self.is_tls))
        return line

    async def obey(self, line: bytes) -> None:
        verb, _, argument = line.decode("utf-8", "replace").partition(" ")
        handler = getattr(self, f"on_{verb.lower()}", None) if verb.isalpha() else None
        if verb in _LAST and self.buffer:
            self.server.violations.append(verb)
            self.writer.write(b"554 5.5.0 Error: SMTP protocol synchronization\r\n")
            raise _EndedError
        if handler is None:
            self.writer.write(b"500 5.5.2 what?\r\n")
        else:
            await handler(argument)

    async def on_ehlo(self, argument: str) -> None:
        offers = [*self.server.extensions]
        if self.server.tls == "starttls" and not self.is_tls:
            offers.append("STARTTLS")
        if self.server.login and (self.is_tls or self.server.tls == "none"):
            offers.append(f"AUTH {self.server.mechanisms}")
        usual = reply(250, "test greets you", *offers).payload
        await self.answer(self.hello, usual, argument)

    async def on_helo(self, argument: str) -> None:
        del argument
        self.writer.write(b"250 test\r\n")

    async def on_starttls(self, argument: str) -> None:
        if await self.answer("starttls", b"220 2.0.0 go on\r\n", argument) == 220 and self.server.context:
            await self.writer.start_tls(self.server.context)
            self.is_tls, self.hello = True, "ehlo2"
            self.buffer.clear()

    async def on_auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "LOGIN":
            self.writer.write(b"334 VXNlcm5hbWU6\r\n")
            user = b64decode(await self.read_line()).decode()
            self.writer.write(b"334 UGFzc3dvcmQ6\r\n")
            given = (user, b64decode(await self.read_line()).decode())
        elif mechanism == "XOAUTH2":
            user, token = b64decode(initial).decode().split("\x01")[:2]
            given = (user.removeprefix("user="), token.removeprefix("auth=Bearer "))
            if given != self.server.login:
                self.writer.write(b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n")
                await self.read_line()
        else:
            _, user, secret = b64decode(initial).decode().split("\0")
            given = (user, secret)
        good = b"235 2.7.0 welcome\r\n" if given == self.server.login else b"535 5.7.8 bad login\r\n"
        await self.answer("auth", good, mechanism)

    async def on_mail(self, argument: str) -> None:
        usual = b"503 5.5.1 nested MAIL command\r\n" if self.sender is not None else b"250 2.1.0 ok\r\n"
        if await self.answer("mail", usual, argument) == 250:
            path, _, self.parameters = argument.removeprefix("FROM:").partition(" ")
            self.sender, self.recipients = path.strip("<>"), []

    async def on_rcpt(self, argument: str) -> None:
        usual = b"503 5.5.1 need MAIL\r\n" if self.sender is None else b"250 2.1.5 ok\r\n"
        if await self.answer("rcpt", usual, argument) in {250, 251}:
            self.recipients.append(argument.removeprefix("TO:").strip("<>"))

    async def on_data(self, argument: str) -> None:
        del argument
        usual = b"354 go on\r\n" if self.recipients else b"554 5.5.1 no valid recipients\r\n"
        if await self.answer("data", usual, " ".join(self.recipients)) != 354:
            return
        self.buffer[:0] = b"\r\n"
        await self.read_more()
        await self.answer("body", b"")
        searched = 0
        while (end := self.buffer.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(self.buffer) - 4)
            await self.read_more()
        body = bytes(self.buffer[2 : end + 2])
        del self.buffer[: end + 5]
        message = Accepted(self.number, self.sender or "", tuple(self.recipients), self.parameters, body)
        self.sender, self.recipients = None, []
        await self.end_message(message)

    async def end_message(self, message: Accepted) -> None:
        server, who = self.server, " ".join(message.recipients)
        usual = b"250 2.0.0 ok queued as %d\r\n" % (server.seen["dot"] + 1)
        dot = server.find_action("dot", who)
        is_accepted = dot is None or dot.kind in {"usual", "trickle"} or dot.payload.startswith(b"2")
        if is_accepted:
            server.accept(message)
        if is_accepted and server.find_action("after_dot", who):
            server.seen["dot"] += 1
            await self.answer("after_dot", usual, who)
        else:
            server.seen["after_dot"] += is_accepted
            await self.answer("dot", usual, who)
        await self.answer("idle", b"", who)

    async def on_rset(self, argument: str) -> None:
        self.sender, self.recipients = None, []
        await self.answer("rset", b"250 2.0.0 ok\r\n", argument)

    async def on_quit(self, argument: str) -> None:
        await self.answer("quit", b"221 2.0.0 bye\r\n", argument)
        self.writer.close()
        raise _EndedError


def main() -> None:
    """Run as a process until it is killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    with SmtpServer(port=options.port, log=options.log, keeps_data=False) as server:
        print(server.port, flush=True)  # noqa: T201 - whoever started it reads the port
        threading.Event().wait()


if __name__ == "__main__":
    main()
