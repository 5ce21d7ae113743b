"""Commands: subscriber import, export, list, add, show, unsubscribe, erase."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from newsletter.cli.output import note, say, show_table, write_json
from newsletter.cli.shell import Json, Slug, name_actor, open_shell

app = typer.Typer(no_args_is_help=True, help="Who gets the mails.")

Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@app.command("import", epilog="Example: newsletter subscriber import people.csv --json")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON lines; - is standard input.")],
    status: Annotated[
        Literal["active", "pending"], typer.Option(help="Of those of whom the file says nothing else.")
    ] = "active",
    publication: Slug = None,
    json: Json = False,
) -> None:
    """Take in a list of people; safe to repeat, and nobody who left comes back."""
    from newsletter.subscribing.importing import import_subscribers

    shell = open_shell(context)
    with _as_file(file) as path:
        report = import_subscribers(
            shell.database, shell.settings, path, publication, status=status, now=shell.read_now(None)
        )
    if json:
        write_json(report)
        return
    say(
        f"{report.read} read: {report.added} added, {report.updated} updated, {report.skipped} skipped, "
        f"{report.suppressed} suppressed, {len(report.rejected)} rejected"
    )
    for each in report.rejected:
        note(f"line {each['line']}: {each['email']}: {each['reason']}")


@app.command(epilog="Example: newsletter subscriber export --format jsonl >people.jsonl")
def export(
    context: typer.Context,
    form: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="Which form.")] = "csv",
    publication: Slug = None,
) -> None:
    """Print the list of a publication, in a form that `import` reads."""
    from newsletter.subscribing.exporting import export_subscribers

    sys.stdout.writelines(export_subscribers(open_shell(context).database, publication, form))


@app.command("list", epilog="Example: newsletter subscriber list --status active --json")
def list_(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only those in it.")] = None,
    publication: Slug = None,
    json: Json = False,
) -> None:
    """List the subscribers of a publication, oldest first."""
    from newsletter.subscribing.subscribers import list_subscribers

    found = list_subscribers(open_shell(context).database, publication, status)
    if json:
        write_json(list(found))
        return
    headings = ("email", "name", "status", "created_at")
    show_table(headings, ([each[key] for key in headings] for each in found), empty="no such subscriber")


@app.command(epilog="Example: newsletter subscriber add ada@example.org")
def add(
    context: typer.Context,
    email: Email,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    publication: Slug = None,
    json: Json = False,
) -> None:
    """Subscribe a person who asked for it by another way than the page."""
    from newsletter.subscribing.subscribers import add_subscriber

    shell = open_shell(context)
    now = shell.read_now(None)
    _show(add_subscriber(shell.database, shell.settings, publication, email, now=now, name=name), json=json)


@app.command(epilog="Example: newsletter subscriber show ada@example.org --json")
def show(context: typer.Context, email: Email, json: Json = False) -> None:
    """Show all that is known of a person."""
    from newsletter.subscribing.subscribers import show_subscriber

    _show(show_subscriber(open_shell(context).database, email), json=json)


@app.command(epilog="Example: newsletter subscriber unsubscribe ada@example.org")
def unsubscribe(context: typer.Context, email: Email, publication: Slug = None) -> None:
    """End a person's subscription at once; deliveries that wait are skipped."""
    from newsletter.subscribing.unsubscribing import unsubscribe_address

    shell = open_shell(context)
    now = shell.read_now(None)
    unsubscribe_address(shell.database, shell.settings, publication, email, via=name_actor(), now=now)
    say(f"{email} is unsubscribed")


@app.command(epilog="Example: newsletter subscriber erase ada@example.org")
def erase(context: typer.Context, email: Email) -> None:
    """Take a person's data out of every table; a keyed hash stays, so that no import brings them back."""
    from newsletter.subscribing.erasure import erase as erase_person

    shell = open_shell(context)
    erase_person(shell.database, shell.settings, email, now=shell.read_now(None), actor=name_actor())
    say("erased")


@contextmanager
def _as_file(file: Path) -> Iterator[Path]:
    """Standard input as a file: a list is read twice, once to find out what it is."""
    import shutil
    import tempfile

    if str(file) != "-":
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="newsletter-", suffix=".list") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _show(found: dict[str, Any], *, json: bool) -> None:
    if json:
        write_json(found)
        return
    for key, value in found.items():
        if not isinstance(value, list):
            say(f"{key.replace('_', ' '):12}  {'-' if value is None else value}")
            continue
        for each in value:
            parts = each.items() if isinstance(each, dict) else [("", each)]
            say(
                f"{key:12}  "
                + ", ".join(f"{name} {said}".strip() for name, said in parts if said is not None)
            )
