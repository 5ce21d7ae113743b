"""Command: collect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.shell import Json, Now, Slug, open_shell

if TYPE_CHECKING:
    from newsletter.publishing.collection import CollectReport


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command(epilog="Example: newsletter collect --json")(collect)


def collect(
    context: typer.Context, publication: Slug = None, now: Now = None, json: Json = False
) -> None:
    """Collect what the sources have; one that fails never stops the rest."""
    from newsletter.publishing.collection import collect_sources
    from newsletter.publishing.publications import get_publication, list_publications

    shell = open_shell(context)
    database, settings = shell.database, shell.settings
    slugs = (
        [each.slug for each in list_publications(database, settings)]
        if publication is None
        else [get_publication(database, settings, publication).slug]
    )
    at = shell.read_now(now, publication)
    report = _add_up([collect_sources(database, settings, slug, now=at) for slug in slugs])
    if json:
        write_json(report)
        return
    say(
        f"{report.sources} sources: {report.new} new, {report.updated} updated, {report.unchanged} unchanged, "
        f"{len(report.failed)} failed"
    )
    for failure in report.failed:
        note(f"failed: {failure['source']}: {failure['error']}")


def _add_up(reports: list[CollectReport]) -> CollectReport:
    from newsletter.publishing.collection import CollectReport

    return CollectReport(
        sources=sum(each.sources for each in reports),
        new=sum(each.new for each in reports),
        updated=sum(each.updated for each in reports),
        unchanged=sum(each.unchanged for each in reports),
        failed=[failure for each in reports for failure in each.failed],
    )
