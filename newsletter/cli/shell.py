"""What every command has at hand: the settings, the database and the clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.config import Settings
    from newsletter.operating.startup import Database

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Slug = Annotated[
    str | None,
    typer.Option("--publication", metavar="SLUG", help="Which publication; needed where there are several."),
]
Now = Annotated[
    str | None,
    typer.Option("--now", metavar="WHEN", help="Set the clock for a rehearsal: a date or an ISO 8601 time."),
]
IssueId = Annotated[int, typer.Argument(metavar="ID", help="The issue's id, as `issue list` shows it.")]


class Shell:
    """Reads settings and opens the database when a command first asks for them."""

    def __init__(self, context: typer.Context, config: Path | None) -> None:
        self._context = context
        self.config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings, with logs set up as they say."""
        return self.load()[0]

    def load(self, *, level: str | None = "warning", **flags: object) -> tuple[Settings, dict[str, str]]:
        """Read the settings and their origins; `level` None logs as the settings say."""
        from newsletter.config import load_settings
        from newsletter.operating.logs import configure_logging

        settings, origins = load_settings(self.config, os.environ, flags)
        configure_logging(settings, level=level)
        return settings, origins

    @cached_property
    def database(self) -> Database:
        """The database, closed when the command ends."""
        return self.open(self.settings)

    def open(self, settings: Settings) -> Database:
        """Open the database of other settings than the plain ones."""
        from newsletter.operating.startup import open_database

        database = open_database(settings)
        self._context.call_on_close(database.close)
        return database

    def find_zone(self, slug: str | None) -> ZoneInfo:
        """The zone of times without an offset: the publication's, UTC where it is not clear which."""
        from newsletter.publishing.calendar import parse_zone
        from newsletter.publishing.publications import get_publication, list_publications

        if slug is not None:
            return parse_zone(get_publication(self.database, self.settings, slug).timezone)
        zones = {each.timezone for each in list_publications(self.database, self.settings)}
        return parse_zone(zones.pop() if len(zones) == 1 else "UTC")

    def read_when(self, said: str, slug: str | None) -> datetime:
        """Read what `--now`, `--since` and `--at` say."""
        from newsletter.publishing.calendar import parse_when

        return parse_when(said, self.find_zone(slug))

    def read_now(self, said: str | None, slug: str | None = None) -> datetime:
        """The time of a rehearsal, else the time."""
        return datetime.now(UTC) if said is None else self.read_when(said, slug)


def open_shell(context: typer.Context) -> Shell:
    """The shell that the top of the command line has made."""
    shell = context.obj
    if not isinstance(shell, Shell):
        raise TypeError("the command was called without the top of the command line")
    return shell


def name_actor() -> str:
    """Who acts at this terminal, for the audit trail."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"
