"""What a rehearsal stands on: a directory, settings of its own, the sample publication and its readers."""

from __future__ import annotations

import csv
import secrets
import socket
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from newsletter.config import Settings
from newsletter.errors import ConfigError
from newsletter.operating.setup import write_once
from newsletter.publishing.publications import PublicationChanges, add_publication
from newsletter.publishing.sources import NewSource, add_source
from newsletter.store.categories import set_category
from newsletter.store.engine import Database
from newsletter.store.schema import upgrade_schema
from newsletter.subscribing.importing import import_subscribers

HOST = "127.0.0.1"
MORE_READERS = (
    "Ada Quist",
    "Bartholomew Lind",
    "Celia Marsh",
    "Dov Ackerman",
    "Edda Sorley",
    "Farid Nasser",
    "Gwenllian Pryce",
    "Hugo Tamm",
    "Ilse Marten",
    "Jorun Vale",
    "Kasimir Olt",
    "Lena Orrin",
    "Maud Essery",
)


@dataclass(frozen=True, slots=True)
class SamplePublication:
    """The folder `examples`, and what its `publication.toml` says."""

    root: Path
    values: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        """Where its readers are."""
        return ZoneInfo(self.values["timezone"])

    @property
    def folders(self) -> list[str]:
        """The paths of its sources that are read from the disk."""
        return [source["path"] for source in self.values["sources"] if source["kind"] == "folder"]


def load_sample_publication() -> SamplePublication:
    """Find the examples: `newsletter/_examples` in an installed wheel, `examples/` beside the package."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_examples"
    root = installed if installed.is_dir() else package.parent / "examples"
    return SamplePublication(root, tomllib.loads((root / "publication.toml").read_text(encoding="utf-8")))


@contextmanager
def open_directory(directory: Path | None) -> Iterator[Path]:
    """Make the directory of a rehearsal; one that nobody named is removed at the end.

    Raises:
        ConfigError: There is something in it.

    """
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="newsletter-demo-") as temporary:
            yield Path(temporary)
        return
    directory = directory.expanduser().resolve()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        message = (
            f"{directory} is not empty, and a demo starts from nothing: remove it, or name another with --dir"
        )
        raise ConfigError(message)
    directory.mkdir(parents=True, exist_ok=True)
    yield directory


def choose_port(port: int) -> int:
    """Give the port back if it is free, or any free one for 0.

    Raises:
        ConfigError: Another program listens there.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = (
                f"port {port} is taken ({error.strerror}): choose another with --port, as --port {port + 1}"
            )
            raise ConfigError(message) from error
        return int(probe.getsockname()[1])


def make_settings(directory: Path, *, port: int, smtp_url: str) -> Settings:
    """Make the settings, the key, and a settings file by which other commands find this demo."""
    values = {
        "database_url": f"sqlite:///{directory}/subscribers.db",
        "secret_key_file": str(directory / "newsletter.key"),
        "smtp_url": smtp_url,
        "base_url": f"http://localhost:{port}",
        "templates_dir": str(directory / "templates"),
    }
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    write_once(directory / "newsletter.toml", "\n".join([*lines, f"port = {port}", ""]))
    write_once(directory / "newsletter.key", secrets.token_urlsafe(48) + "\n")
    return Settings(
        database_url=values["database_url"],
        secret_key_file=Path(values["secret_key_file"]),
        smtp_url=SecretStr(smtp_url),
        base_url=values["base_url"],
        templates_dir=Path(values["templates_dir"]),
        host=HOST,
        port=port,
        log_level="warning",
        fetch_allow_hosts=(HOST,),
    )


def open_empty_database(settings: Settings) -> Database:
    """Make the database."""
    database = Database(settings.database_url)
    try:
        upgrade_schema(database)
    except BaseException:
        database.close()
        raise
    return database


def make_publication(
    database: Database, settings: Settings, sample: SamplePublication, *, now: datetime
) -> None:
    """Make the publication with its categories and their status lines."""
    values = sample.values
    changes = PublicationChanges(
        sender=values["from"],
        **{
            name: values[name] for name in ("name", "reply_to", "address", "language", "timezone", "schedule")
        },
    )
    publication = add_publication(database, settings, values["slug"], changes, now=now)
    with database.write() as session:
        for category in values["categories"]:
            set_category(session, publication.id, category["name"], category["status"], now=now)


def add_sources(
    database: Database,
    settings: Settings,
    sample: SamplePublication,
    base: str,
    directory: Path,
    now: datetime,
) -> int:
    """Add the feeds by their addresses and the folders by their filled copies; return how many there are."""
    for source in sample.values["sources"]:
        is_folder = source["kind"] == "folder"
        location = str(directory / source["path"]) if is_folder else f"{base}/{source['path']}"
        new = NewSource(location, source["kind"], category=source["category"], title=source["title"])
        add_source(database, settings, None, new, now=now)
    return len(sample.values["sources"])


def import_readers(
    database: Database, settings: Settings, sample: SamplePublication, directory: Path, *, now: datetime
) -> int:
    """Take in the sample's readers and some more; return how many there are."""
    file = directory / "subscribers.csv"
    given = (sample.root / file.name).read_text(encoding="utf-8")
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.write(given.rstrip("\n") + "\n")
        rows = (
            [f"{name.lower().replace(' ', '.')}@example.net", name, "", "weekly"] for name in MORE_READERS
        )
        csv.writer(stream, lineterminator="\n").writerows(rows)
    report = import_subscribers(database, settings, file, None, status="active", now=now)
    if report.rejected:
        raise ConfigError(f"{file}: {report.rejected[0]['email']}: {report.rejected[0]['reason']}")
    return report.added
