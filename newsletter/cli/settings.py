"""Commands: config show, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.output import say, show_table, write_json
from newsletter.cli.shell import Json, open_shell

if TYPE_CHECKING:
    from newsletter.config import Settings

app = typer.Typer(no_args_is_help=True, help="Which settings hold, and why.")


@app.command(epilog="Example: newsletter config show --origin")
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    json: Json = False,
) -> None:
    """Print every setting; passwords and keys are starred out."""
    settings, origins = open_shell(context).load()
    values = mask_settings(settings)
    if json:
        write_json(
            {name: {"value": value, "origin": origins[name]} for name, value in values.items()}
            if origin
            else values
        )
        return
    for name, value in values.items():
        said = "-" if value is None else value
        say(f"{name} = {said}" + (f"  ({origins[name]})" if origin else ""))


@app.command(epilog="Example: newsletter config check")
def check(context: typer.Context, json: Json = False) -> None:
    """Read the settings and say what they lack; exit code 1 if anything is wrong."""
    from newsletter.config import read_keys

    settings, origins = open_shell(context).load()
    read_keys(settings)
    found = {name: origin for name, origin in origins.items() if origin != "default"}
    if json:
        write_json({"set": found})
        return
    show_table(("setting", "from"), found.items(), empty="every setting is at its default")
    say("the settings are in order")


def mask_settings(settings: Settings) -> dict[str, Any]:
    """Every setting as JSON knows it, secrets starred out."""
    from newsletter.config import hide_password

    values = settings.model_dump(mode="json")
    values["smtp_url"] = hide_password(settings.smtp_url.get_secret_value())
    values["database_url"] = hide_password(settings.database_url)
    values["secret_key"] = "***" if settings.secret_key else None
    for shown, route in zip(values["routes"], settings.routes, strict=True):
        shown["url"] = hide_password(route.url.get_secret_value())
    return values
