"""Commands: run, serve, scheduler."""

from __future__ import annotations

import typer


def add_to(app: typer.Typer) -> None:
    """Put the commands on the command line."""
