"""Holds captured issue mails against the message linter: a fault that would block one fails its test."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from newsletter.review.mail import Facts
from newsletter.review.rules import lint_mail

FULL = 3
"""So many mails of one issue are linted, then every fiftieth: they differ by their slots alone."""
EVERY = 50
_HERE = Facts(base_url="http://localhost:8000", routes_are_loopback=True)
_SUBJECT = re.compile(rb"^Subject:.*$", re.IGNORECASE | re.MULTILINE)


@dataclass
class MessageLinter:
    """Remembers what it has seen and what it found."""

    seen: Counter[bytes] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def take(self, data: bytes) -> None:
        """Lint a message if it is an issue: confirmations, and what tests make up, need no link to leave."""
        head = data.partition(b"\r\n\r\n")[0]
        if b"\nList-Id:" not in head or b"multipart/alternative" not in head:
            return
        subject = _SUBJECT.search(head)
        key = subject[0] if subject else b""
        self.seen[key] += 1
        if self.seen[key] <= FULL or self.seen[key] % EVERY == 0:
            self.faults += [
                f"{finding.rule}: {finding.message} {finding.where}"
                for finding in lint_mail(data, _HERE)
                if finding.blocking
            ]
