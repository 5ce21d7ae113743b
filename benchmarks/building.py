"""Building one reader's message where a block asks about the reader, against one with plain values."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from benchmarks.figures import Figure
from newsletter.content import Publication, Recipient, RenderedIssue
from newsletter.render.environment import make_environment
from newsletter.render.marks import Subscriber
from newsletter.render.message import IssueIdentity, build_parts, compile_body

NONCE = "0123456789abcdef01234567"
_FILL = "<p>The harbour council votes on the new quay while the ferries wait at dawn.</p>\n" * 330
_GREETING = {
    "plain": "<p>Dear {{ subscriber.name }}</p>",
    "block": "<p>{% personal %}{% if subscriber.name %}Dear {{ subscriber.name }}{% else %}Hello{% endif %}"
    "{% endpersonal %}</p>",
}
_LEAVE = "<a href='{{ subscriber.unsubscribe_url }}'>Leave</a>"
_PUBLICATION = Publication(
    id=1,
    slug="harbour",
    name="Harbour",
    sender="Harbour <desk@example.org>",
    reply_to=None,
    address="1 Quay, Portside",
    language="en",
    timezone="UTC",
    schedule="0 8 * * 1",
    approval="required",
    url="http://localhost:8000/p/harbour",
)


def measure_building(messages: int, rounds: int) -> Iterator[Figure]:
    """How many times as long a message with one condition takes."""
    plain, block = (_render(_GREETING[kind]) for kind in ("plain", "block"))
    pairs = [(_time(block, messages), _time(plain, messages)) for _ in range(rounds)]
    ratio = median(ours / theirs for ours, theirs in pairs)
    each = min(ours for ours, _ in pairs) / messages * 1e6
    note = f"{each:.0f} microseconds each; {messages} messages, {rounds} rounds"
    yield Figure("a message with a personal block", ratio, 2, "of a plain one", "less", note)


def _render(greeting: str) -> RenderedIssue:
    template = make_environment().from_string(greeting + _FILL + _LEAVE)
    html = template.render(subscriber=Subscriber(NONCE))
    return RenderedIssue("News", "", html, "", "", compile_body("", html, NONCE), "")


def _time(rendered: RenderedIssue, messages: int) -> float:
    now, identity, base = datetime.now(UTC), IssueIdentity("uid", 1), "http://localhost:8000"
    readers = [
        Recipient(i, f"reader{i}@example.net", "Ada" if i % 2 else "", {"unsubscribe_url": f"{base}/u/{i}"})
        for i in range(messages)
    ]
    began = time.perf_counter()
    for reader in readers:
        build_parts(rendered, _PUBLICATION, reader, issue=identity, base_url=base, date=now)
    return time.perf_counter() - began
