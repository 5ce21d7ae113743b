"""One connection's desk: builds the messages that its session takes, and judges the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from newsletter.content import Claimed
from newsletter.deliver.lane import Lane
from newsletter.deliver.pool import Pool
from newsletter.deliver.replies import CAUSES, CLOSING, STATES, Meaning, Reply, Stage, classify_reply
from newsletter.deliver.session import Job, Outgoing
from newsletter.deliver.terms import Options
from newsletter.errors import DeliveryError

Build = Callable[[Claimed], Outgoing]
"""Makes the message of one delivery; what it raises fails that delivery alone."""


@dataclass(slots=True)
class Desk:
    """The tray of one session."""

    pool: Pool
    lane: Lane
    build: Build
    options: Options
    jobs: dict[int, Job] = field(default_factory=dict)
    settled: int = 0
    has_heard: bool = False
    """The server has answered about a message, so what breaks the connection later is no message's fault."""
    is_open: bool = False
    """The session got as far as to ask for a message."""
    trouble: str | None = None
    """Why the session ended before it should."""
    _opened_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _pause: float = 0.0

    async def take(self) -> Job | None:
        """Give the next message; None when the connection has carried enough, or there is none."""
        pool, self.is_open = self.pool, True
        if self._pause:
            await pool.until(lambda: pool.is_over(self.lane), self._pause)
            self._pause = 0.0
        job = None
        while job is None and not self._is_used_up():
            claimed = await pool.take(self.lane, self.lane.route.idle_seconds)
            if claimed is None:
                return None
            job = self._make(claimed)
        return job

    def take_ready(self) -> Job | None:
        """Give the next message if one may go at once."""
        job = None
        while job is None and not (self._pause or self._is_used_up()):
            claimed = self.pool.take_ready(self.lane)
            if claimed is None:
                return None
            job = self._make(claimed)
        return job

    def _is_used_up(self) -> bool:
        route, age = self.lane.route, asyncio.get_running_loop().time() - self._opened_at
        carried = self.settled + len(self.jobs)
        return carried >= route.messages_per_connection or age >= route.seconds_per_connection

    def _make(self, claimed: Claimed) -> Job | None:
        try:
            job = Job(claimed, self.build(claimed))
        except Exception as error:  # noqa: BLE001 - one recipient's values never stop the rest
            reply = Reply(0, f"the message could not be made: {type(error).__name__}: {error}")
            self.pool.record(claimed, "failed", reply, None)
            return None
        self.jobs[claimed.id] = job
        return job

    def intend(self, job: Job) -> asyncio.Future[bool]:
        """Record the intent, while the server thinks about the envelope."""
        return self.pool.clerk.intend(job.claimed.id)

    def withdraw(self, job: Job) -> None:
        """Give back what may be left of a claim that is gone."""
        del self.jobs[job.claimed.id]
        self.pool.drop(job.claimed)

    def settle(self, job: Job, stage: Stage, reply: Reply) -> bool:
        """Judge the last reply of a message; False: the session must end."""
        del self.jobs[job.claimed.id]
        meaning, lane = classify_reply(stage, reply), self.lane
        if stage is not Stage.LOCAL and meaning is not Meaning.RETRY:
            lane.refusals = lane.refusals + 1 if meaning is Meaning.ISSUE else 0
            lane.policies = lane.policies + 1 if meaning is Meaning.POLICY else 0
        state = STATES.get(meaning)
        if state is not None:
            self._record(job, meaning, reply)
        is_refused = lane.refusals >= self.options.refusals or lane.policies >= self.options.policies
        if lane.down is None and (meaning is Meaning.DOWN or is_refused):
            self._close_lane(reply, is_refused=is_refused)
        if state is not None:
            return meaning is not Meaning.UNCERTAIN and reply.code != CLOSING
        if meaning is Meaning.RETRY:
            self.trouble = f"the server says at {stage.upper()}: {reply}"
        # 421 is about the connection, whatever it answers.
        is_suspect = meaning is Meaning.ISSUE or not (self.settled or reply.code == CLOSING)
        self.has_heard = True
        self.pool.give_back(job.claimed, reply, lane, is_suspect=is_suspect)
        return meaning is Meaning.ISSUE and lane.down is None

    def _record(self, job: Job, meaning: Meaning, reply: Reply) -> None:
        lane = self.lane
        self.settled += 1
        self.has_heard = True
        lane.recover()
        lane.carried += meaning is Meaning.ACCEPT
        self._pause = self.options.slow_seconds if meaning is Meaning.SLOW else 0.0
        if meaning is Meaning.SLOW_DOMAIN:
            self.pool.slow_down(job.claimed)
        self.pool.record(job.claimed, STATES[meaning], reply, lane.route.name, CAUSES.get(meaning))

    def _close_lane(self, reply: Reply, *, is_refused: bool) -> None:
        lane = self.lane
        if is_refused:
            times = max(lane.refusals, lane.policies)
            what = f"refused the sender or the message {times} times in a row"
            advice = (
                "check the publication's sender address and the message's size; no recipient was touched"
                if lane.refusals
                else "it distrusts this sender or what is sent, so look at its words; nobody was unsubscribed"
            )
        else:
            what, advice = "takes no more mail for now", "send again when it does"
        route, lane.is_refused = lane.route, is_refused
        error = DeliveryError(f"route {route.name!r}: {route.place} {what}: {reply}; {advice}")
        now = asyncio.get_running_loop().time()
        lane.fail(error, now, self.options.revive_seconds, self.options.revive_limit)
        self.pool.stir()

    def clear(self, why: str) -> None:
        """Settle what the session left: uncertain where the dot may have gone out, else given back."""
        for job in self.jobs.values():
            if job.dotted:
                reply = Reply(0, f"no answer to the whole message: {why}")
                self.pool.record(job.claimed, "uncertain", reply, self.lane.route.name)
            else:
                self.pool.give_back(job.claimed, Reply(0, why), self.lane, is_suspect=not self.has_heard)
            self.has_heard = True
        self.jobs.clear()
