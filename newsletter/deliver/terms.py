"""What a send is told, and what it tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from newsletter.deliver.limits import DomainLimit, Limiter


@dataclass(frozen=True, slots=True)
class Options:
    """How one send goes about it; seconds and counts."""

    connections: int | None = None
    """Replaces the limit of every route."""
    claim_size: int = 200
    stop_seconds: float = 5.0
    """After a stop, how long to wait for the verdicts on messages that are out."""
    ledger_seconds: float = 60.0
    """How long to try again where the ledger cannot be written."""
    connect_failures: int = 5
    """Tries per connection, in a row, before the route is down; twice as many where it opens and breaks."""
    backoff_seconds: float = 0.5
    backoff_limit: float = 30.0
    refusals: int = 3
    """MAIL commands in a row refused for good before the route is down."""
    returns: int = 3
    """How often one delivery may break a connection before it is deferred."""
    policies: int = 20
    """Messages in a row refused by policy before the route is down."""
    slow_seconds: float = 2.0
    """Rest of a connection whose server says that we are too fast."""
    revive_seconds: float = 30.0
    """A route that is down is tried again after this, while others carry on; it doubles each time."""
    revive_limit: float = 600.0
    limiter: Limiter | None = None
    """Shares limits with other processes; without it only those on connections hold."""
    domains: Mapping[str, DomainLimit] = field(default_factory=dict)
    """Limits of recipient domains; `*` is for all that are not named."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Verdicts recorded so far."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """What one route did."""

    name: str
    carried: int
    """Messages that its server took."""
    error: str | None
    """Why it was down at the end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a send ended; the ledger has the particulars."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    stopped: bool = False
    """It was told to stop: by the event, or by the ledger because of a pause or a cancellation."""
    error: str | None = None
    """Why it ended early, in words for the operator: what, where, what to do."""
    is_refused: bool = False
    """The same servers will refuse the same sender or messages again, so somebody has to look."""
    waits: str | None = None
    """Why it ended though deliveries are due and nothing is wrong: limits are used up, windows closed."""
    waits_seconds: float = math.inf
    """How long until the first of those limits begins anew; infinite where only windows are closed."""
    routes: tuple[RouteOutcome, ...] = ()
