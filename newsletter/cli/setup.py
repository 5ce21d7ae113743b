"""Command: init."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.shell import Json, open_shell


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command(epilog="Example: newsletter init")(init)


def init(context: typer.Context, json: Json = False) -> None:
    """Create or upgrade the database, and make settings, key and a first publication where there are none."""
    from newsletter.config import CONFIG_NAME, PREFIX
    from newsletter.operating.setup import initialise, write_config

    shell = open_shell(context)
    named = shell.config or (
        Path(os.environ[PREFIX + "CONFIG"]) if os.environ.get(PREFIX + "CONFIG") else None
    )
    config = named or Path(CONFIG_NAME)
    # A file that is named must exist before the settings can be read.
    config_made = write_config(config)
    report = initialise(shell.settings, config, now=shell.read_now(None))
    if json:
        write_json({**_as_dict(report), "config_made": config_made})
        return
    made = {True: "made", False: "kept"}
    change = "kept" if report.schema_before == report.schema else "made"
    change = "upgraded" if report.schema_before not in {None, report.schema} else change
    say(f"database     {change:8}  {report.database} (schema {report.schema})")
    say(f"settings     {made[config_made]:8}  {report.config}")
    say(f"secret key   {made[report.key_made]:8}  {report.key_file or 'in the settings'}")
    say(f"publication  {made[report.publication_made]:8}  {', '.join(report.publications)}")
    note("next: newsletter source add URL_OR_PATH, newsletter user add EMAIL --role admin, newsletter run")


def _as_dict(report: object) -> dict[str, object]:
    from newsletter.cli.output import to_plain

    plain: dict[str, object] = to_plain(report)
    return plain
