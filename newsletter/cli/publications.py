"""Commands: publication add, list, show, set, rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import say, show_fields, show_table, write_json
from newsletter.cli.output import show as show_value
from newsletter.cli.shell import Json, open_shell

if TYPE_CHECKING:
    from newsletter.content import Publication
    from newsletter.publishing.publications import PublicationChanges

app = typer.Typer(no_args_is_help=True, help="Newsletters: name, sender, zone, schedule.")

Name = Annotated[str | None, typer.Option(help="The name that readers see.")]
Sender = Annotated[str | None, typer.Option("--from", metavar="MAILBOX", help="'Name <local@domain>'.")]
ReplyTo = Annotated[str | None, typer.Option(metavar="MAILBOX", help="Where answers go; '' for the sender.")]
Address = Annotated[
    str | None, typer.Option(help="Postal address, which the law asks for; \\n parts its lines.")
]
Language = Annotated[str | None, typer.Option(metavar="TAG", help="As en, lt, pt-BR.")]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="As Europe/Vilnius.")]
Cron = Annotated[
    str | None, typer.Option("--schedule", metavar="CRON", help="Five fields in that zone: '0 8 * * 1'.")
]
How = Annotated[
    str | None,
    typer.Option("--approval", metavar="required|unless-stopped", help="Whether an editor must approve."),
]
Look = Annotated[
    str | None,
    typer.Option("--theme", metavar="NAME", help="default, letter, compact, or a folder of yours."),
]
When = Annotated[
    str | None,
    typer.Option("--send-at", metavar="together|local", help="At once, or at each reader's own hour."),
]


@app.command(
    epilog="Example: newsletter publication add city-news --name 'City News' --timezone Europe/Vilnius"
)
def add(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Its short name in addresses: small letters, digits, hyphens.")],
    name: Name = None,
    sender: Sender = None,
    reply_to: ReplyTo = None,
    address: Address = None,
    language: Language = None,
    timezone: Zone = None,
    schedule: Cron = None,
    approval: How = None,
    theme: Look = None,
    send_at: When = None,
    json: Json = False,
) -> None:
    """Make a publication; what is not said has a default that works."""
    from newsletter.publishing.publications import add_publication

    shell = open_shell(context)
    changes = _make_changes(
        name, sender, reply_to, address, language, timezone, schedule, approval, theme, send_at
    )
    made = add_publication(shell.database, shell.settings, slug, changes, now=shell.read_now(None))
    _show(made, json=json)


@app.command("list", epilog="Example: newsletter publication list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the publications."""
    from newsletter.publishing.publications import list_publications

    shell = open_shell(context)
    found = list_publications(shell.database, shell.settings)
    if json:
        write_json(found)
        return
    rows = [(each.slug, each.name, each.schedule, each.timezone, each.approval, each.url) for each in found]
    headings = ("slug", "name", "schedule", "timezone", "approval", "page")
    show_table(headings, rows, empty="there is no publication yet: run `newsletter init`")


@app.command(epilog="Example: newsletter publication show city-news")
def show(
    context: typer.Context, slug: Annotated[str | None, typer.Argument()] = None, json: Json = False
) -> None:
    """Show a publication and when its next issue is due."""
    from newsletter.publishing.publications import get_publication

    shell = open_shell(context)
    _show(get_publication(shell.database, shell.settings, slug), json=json)


@app.command("set", epilog="Example: newsletter publication set city-news --schedule '0 9 * * 5'")
def set_(
    context: typer.Context,
    slug: Annotated[str | None, typer.Argument()] = None,
    name: Name = None,
    sender: Sender = None,
    reply_to: ReplyTo = None,
    address: Address = None,
    language: Language = None,
    timezone: Zone = None,
    schedule: Cron = None,
    approval: How = None,
    theme: Look = None,
    send_at: When = None,
    json: Json = False,
) -> None:
    """Change a publication; what is not said stays as it is."""
    from newsletter.publishing.publications import set_publication

    shell = open_shell(context)
    changes = _make_changes(
        name, sender, reply_to, address, language, timezone, schedule, approval, theme, send_at
    )
    _show(set_publication(shell.database, shell.settings, slug, changes), json=json)


@app.command(epilog="Example: newsletter publication rules city-news --file rules.toml")
def rules(
    context: typer.Context,
    slug: Annotated[str | None, typer.Argument()] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML that replaces the rules; see docs/composing.md."),
    ] = None,
    json: Json = False,
) -> None:
    """Show or replace the rules by which a publication's issues are composed."""
    from newsletter.publishing.rules import describe_rules, get_rules, set_rules

    shell = open_shell(context)
    found = get_rules(shell.database, slug) if file is None else set_rules(shell.database, slug, file)
    if json:
        write_json(describe_rules(found))
        return
    for name, value in describe_rules(found).items():
        say(f"{name:18} {show_value(value)}")


def _make_changes(
    name: str | None,
    sender: str | None,
    reply_to: str | None,
    address: str | None,
    language: str | None,
    timezone: str | None,
    schedule: str | None,
    approval: str | None,
    theme: str | None,
    send_at: str | None,
) -> PublicationChanges:
    from newsletter.publishing.publications import PublicationChanges

    return PublicationChanges(
        name=name,
        sender=sender,
        reply_to=reply_to,
        address=address,
        language=language,
        timezone=timezone,
        schedule=schedule,
        approval=approval,  # type: ignore[arg-type] # checked by the use case
        theme=theme,
        send_at=send_at,  # type: ignore[arg-type] # as above
    )


def _show(publication: Publication, *, json: bool) -> None:
    from datetime import UTC, datetime

    from newsletter.publishing.calendar import describe, next_period, parse_schedule, parse_zone

    if json:
        write_json(publication)
        return
    show_fields(publication, without=["id"])
    due = next_period(
        parse_schedule(publication.schedule), parse_zone(publication.timezone), datetime.now(UTC)
    )
    say(f"next issue  {describe(due.at)}")
