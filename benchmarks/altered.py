"""The program's own command with one thing in it altered, to see what that thing costs.

`python -m benchmarks.altered unrecorded issue send 1` sends without a ledger: it is read, never written.
`python -m benchmarks.altered ed25519 issue send 1` signs by an Ed25519 key alone, which the settings refuse.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from unittest.mock import patch

from newsletter.cli import main
from newsletter.content import Verdict
from newsletter.deliver.dkim import DkimKey, make_key, sign_message
from newsletter.publishing import mailing, sending
from newsletter.store.ledger import ClaimedRow, LedgerStore

EVERYBODY = 10_000_000


class Unrecorded(LedgerStore):
    """Gives every row once and forgets what it is told."""

    rows: list[ClaimedRow] | None = None

    @contextmanager
    def transaction(self, *, once: bool = False) -> Iterator[Any]:
        """There is nothing to commit."""
        del once
        yield None

    def claim(self, limit: int) -> list[ClaimedRow]:
        if self.rows is None:
            with self._writer.write() as connection:
                self.rows = self._due_rows(connection, EVERYBODY)
        taken, self.rows = self.rows[:limit], self.rows[limit:]
        return taken

    def settle(self, verdicts: Sequence[Verdict], ids: Collection[int]) -> set[int]:
        del verdicts
        return set(ids)

    def release(self, ids: Collection[int]) -> None:
        del ids

    def should_stop(self) -> bool:
        return False


def _sign(keys: Sequence[DkimKey], _settings: object, message: bytes, _sender: str, at: datetime) -> bytes:
    return sign_message(message, keys, at=int(at.timestamp()))


if __name__ == "__main__":
    if sys.argv.pop(1) == "unrecorded":
        alteration: Any = patch.object(sending, "LedgerStore", Unrecorded)
    else:
        key, _ = make_key("example.org", "bench", "ed25519")
        alteration = patch.object(mailing, "make_signer", partial(partial, _sign, [key]))
    with alteration:
        main()
