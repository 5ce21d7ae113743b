"""Commands: user add, list."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from newsletter.cli.output import note, say, show_table, write_json
from newsletter.cli.shell import Json, open_shell

app = typer.Typer(no_args_is_help=True, help="Editors, operators and admins.")


@app.command(epilog="Example: newsletter user add ada@example.org --role editor")
def add(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    role: Annotated[Literal["editor", "operator", "admin"], typer.Option(help="What they may do.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a user; without a password of yours one is made and printed once."""
    from newsletter.operating.users import add_user

    shell = open_shell(context)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    made = add_user(shell.database, email, role, password=password, now=shell.read_now(None))
    if json:
        write_json({"email": email, "role": role, "password": made})
    elif made is None:
        say(f"{email} may sign in as {role}")
    else:
        say(made)
        note(f"{email} may sign in as {role} with this password; it is shown this once")


@app.command("list", epilog="Example: newsletter user list --json")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the users."""
    from newsletter.operating.users import list_users

    found = list_users(open_shell(context).database)
    if json:
        write_json(found)
        return
    rows = [(each.email, each.role, each.created_at) for each in found]
    show_table(("email", "role", "since"), rows, empty="there is no user yet: `newsletter user add EMAIL`")
