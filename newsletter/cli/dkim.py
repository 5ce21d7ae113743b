"""Command: dkim new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.shell import Json

app = typer.Typer(no_args_is_help=True, help="Keys that sign the mails of a domain.")


@app.callback()
def dkim() -> None:
    """Keys that sign the mails of a domain."""


@app.command(epilog="Example: newsletter dkim new --domain example.org --selector mail2027")
def new(
    domain: Annotated[str, typer.Option(help="The domain of the sender's address.")],
    selector: Annotated[str, typer.Option(help="A name for this key; the next one needs another.")] = "mail",
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="A second, smaller signature beside one by RSA.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the key goes; otherwise SELECTOR.DOMAIN.pem.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key, and print the DNS record and the settings that go with it."""
    from newsletter.operating.signing import make_dkim_key

    made = make_dkim_key(
        domain, selector, "ed25519" if ed25519 else "rsa", out or Path(f"{selector}.{domain}.pem")
    )
    if json:
        write_json(made)
        return
    note(f"made {made.file}; keep it secret, mode 0600")
    say(f"Put this record into the DNS of {made.domain}:\n\n{made.zone_line}\n")
    say(f"and, once it is published, this into newsletter.toml:\n\n{made.settings}")
