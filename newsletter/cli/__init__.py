"""The commands: parse, call one use case, show."""

from __future__ import annotations

import typer

app = typer.Typer(name="newsletter", no_args_is_help=True)


@app.callback()
def newsletter() -> None:
    """Publish a newsletter: collect, compose, render, deliver."""


def main() -> None:
    """Run the command line."""
    app()
