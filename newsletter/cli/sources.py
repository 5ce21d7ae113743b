"""Commands: source add, list, remove, check, import-opml, export-opml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from newsletter.cli.output import note, say, show_fields, show_table, write_json, write_json_line
from newsletter.cli.shell import Json, Slug, open_shell

app = typer.Typer(no_args_is_help=True, help="Where articles come from: feeds, pages, folders.")

Kind = Annotated[
    Literal["feed", "page", "sitemap", "folder"] | None,
    typer.Option(help="What it is; found out where it is not said."),
]


@app.command(epilog="Example: newsletter source add https://example.org/feed.xml --category Government")
def add(
    context: typer.Context,
    location: Annotated[str, typer.Argument(metavar="URL_OR_PATH")],
    category: Annotated[str | None, typer.Option(help="For articles that name none themselves.")] = None,
    kind: Kind = None,
    title: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    full_text: Annotated[
        bool | None,
        typer.Option(
            "--full-text/--no-full-text", help="Fetch the pages of its articles for their whole text."
        ),
    ] = None,
    weight: Annotated[
        int | None,
        typer.Option(metavar="1-16", help="What its articles count: 2 as if two sources told them."),
    ] = None,
    publication: Slug = None,
    json: Json = False,
) -> None:
    """Add a source, or change one; `newsletter collect` then fetches it."""
    from newsletter.publishing.sources import NewSource, add_source

    shell = open_shell(context)
    new = NewSource(location, kind, category, title, full_text, weight)
    made = add_source(shell.database, shell.settings, publication, new, now=shell.read_now(None))
    if json:
        write_json(made)
    else:
        show_fields(made, without=["articles", "failed_count"])


@app.command("list", epilog="Example: newsletter source list --json")
def list_(context: typer.Context, publication: Slug = None, json: Json = False) -> None:
    """List the sources, what they gave and what is wrong with them."""
    from newsletter.publishing.sources import list_sources

    found = list_sources(open_shell(context).database, publication)
    if json:
        write_json(found)
        return
    rows = [
        (
            each.location,
            each.kind,
            each.category,
            each.articles,
            each.last_success_at,
            "disabled" if each.disabled_at else each.next_attempt_at,
            each.last_error,
        )
        for each in found
    ]
    headings = ("source", "kind", "category", "articles", "last success", "next try", "error")
    show_table(headings, rows, empty="there is no source yet: `newsletter source add URL_OR_PATH`")


@app.command(epilog="Example: newsletter source remove https://example.org/feed.xml")
def remove(
    context: typer.Context,
    location: Annotated[str, typer.Argument(metavar="URL_OR_PATH")],
    publication: Slug = None,
) -> None:
    """Stop collecting from a source; its articles stay."""
    from newsletter.publishing.sources import remove_source

    remove_source(open_shell(context).database, publication, location)
    say(f"removed {location}")


@app.command(epilog="Example: newsletter source check page.txt https://example.org/feed.xml --json")
def check(
    context: typer.Context,
    locations: Annotated[list[str], typer.Argument(metavar="URL_OR_PATH...")],
    kind: Kind = None,
    base: Annotated[
        str | None, typer.Option(metavar="URL", help="The address that a file on disk came from.")
    ] = None,
    json: Json = False,
) -> None:
    """Fetch and read sources, and say what is in them; stores nothing, needs no database."""
    from newsletter.publishing.sources import check_sources

    for found in check_sources(open_shell(context).settings, locations, kind=kind, base=base):
        if json:
            write_json_line(found)
            continue
        articles = found["articles"]
        say(f"{found['source']}: {found['kind']} {found['title'] or ''} - {len(articles)} articles")
        for article in articles:
            say(f"  {article['published'] or '-':25}  {article['title']}")
        for problem in found["problems"]:
            note(f"  problem: {problem}")


@app.command("import-opml", epilog="Example: newsletter source import-opml feeds.opml")
def import_opml(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OPML, as feed readers export it.")],
    publication: Slug = None,
    json: Json = False,
) -> None:
    """Add every feed of a list; its folders become categories, what is there already stays as it is."""
    from newsletter.publishing.subscriptions import import_opml as import_list

    shell = open_shell(context)
    report = import_list(shell.database, shell.settings, publication, file, now=shell.read_now(None))
    if json:
        write_json(report)
        return
    say(f"{report.read} feeds: {report.added} added, {report.known} known, {len(report.rejected)} rejected")
    for failure in report.rejected:
        note(f"rejected: {failure['source']}: {failure['error']}")


@app.command("export-opml", epilog="Example: newsletter source export-opml > feeds.opml")
def export_opml(context: typer.Context, publication: Slug = None) -> None:
    """Write the sources as OPML, a folder for each category; paths of this machine are left out."""
    from newsletter.publishing.subscriptions import export_opml as export_list

    say(export_list(open_shell(context).database, publication).decode().rstrip())
