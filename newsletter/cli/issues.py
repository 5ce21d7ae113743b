"""Commands: issue draft, list, show, render, approve, stop, schedule, pause, resume, cancel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import note, say, show_fields, show_table, to_plain, write_json
from newsletter.cli.shell import IssueId, Json, Now, Slug, name_actor, open_shell

if TYPE_CHECKING:
    from newsletter.publishing.issues import IssueView

app = typer.Typer(no_args_is_help=True, help="Draft, look at, approve and send issues.")


@app.command(epilog="Example: newsletter issue draft --since 2026-11-16 --json")
def draft(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Take in everything after it; without it, what no issue has told."),
    ] = None,
    cadence: Annotated[
        str | None,
        typer.Option(metavar="daily|weekly|monthly", help="For which readers; else the publication's own."),
    ] = None,
    publication: Slug = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Draft an issue from what is new; nothing new gives a skipped one, with the reason."""
    from newsletter.publishing.drafting import DraftRequest, draft_issue

    shell = open_shell(context)
    after = shell.read_when(since, publication) if since else None
    at = shell.read_now(now, publication)
    request = DraftRequest(slug=publication, since=after, cadence=cadence)
    made = draft_issue(shell.database, shell.settings, request, now=at)
    _show(made, json=json)
    if made.state == "draft":
        note(f"next: newsletter issue render {made.id} --out preview; newsletter issue approve {made.id}")


@app.command("list", epilog="Example: newsletter issue list --json")
def list_(context: typer.Context, publication: Slug = None, json: Json = False) -> None:
    """List the issues, newest first."""
    from newsletter.publishing.issues import list_issues

    found = list_issues(open_shell(context).database, publication)
    if json:
        write_json(found)
        return
    rows = [(each.id, each.number, each.state, each.articles, each.due_at, each.subject) for each in found]
    headings = ("id", "number", "state", "articles", "due", "subject")
    show_table(headings, rows, empty="there is no issue yet: `newsletter issue draft`")


@app.command(epilog="Example: newsletter issue show 3")
def show(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Show an issue, where it stands, what it holds and why."""
    from newsletter.publishing.contents import show_contents
    from newsletter.publishing.issues import get_issue

    shell = open_shell(context)
    found, holds = get_issue(shell.database, issue), show_contents(shell.database, shell.settings, issue)
    if json:
        write_json({**to_plain(found), **to_plain(holds)})
        return
    show_fields(found)
    for card in holds.cards:
        say(f"\n{card.article:6}  {card.title}\n        {card.reason}")
    for pair in holds.possible:
        say(f"\npossibly the same ({pair.likeness}): {pair.one['id']} {pair.one['title']}")
        say(f"{'':24} {pair.other['id']} {pair.other['title']}")


@app.command(epilog="Example: newsletter issue render 3 --out preview --subscriber ada@example.org")
def render(
    context: typer.Context,
    issue: IssueId,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the three files go.")],
    subscriber: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="As that subscriber gets it; else as a sample reader.")
    ] = None,
) -> None:
    """Write issue.html, issue.txt and issue.eml exactly as they go out."""
    from newsletter.publishing.preview import preview_issue

    shell = open_shell(context)
    now = shell.read_now(None)
    mail = preview_issue(shell.database, shell.settings, issue, now=now, email=subscriber)
    out.mkdir(parents=True, exist_ok=True)
    files = {"issue.html": mail.html.encode(), "issue.txt": mail.text.encode(), "issue.eml": mail.eml}
    for name, data in files.items():
        (out / name).write_bytes(data)
        say(str(out / name))


@app.command(epilog="Example: newsletter issue approve 3")
def approve(
    context: typer.Context,
    issue: IssueId,
    override: Annotated[
        str | None, typer.Option(metavar="REASON", help="Approve although something blocks; kept on record.")
    ] = None,
    json: Json = False,
) -> None:
    """Freeze the content; from then on nothing alters it. Refused while anything blocks."""
    from newsletter.publishing.approval import Decision, approve_issue

    shell = open_shell(context)
    decision = Decision(actor=name_actor(), override=override)
    made = approve_issue(shell.database, shell.settings, issue, decision, now=shell.read_now(None))
    _show(made, json=json)
    if made.state == "approved" and made.due_at is None:
        note(f"next: newsletter issue send {made.id}")


@app.command(epilog="Example: newsletter issue stop 3")
def stop(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Keep a draft or an approved issue from going out by itself; approving it again lets it go."""
    from newsletter.publishing.approval import stop_issue

    shell = open_shell(context)
    _show(stop_issue(shell.database, issue, actor=name_actor(), now=shell.read_now(None)), json=json)


@app.command(epilog="Example: newsletter issue schedule 3 --at 2026-11-23T08:00")
def schedule(
    context: typer.Context,
    issue: IssueId,
    at: Annotated[str, typer.Option(metavar="WHEN", help="A date or an ISO 8601 time.")],
    json: Json = False,
) -> None:
    """Have an approved issue sent at a given time; a running scheduler does it."""
    from newsletter.publishing.approval import schedule_issue
    from newsletter.publishing.issues import get_issue

    shell = open_shell(context)
    when = shell.read_when(at, get_issue(shell.database, issue).publication)
    now = shell.read_now(None)
    _show(schedule_issue(shell.database, issue, when, actor=name_actor(), now=now), json=json)


@app.command(epilog="Example: newsletter issue pause 3")
def pause(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Stop a send between two messages."""
    from newsletter.publishing.approval import pause_issue

    shell = open_shell(context)
    _show(pause_issue(shell.database, issue, actor=name_actor(), now=shell.read_now(None)), json=json)


@app.command(epilog="Example: newsletter issue resume 3")
def resume(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Let a paused send go on; a running scheduler or `issue send` does it."""
    from newsletter.publishing.approval import resume_issue

    shell = open_shell(context)
    _show(resume_issue(shell.database, issue, actor=name_actor(), now=shell.read_now(None)), json=json)


@app.command(epilog="Example: newsletter issue cancel 3")
def cancel(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """End an issue for good; what is not yet sent is skipped."""
    from newsletter.publishing.approval import cancel_issue

    shell = open_shell(context)
    _show(cancel_issue(shell.database, issue, actor=name_actor(), now=shell.read_now(None)), json=json)


def _show(issue: IssueView, *, json: bool) -> None:
    if json:
        write_json(issue)
    else:
        show_fields(issue)
