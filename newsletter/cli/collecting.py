"""Command: collect."""

from __future__ import annotations

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.shell import Json, Now, Slug, open_shell


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command(epilog="Example: newsletter collect --json")(collect)


def collect(context: typer.Context, publication: Slug = None, now: Now = None, json: Json = False) -> None:
    """Collect what the sources have; one that fails never stops the rest."""
    from newsletter.publishing.collection import collect_sources

    shell = open_shell(context)
    at = shell.read_now(now, publication)
    report = collect_sources(shell.database, shell.settings, publication, now=at)
    if json:
        write_json(report)
        return
    say(
        f"{report.sources} sources: {report.new} new, {report.updated} updated, "
        f"{report.unchanged} unchanged, {len(report.failed)} failed"
    )
    for failure in report.failed:
        note(f"failed: {failure['source']}: {failure['error']}")
