"""Commands: category list and set, trend add, list and remove."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.output import show_fields, show_table, write_json
from newsletter.cli.shell import Json, Now, Slug, name_actor, open_shell

categories = typer.Typer(no_args_is_help=True, help="Sections of a publication and their standing lines.")
trends = typer.Typer(no_args_is_help=True, help="What editors write under the recent trends.")


@categories.command("list", epilog="Example: newsletter category list")
def list_categories_(context: typer.Context, publication: Slug = None, json: Json = False) -> None:
    """List the categories with their status lines, in the publication's order."""
    from newsletter.publishing.choices import list_categories

    found = list_categories(open_shell(context).database, publication)
    if json:
        write_json(found)
        return
    rows = [(each.name, each.status, each.status_changed_at) for each in found]
    empty = "there is no category yet: `newsletter category set NAME`, or collect pages that have some"
    show_table(("name", "status", "changed"), rows, empty=empty)


@categories.command("set", epilog="Example: newsletter category set Economy --status 'Growth slows.'")
def set_category_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As its heading is spelt.")],
    status: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its standing line; '' takes it away.")
    ] = None,
    publication: Slug = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Make a category, or give it a status line; it stands in every issue, marked as new in the next."""
    from newsletter.publishing.choices import set_category

    shell = open_shell(context)
    at = shell.read_now(now, publication)
    made = set_category(shell.database, publication, name, status=status, now=at)
    if json:
        write_json(made)
    else:
        show_fields(made)


@trends.command("add", epilog="Example: newsletter trend add 'Ferries' --text 'Every port speaks of them.'")
def add_trend(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="One line.")],
    text: Annotated[str, typer.Option(help="What there is to say.")] = "",
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where its title leads.")] = None,
    publication: Slug = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Write a trend note; it comes first among the trends of the next issue."""
    from newsletter.publishing.choices import NewNote, add_note

    shell = open_shell(context)
    at = shell.read_now(now, publication)
    made = add_note(shell.database, publication, NewNote(title, text, url), actor=name_actor(), now=at)
    if json:
        write_json(made)
    else:
        show_fields(made)


@trends.command("list", epilog="Example: newsletter trend list")
def list_trends(context: typer.Context, publication: Slug = None, json: Json = False) -> None:
    """List the trend notes, oldest first."""
    from newsletter.publishing.choices import list_notes

    found = list_notes(open_shell(context).database, publication)
    if json:
        write_json(found)
        return
    rows = [(each.id, each.created_at, each.title, each.text) for each in found]
    show_table(("id", "written", "title", "text"), rows, empty="there is none: `newsletter trend add`")


@trends.command("remove", epilog="Example: newsletter trend remove 3")
def remove_trend(context: typer.Context, note_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Take a trend note away; an issue that is approved keeps it."""
    from newsletter.publishing.choices import remove_note

    remove_note(open_shell(context).database, note_id)
