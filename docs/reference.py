"""Writes the command reference from the commands' own `--help`: `python docs/reference.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from newsletter.cli import app

INTRODUCTION = """\
# Commands

Made from `--help` by `make docs`; change the commands, not this page.
"""
WIDTH = 100


def iterate_commands(
    command: object, name: str, parent: typer.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the full name and the help text of a command and of every command below it."""
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(f"{name} is not a Typer command")
    # Boxes and colours suit a terminal, not a page.
    command.rich_markup_mode = None
    context = typer.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    if not command.hidden:
        yield context.command_path, command.get_help(context)
        for child_name, child in sorted(getattr(command, "commands", {}).items()):
            yield from iterate_commands(child, child_name, context)


def render_reference() -> str:
    """Return the whole reference as Markdown."""
    parts = [INTRODUCTION]
    for path, text in iterate_commands(get_command(app), "newsletter"):
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        parts.append(f"## `{path}`\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render_reference())
