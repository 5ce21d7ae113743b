"""One message to one address, with the whole dialogue: what `mail test` shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from newsletter.content import Claimed, Recipient
from newsletter.deliver.loop import run_async
from newsletter.deliver.replies import Meaning, Reply, Stage, classify_reply
from newsletter.deliver.route import Route
from newsletter.deliver.session import Job, Outgoing, SessionLost
from newsletter.deliver.smtp import Session, make_context
from newsletter.errors import DeliveryError


@dataclass(slots=True)
class _SingleTray:
    """A tray with one message, which no ledger knows."""

    job: Job | None
    answer: tuple[Stage, Reply] | None = None

    async def take(self) -> Job | None:
        return self.take_ready()

    def take_ready(self) -> Job | None:
        job, self.job = self.job, None
        return job

    def intend(self, job: Job) -> asyncio.Future[bool]:
        del job
        is_held = asyncio.get_running_loop().create_future()
        is_held.set_result(True)
        return is_held

    def settle(self, job: Job, stage: Stage, reply: Reply) -> bool:
        del job
        self.answer = stage, reply
        return False

    def withdraw(self, job: Job) -> None:
        """Never called: what no ledger knows, nobody takes back."""


def converse(route: Route, sender: str, recipient: str, data: bytes) -> list[str]:
    """Send one message by a route and give the dialogue, also when it fails.

    Args:
        route: the server.
        sender: envelope sender, `local@domain`.
        recipient: envelope recipient, `local@domain`.
        data: the message, lines ended by CRLF.

    Returns:
        One line each: `C: ` what we said, the login masked; `S: ` what the server said; `-- ` what
        happened. The last begins with `OK: ` or `FAILED: `.
    """
    dialogue: list[str] = []
    job = Job(Claimed(0, Recipient(0, recipient), 1), Outgoing(sender, recipient, data))
    dialogue.append(run_async(lambda: _try_once(route, job, dialogue)))
    return dialogue


async def _try_once(route: Route, job: Job, dialogue: list[str]) -> str:
    tray = _SingleTray(job)
    try:
        session = await Session.open(route, make_context(route), dialogue.append)
        try:
            await session.run(tray)
        finally:
            await session.close()
    except SessionLost as error:
        return f"FAILED: route {route.name!r}, {route.place}: {error}"
    except DeliveryError as error:
        return f"FAILED: {error}"
    stage, reply = tray.answer or (Stage.LOCAL, Reply(0, "there was no answer"))
    if classify_reply(stage, reply) is Meaning.ACCEPT:
        return f"OK: {route.place} took the message: {reply}"
    return f"FAILED: at {stage.upper()}: {reply}"
