"""One route while it is in use: its turn among the others, its limits, and what happens when it is down."""

from __future__ import annotations

import math
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from newsletter.deliver.limits import Gate
from newsletter.deliver.route import Route
from newsletter.errors import DeliveryError

SLACK = 4.0
"""How far, in messages of a route of weight 1, a route may run ahead of the others."""
STALL_SECONDS = 5.0
"""Nobody waits for the turn of a route from which nothing came for so long."""
REST_SECONDS = 60.0
"""A route whose limit is used up for longer than this rests; the send does not wait for it."""


@dataclass(slots=True)
class Lane:
    """One route while it is in use; all times are the event loop's."""

    route: Route
    context: ssl.SSLContext | None
    connections: int
    gate: Gate | None = None
    closes_at: float = math.inf
    """The end of the sending window."""
    failures: int = 0
    """Connections in a row, of all its workers, that carried nothing."""
    strain: int = 0
    """The same, those twice that did not even open: a few messages alone may break the others."""
    refusals: int = 0
    """MAIL commands in a row that were refused for good."""
    policies: int = 0
    """Messages in a row that were refused for what we are or send."""
    down: DeliveryError | None = None
    fault: DeliveryError | None = None
    """Why it went down last, until a message got an answer again."""
    is_refused: bool = False
    """It is down because the server refuses the sender or what is sent, so trying again is no use."""
    rest: str | None = None
    """Which limit is used up, or that its window has closed; no fault."""
    rests_for: float = math.inf
    """Seconds until a used-up limit begins anew, as of when the lane went to rest."""
    carried: int = 0
    """Messages that the server took."""
    revive_at: float = math.inf
    revivals: int = 0
    is_on_trial: bool = False
    """It was down and may open one connection, to see whether that is over."""
    open: int = 0
    """Connections open or opening."""
    turn: float = 0.0
    """Messages begun, each by one over the route's weight: the route with the least is the next."""
    moved_at: float = field(default=-math.inf)

    @property
    def is_up(self) -> bool:
        """Whether a transaction may begin."""
        return self.down is None and self.rest is None

    def fail(self, error: DeliveryError, now: float, seconds: float, limit: float) -> None:
        """Go down, to be tried again after a while that doubles each time."""
        self.down = self.fault = error
        self.is_on_trial = False
        self.revive_at = now + min(seconds * 2**self.revivals, limit)
        self.revivals += 1

    def look(self, now: float) -> bool:
        """Close with the window, rest where a limit is used up, or come back; whether that changed."""
        gate = self.gate
        if self.rest is None and now >= self.closes_at:
            self.rest = "its sending window has closed"
        elif self.rest is None and gate and gate.why and gate.next_at - now > REST_SECONDS:
            self.rest, self.rests_for = gate.why, gate.next_at - now
        elif self.down and not self.is_refused and now >= self.revive_at:
            self.down, self.is_on_trial, self.strain = None, True, 0
        else:
            return False
        return True

    def recover(self) -> None:
        """Note that a message got an answer."""
        self.failures = self.strain = self.revivals = 0
        self.is_on_trial, self.fault = False, None

    def begin_one(self, lanes: Sequence[Lane], now: float) -> None:
        """Take the turn; whoever was away does not make up for it."""
        ahead = max(lane.turn for lane in lanes)
        self.turn = max(self.turn, ahead - SLACK - 1) + 1 / self.route.weight
        self.moved_at = now
        if self.gate:
            self.gate.use()

    def has_turn(self, lanes: Sequence[Lane], now: float) -> bool:
        """Whether the others have had their share; a route that cannot send now gives it up."""
        return all(
            self.turn <= lane.turn + SLACK
            for lane in lanes
            if lane.is_up
            and not lane.is_on_trial
            and lane.moved_at + STALL_SECONDS > now
            and (lane.gate is None or lane.gate.is_open(now))
        )
