"""Sends to smtp-sink on loopback against smtp-source on the same sink, turn about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Figure
from benchmarks.mailing import Mailing, Usage, make_mailing
from benchmarks.servers import SESSIONS, Sink, run_sink, run_source
from tests.support.postgres_builders import make_database, make_url, run_postgres


@dataclass(frozen=True)
class Trial:
    """An issue in a database, a sink, and the command that sends, as shipped or altered."""

    mailing: Mailing
    sink: Sink
    readers: int
    module: tuple[str, ...] = ("newsletter",)

    def send(self) -> Usage:
        """Send to everybody; what that took beyond a send that has nothing to do.

        Raises:
            AssertionError: Ledger, sink and the number of readers disagree.

        """
        self.mailing.reopen()
        idle = self._send_once()
        self.sink.count()
        self.mailing.reset()
        used = self._send_once()
        taken = self.sink.count()
        assert taken == self.readers, f"{self.readers} readers, but the sink took {taken}"
        return used - idle

    def _send_once(self) -> Usage:
        status, used = self.mailing.send(
            self.sink.smtp_url, "--connections", str(SESSIONS), module=self.module
        )
        if "unrecorded" not in self.module:
            assert status["sent"] == status["recipients"], f"the ledger says {status}"
        return used


@contextmanager
def make_trial(readers: int, url: str | None = None, *, warm: bool = True) -> Iterator[Trial]:
    """A mailing, sent once unless it is to be cold, and a sink."""
    with make_mailing(readers, url) as mailing, run_sink() as sink:
        trial = Trial(mailing, sink, readers)
        if warm:
            trial.send()
        yield trial


def measure_sqlite(messages: int, rounds: int) -> Iterator[Figure]:
    """The bars of the loopback on SQLite."""
    with make_trial(messages) as trial:
        yield _compare("loopback, SQLite", trial, rounds, bar=0.8)


def measure_postgresql(messages: int, rounds: int) -> Iterator[Figure]:
    """The same on PostgreSQL."""
    with (
        run_postgres() as home,
        make_database(home) as name,
        make_trial(messages, make_url(home, name)) as trial,
    ):
        yield _compare("loopback, PostgreSQL", trial, rounds, bar=0.6)


def measure_dkim(messages: int, rounds: int) -> Iterator[Figure]:
    """The same with signatures; first Ed25519, which the settings take only beside RSA."""
    with make_trial(messages) as trial:
        altered = Trial(trial.mailing, trial.sink, messages, ("benchmarks.altered", "ed25519"))
        yield _compare("loopback, SQLite, Ed25519", altered, rounds, bar=0.6)
        trial.mailing.sign_by_rsa()
        yield _compare("loopback, SQLite, RSA-2048", trial, rounds, bar=0.3)


def measure_ledger(messages: int, rounds: int) -> Iterator[Figure]:
    """What recording costs: with the ledger against without, turn about."""
    with make_trial(messages) as trial:
        without = Trial(trial.mailing, trial.sink, messages, ("benchmarks.altered", "unrecorded"))
        ratios = [trial.send().seconds / without.send().seconds for _ in range(rounds)]
        cost = 100 * (median(ratios) - 1)
        yield Figure("cost of the ledger", cost, 25, "%", "less", f"{messages} messages, {rounds} rounds")


def _compare(what: str, trial: Trial, rounds: int, bar: float) -> Figure:
    size = trial.mailing.message_bytes
    ratios, rates = [], []
    for _ in range(rounds):
        baseline = run_source(trial.sink, trial.readers, size)
        ours = trial.send()
        ratios.append(baseline / ours.seconds)
        rates.append((trial.readers / ours.seconds, trial.readers / baseline))
    mine, theirs = max(rates)
    note = (
        f"best {mine:.0f}/s against {theirs:.0f}/s; {trial.readers} mails of {size} octets, {rounds} rounds"
    )
    return Figure(what, median(ratios), bar, "of smtp-source", note=note)
