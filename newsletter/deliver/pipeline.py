"""Messages over an open session: one round trip each where the server pipelines, else in lockstep.

In the steady state one write carries the body of a message, its dot, and MAIL, RCPT and DATA of the next;
then come four replies. RFC 2920 3.1 allows content to lead a group of commands, and DATA to end one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsletter.deliver.connection import Connection
from newsletter.deliver.envelope import UnsendableError, prepare_message
from newsletter.deliver.replies import CLOSING, Meaning, Reply, Stage, classify_reply
from newsletter.deliver.route import Route
from newsletter.deliver.session import Job, SessionLost, Tray
from newsletter.deliver.wire import cut_blocks

_BLOCK = 65_536
_REFUSAL = 400


@dataclass(slots=True)
class _Transaction:
    """One message on its way through a session."""

    job: Job
    commands: tuple[tuple[Stage, bytes], ...]
    body: Sequence[bytes]
    """In parts."""
    is_reset: bool = False
    """RSET goes before it."""
    is_grouped: bool = False
    """Its commands were written in one group, so each of them is answered whatever the others get."""
    intent: asyncio.Future[bool] | None = None


class Pipeline:
    """Takes messages from a tray through one connection; `is_between` says whether QUIT may follow."""

    def __init__(self, connection: Connection, route: Route, extensions: Mapping[str, str]) -> None:
        self.is_between = True
        """No transaction is open: nothing written now can be read as a part of a message."""
        self._connection, self._extensions = connection, extensions
        self._timeouts = route.timeouts
        self._is_pipelining = route.pipelining and "PIPELINING" in extensions
        self._is_reset_due = False
        """A refusal left a transaction open, which the next MAIL would nest in."""
        self._is_over = False

    async def run(self, tray: Tray) -> None:
        """Send what the tray gives until it gives no more or takes no more answers.

        Raises:
            SessionLost: the connection ended; the tray's jobs without an answer are the caller's.
        """
        following: _Transaction | None = None
        while current := following or await self._take(tray):
            if current is not following and self._is_pipelining:
                self._write_group([], current, tray)
            following = None
            if await self._open(current, tray):
                if current.intent is None or not await current.intent:
                    # After 354 the only way not to send is to close without the dot.
                    self._connection.abort("the claim was gone")
                    tray.withdraw(current.job)
                    return
                following = await self._write_body(current, tray)
                reply = await self._connection.reply(self._timeouts.dot)
                self.is_between = following is None
                self._settle(tray, current.job, Stage.DOT, reply)
                if following and not self._is_over:
                    # Now and not when its commands were written: verdict and intent are one commit, and so no
                    # moment has two messages of a connection of which nobody knows whether they arrived.
                    following.intent = tray.intend(following.job)
            if self._is_over:
                return

    async def _take(self, tray: Tray) -> _Transaction | None:
        prepared = None
        while prepared is None and not self._is_over:
            job = await tray.take()
            if job is None:
                return None
            prepared = self._prepare(job, tray)
        return prepared

    def _take_ready(self, tray: Tray) -> _Transaction | None:
        prepared = None
        while prepared is None and self._is_pipelining and not self._is_over:
            job = tray.take_ready()
            if job is None:
                return None
            prepared = self._prepare(job, tray)
        return prepared

    def _prepare(self, job: Job, tray: Tray) -> _Transaction | None:
        try:
            mail, rcpt, body = prepare_message(job.outgoing, self._extensions)
        except UnsendableError as error:
            self._is_over = not tray.settle(job, error.stage, error.reply)
            return None
        commands = ((Stage.MAIL, mail), (Stage.RCPT, rcpt), (Stage.DATA, b"DATA"))
        is_reset, self._is_reset_due = self._is_reset_due, False
        return _Transaction(job, commands, body, is_reset)

    # --- writing -----------------------------------------------------------------------------------

    def _write_group(self, before: Sequence[bytes], transaction: _Transaction, tray: Tray) -> None:
        """Write what is due of the body before, and all commands of the next transaction."""
        lines = [command for _, command in transaction.commands]
        if transaction.is_reset:
            lines.insert(0, b"RSET")
        if self._connection.log:
            for line in lines:
                self._connection.log(f"C: {line.decode('utf-8', 'replace')}")
        replies = len(lines) + (1 if before else 0)
        self._connection.write([*before, b"\r\n".join([*lines, b""])], replies)
        self.is_between = False
        transaction.is_grouped = True
        if not before:
            transaction.intent = tray.intend(transaction.job)

    async def _write_body(self, current: _Transaction, tray: Tray) -> _Transaction | None:
        """Write the body, and with its end the commands of the next message if there is one at once."""
        *blocks, last = cut_blocks(current.body, _BLOCK)
        for block in blocks:
            self._connection.write(block, 0)
            await self._connection.drain(self._timeouts.block)
        following = self._take_ready(tray)
        if self._connection.log:
            self._connection.log(f"C: (the message, {sum(map(len, current.body))} octets) .")
        current.job.dotted = True
        if following:
            self._write_group(last, following, tray)
        else:
            self._connection.write(last, 1)
        return following

    # --- reading -----------------------------------------------------------------------------------

    async def _open(self, transaction: _Transaction, tray: Tray) -> bool:
        """Bring a transaction to its 354. False: it was refused, and that is settled."""
        if transaction.is_reset:
            await self._reset(transaction)
        is_refused = False
        for stage, command in transaction.commands:
            if is_refused and not transaction.is_grouped:
                break
            reply = await self._answer(transaction, stage, command, tray)
            is_good = classify_reply(stage, reply) is Meaning.ACCEPT
            if is_refused:
                await self._survey(stage, is_good=is_good)
            elif not is_good:
                is_refused = self._is_reset_due = True
                self._settle(tray, transaction.job, stage, reply)
        # Any other answer to a group's last command is out of step: what follows could be read as a body.
        self.is_between = is_refused and (is_good or reply.code >= _REFUSAL)
        return not is_refused

    async def _answer(self, transaction: _Transaction, stage: Stage, command: bytes, tray: Tray) -> Reply:
        seconds = self._timeouts.data if stage is Stage.DATA else self._timeouts.command
        if transaction.is_grouped:
            return await self._connection.reply(seconds)
        self.is_between = False
        if stage is Stage.DATA:
            transaction.intent = tray.intend(transaction.job)
        return await self._connection.ask(command, seconds)

    async def _reset(self, transaction: _Transaction) -> None:
        if transaction.is_grouped:
            reply = await self._connection.reply(self._timeouts.command)
        else:
            reply = await self._connection.ask(b"RSET", self._timeouts.command)
        if reply.code // 100 != 2:  # noqa: PLR2004 - first digit of a positive reply
            raise SessionLost(f"the server says at RSET: {reply}")

    async def _survey(self, stage: Stage, *, is_good: bool) -> None:
        """Look at what a group got after one of its commands was refused: 5yz, if all is well."""
        if is_good and stage is Stage.RCPT:
            raise SessionLost("the server took a recipient after it had refused the sender")
        if is_good:
            # RFC 2920 3.1: where nobody is to receive it, a single dot ends it and its reply says nothing.
            self._is_pipelining = False
            await self._connection.ask(b".", self._timeouts.dot)

    def _settle(self, tray: Tray, job: Job, stage: Stage, reply: Reply) -> None:
        is_wanted = tray.settle(job, stage, reply)
        self._is_over = self._is_over or not is_wanted
        if reply.code == CLOSING:
            self._is_over = True
            self._connection.abort(f"the server says at {stage.upper()}: {reply}")
