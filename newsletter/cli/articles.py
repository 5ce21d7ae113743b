"""Commands: article list, show."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.output import say, show_fields, show_table, write_json
from newsletter.cli.shell import Json, Slug, open_shell

app = typer.Typer(no_args_is_help=True, help="What was collected.")


@app.command("list", epilog="Example: newsletter article list --since 2026-11-16 --json")
def list_(
    context: typer.Context,
    publication: Slug = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only those after it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
    json: Json = False,
) -> None:
    """List the collected articles, newest first."""
    from newsletter.publishing.articles import list_articles

    shell = open_shell(context)
    after = shell.read_when(since, publication) if since else None
    found = list_articles(shell.database, shell.settings, publication, since=after, limit=limit)
    if json:
        write_json(found)
        return
    rows = [(each.id, each.published_at, each.category, each.title, each.source) for each in found]
    headings = ("id", "published", "category", "title", "source")
    show_table(headings, rows, empty="nothing was collected yet: `newsletter collect`")


@app.command(epilog="Example: newsletter article show 12")
def show(
    context: typer.Context, article_id: Annotated[int, typer.Argument(metavar="ID")], json: Json = False
) -> None:
    """Show an article with its similar articles and trends."""
    from newsletter.publishing.articles import get_article

    shell = open_shell(context)
    found = get_article(shell.database, shell.settings, article_id)
    if json:
        write_json(found)
        return
    show_fields(found, without=["html", "text", "similar", "trends", "source_id", "page_url"])
    for heading, others in (("similar", found.similar), ("trends", found.trends)):
        for each in others:
            say(f"{heading}: {each.title}")
    if found.text:
        say(f"\n{found.text}")
