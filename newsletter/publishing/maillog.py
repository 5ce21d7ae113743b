"""What the log of a Postfix or an Exim says became of messages: lines to values, nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

Outcome = Literal["accepted", "sent", "bounced"]

# Postfix, postlogd(8) and syslog: `… postfix/smtp[77]: 4Xk2Yz0: to=<…>, …, dsn=2.0.0, status=sent (250 …)`.
_POSTFIX = re.compile(r"postfix[^/ ]*/(?:[\w-]+/)*([\w-]+)\[\d+\]: ([0-9A-Za-z]{5,}): (.*)")
_POSTFIX_ID = re.compile(r"message-id=(<[^>]*>)")
_STATUS = re.compile(r"\bstatus=(sent|bounced|expired|deferred|undeliverable) \((.*)\)\s*$")
_DSN = re.compile(r"\bdsn=(\d\.\d{1,3}\.\d{1,3})")
# Exim, "Log files" in its specification: `2026-11-25 22:00:00 1vNq0a-0003xY-2k => ada@example.org R=…`;
# ids are longer since 4.97.
_EXIM = re.compile(r"\b([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (<=|=>|->|>>|\*\*|==) (.*)")
_EXIM_ID = re.compile(r"\sid=(\S+)")
_CODE = re.compile(r"\b([245]\d\d)[ -]")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?")
_SYSLOG = re.compile(r"(?:<\d+>)?([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d)\s")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One message at one moment: taken by the server, and perhaps delivered or returned."""

    message_id: str
    outcome: Outcome
    code: int | None = None
    enhanced: str | None = None
    words: str | None = None


class MailLog:
    """Reads a log of any size for what it says about certain messages; only those take room."""

    def __init__(self, wanted: Collection[str], *, now: datetime, zone: tzinfo) -> None:
        """Take the Message-IDs with their brackets, the time, and the zone of lines that name none."""
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self._wanted, self._now, self._zone = wanted, now, zone
        self._queue: dict[str, str] = {}
        """Message-ID by the server's own id; such ids are used again, so the last one counts."""

    def read(self, lines: Iterable[str]) -> Iterator[Sighting]:
        """Give what is said about wanted messages, in the order of the log."""
        last = None
        for line in lines:
            if not (line[:1].isdigit() or _SYSLOG.match(line)):
                continue
            last = line
            if self.first_at is None:
                self.first_at = self.parse_time(line)
            if found := _POSTFIX.search(line):
                yield from self._read_postfix(*found.groups())
            elif found := _EXIM.search(line):
                yield from self._read_exim(*found.groups())
        if last and (at := self.parse_time(last)):
            self.last_at = max(self.last_at or at, at)

    def parse_time(self, line: str) -> datetime | None:
        """When a line was written; syslog names no year, so it is the last in which that was no future."""
        if found := _ISO.match(line):
            zone = (found[3] or "").replace("Z", "+00:00")
            try:
                at = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
            except ValueError:  # no such day or hour
                return None
            return at if at.tzinfo else at.replace(tzinfo=self._zone)
        found = _SYSLOG.match(line)
        if not found or found[1] not in _MONTHS:
            return None
        month = _MONTHS.index(found[1]) + 1
        for year in (self._now.year + 1, self._now.year, self._now.year - 1):
            try:
                at = datetime.fromisoformat(f"{year}-{month:02}-{int(found[2]):02}T{found[3]}")
            except ValueError:  # the 29th of February
                continue
            at = at.replace(tzinfo=self._zone)
            if at <= self._now + timedelta(days=1):
                return at
        return None

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether the log reaches from before the one to after the other; its seconds have no fractions."""
        if self.first_at is None or self.last_at is None:
            return False
        return self.first_at.astimezone(UTC) <= start and end < self.last_at + timedelta(seconds=1)

    def _read_postfix(self, program: str, key: str, rest: str) -> Iterator[Sighting]:
        if program == "cleanup":
            if found := _POSTFIX_ID.search(rest):
                self._meet(key, found[1])
        elif (message_id := self._queue.get(key)) is None:
            return
        elif program == "qmgr":
            # Cleanup notes the id while the body still comes; that it came whole, the queue's manager says.
            if "(queue active)" in rest:
                yield Sighting(message_id, "accepted")
        elif found := _STATUS.search(rest):
            dsn = _DSN.search(rest)
            yield _see(message_id, _OUTCOMES.get(found[1], "bounced"), dsn[1] if dsn else None, found[2])

    def _read_exim(self, key: str, flag: str, rest: str) -> Iterator[Sighting]:
        if flag == "<=":
            found = _EXIM_ID.search(rest)
            if found and self._meet(key, f"<{found[1].strip('<>')}>"):
                yield Sighting(self._queue[key], "accepted")
        elif (message_id := self._queue.get(key)) is not None:
            words = rest.partition(": ")[2] if flag == "**" else rest.partition(' C="')[2].rpartition('"')[0]
            yield _see(message_id, _FLAGS.get(flag, "sent"), None, words or rest)

    def _meet(self, key: str, message_id: str) -> bool:
        if message_id in self._wanted:
            self._queue[key] = message_id
            return True
        self._queue.pop(key, None)
        return False


_OUTCOMES: dict[str, Outcome] = {"sent": "sent", "deferred": "accepted"}
_FLAGS: dict[str, Outcome] = {"**": "bounced", "==": "accepted"}


def _see(message_id: str, outcome: Outcome, enhanced: str | None, words: str) -> Sighting:
    said = words.rpartition(" said: ")[2] if " said: " in words else words
    code = _CODE.search(said)
    return Sighting(message_id, outcome, int(code[1]) if code else None, enhanced, said.strip())
