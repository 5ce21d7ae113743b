"""Command: mail test."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.output import say
from newsletter.cli.shell import open_shell

app = typer.Typer(no_args_is_help=True, help="Try the mail server.")


@app.callback()
def mail() -> None:
    """Try the mail server."""


@app.command(epilog="Example: newsletter mail test you@example.org")
def test(
    context: typer.Context, address: Annotated[str, typer.Argument(help="Who gets the test mail.")]
) -> None:
    """Send one mail by the first route and print what was said to the server and back."""
    from newsletter.errors import DeliveryError
    from newsletter.publishing.notices import send_test_mail

    shell = open_shell(context)
    *dialogue, end = send_test_mail(shell.settings, address, now=shell.read_now(None))
    for line in dialogue:
        say(line)
    if end.startswith("FAILED: "):
        raise DeliveryError(f"no mail was sent: {end.removeprefix('FAILED: ')}")
    say(end)
