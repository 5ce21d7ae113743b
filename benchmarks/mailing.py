"""A newsletter with an approved issue of 30 kB for so many readers, and the real command that sends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, text

from newsletter.store.engine import Database

CHECKOUT = Path(__file__).resolve().parents[1]
WAITING = 75
"""The exit code of a send after which some rows are not done, as all are where nothing is recorded."""
CARDS = 14
"""So many of the articles below make a message of 30 kB in the default theme."""
_WORDS = "harbour council votes on the new quay while ferries wait and fishermen mend their nets at dawn"
_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n",
    "postgresql": "SELECT generate_series(1, %d) AS i",
}
_ADD_SUBSCRIBERS = """
INSERT INTO subscribers (email, name, attributes, created_at)
SELECT 'reader' || i || '@example.net', 'Reader ' || i, '{}', CURRENT_TIMESTAMP FROM (%s) AS numbers"""
_ADD_SUBSCRIPTIONS = """
INSERT INTO subscriptions (publication_id, subscriber_id, status, created_at)
SELECT 1, id, 'active', CURRENT_TIMESTAMP FROM subscribers"""


@dataclass(frozen=True)
class Usage:
    """What one command took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int

    def __sub__(self, idle: Usage) -> Usage:
        """What it took beyond another, at the same peak."""
        return Usage(self.seconds - idle.seconds, self.cpu_seconds - idle.cpu_seconds, self.peak_bytes)


@dataclass(frozen=True)
class Mailing:
    """One database with one issue."""

    folder: Path
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every command."""
        return {
            "NEWSLETTER_DATABASE_URL": self.url,
            "NEWSLETTER_SECRET_KEY": "k" * 40,
            "NEWSLETTER_BASE_URL": "http://localhost:8000",
        }

    def run(
        self, *arguments: str, module: Sequence[str] = ("newsletter",), **settings: str
    ) -> tuple[str, Usage]:
        """Run a command of the program; its standard output, and what it took.

        Raises:
            subprocess.CalledProcessError: It failed; its words are on standard error.

        """
        with self.start(*arguments, module=module, **settings) as process:
            began = time.perf_counter()
            assert process.stdout
            assert process.stderr
            # It says little enough there to fit into a pipe.
            said = process.stdout.read().decode()
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in {0, WAITING}:
                complaint = process.stderr.read().decode()
                raise subprocess.CalledProcessError(process.returncode, process.args, said, complaint)
        return said, Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)

    def start(
        self, *arguments: str, module: Sequence[str] = ("newsletter",), **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start a command of the program."""
        environment = os.environ | self.environment | {"PYTHONPATH": str(CHECKOUT)} | settings
        return subprocess.Popen(
            [sys.executable, "-m", *module, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(
        self, smtp_url: str, *flags: str, module: Sequence[str] = ("newsletter",)
    ) -> tuple[dict[str, Any], Usage]:
        """Send the issue, or go on; how it stands then."""
        arguments = ("issue", "send", "1", "--json", *flags)
        said, usage = self.run(*arguments, module=module, NEWSLETTER_SMTP_URL=smtp_url)
        return json.loads(said), usage

    def sign_by_rsa(self) -> None:
        """Have every mail signed from now on."""
        self.run("dkim", "new", "--domain", "example.org", "--selector", "bench", "--out", "dkim.pem")
        key = '[[dkim]]\ndomain = "example.org"\nselector = "bench"\nkey_file = "dkim.pem"\n'
        with (self.folder / "newsletter.toml").open("a", encoding="utf-8") as file:
            file.write(key)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction of SQL."""
        database = Database(self.url)
        try:
            with database.write() as session:
                yield session.connection()
        finally:
            database.close()

    def set_readers(self, count: int) -> None:
        """Have so many readers, all active."""
        with self.write() as connection:
            for table in ("deliveries", "subscriptions", "subscribers"):
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
            numbers = _NUMBERS[connection.dialect.name] % count
            connection.execute(text(_ADD_SUBSCRIBERS % numbers))
            connection.execute(text(_ADD_SUBSCRIPTIONS))

    def reset(self) -> None:
        """Have the issue approved and sent to nobody."""
        with self.write() as connection:
            connection.execute(text("DELETE FROM deliveries"))
            connection.execute(
                text("UPDATE issues SET state = 'approved', sending_at = NULL, sent_at = NULL")
            )
        if self.url.startswith("postgresql"):
            self._vacuum()

    def _vacuum(self) -> None:
        """Have no send pay for the rows of those before it, nor for what cleans up after them."""
        database = Database(self.url)
        try:
            with database.raw() as connection:
                connection.autocommit = True
                connection.execute("VACUUM")
        finally:
            database.close()

    def reopen(self) -> None:
        """Have a sent issue look as if it was still being sent, so that a send finds nothing to do."""
        with self.write() as connection:
            connection.execute(text("UPDATE deliveries SET state = 'sent'"))
            connection.execute(text("UPDATE issues SET state = 'sending', sent_at = NULL"))

    @property
    def message_bytes(self) -> int:
        """The size of the issue's mail."""
        self.run("issue", "render", "1", "--out", "preview")
        return (self.folder / "preview" / "issue.eml").stat().st_size


@contextmanager
def make_mailing(readers: int, url: str | None = None) -> Iterator[Mailing]:
    """A folder with everything, made by the program's own commands but for the readers."""
    with TemporaryDirectory(prefix="newsletter-") as name:
        folder = Path(name)
        mailing = Mailing(folder, url or f"sqlite:///{folder / 'subscribers.db'}")
        (folder / "pages").mkdir()
        for number in range(CARDS):
            (folder / "pages" / f"{number:02}.txt").write_text(_write_page(number), encoding="utf-8")
        for command in (
            ("init",),
            ("publication", "set", "--from", "Harbour <desk@example.org>", "--address", "1 Quay, Portside"),
            ("source", "add", "pages"),
            ("collect",),
            ("issue", "draft"),
            ("issue", "approve", "1"),
        ):
            mailing.run(*command)
        mailing.set_readers(readers)
        yield mailing


def _write_page(number: int) -> str:
    known = _WORDS.split()

    def words(count: int, start: int) -> str:
        return " ".join(known[(start + 5 * i + number) % len(known)] for i in range(count))

    return (
        f"Title: Story {number}: {words(8, number)}\nCategory: {'News' if number % 2 else 'Culture'}\n"
        f"Date: 2026-11-{1 + number:02}\n\n{words(60, 3)}.\n\n{words(200, 7)}.\n"
    )
