"""Commands: issue check, diff."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.shell import IssueId, Json, open_shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.content import Finding
    from newsletter.publishing.comparison import CardChange, IssueDiff


def add_to(app: typer.Typer) -> None:
    """Put the commands below `issue`."""
    app.command(epilog="Example: newsletter issue check 3 --json")(check)
    app.command(epilog="Example: newsletter issue diff 2 3")(diff)


def check(
    context: typer.Context,
    issue: IssueId,
    no_links: Annotated[
        bool,
        typer.Option("--no-links", help="Ask no address whether it is there."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Ask neither addresses nor SpamAssassin nor axe.")
    ] = False,
    json: Json = False,
) -> None:
    """Look for faults before it goes out; exit code 1 if anything blocks.

    Addresses are asked whether they are there, SpamAssassin and axe where they are installed.
    """
    from newsletter.operating.preflight import Preflight, examine_issue

    shell = open_shell(context)
    wanted = Preflight(links=not (no_links or quick), programs=not quick)
    report = examine_issue(shell.database, shell.settings, issue, wanted, now=shell.read_now(None))
    if json:
        write_json(
            {
                "blocking": [_to_json(each) for each in report.blocking],
                "advisory": [_to_json(each) for each in report.advisory],
                "notes": report.notes,
            }
        )
    else:
        _say_findings("blocking", report.blocking)
        _say_findings("advisory", report.advisory)
        for line in report.notes:
            note(line)
        if not (report.blocking or report.advisory):
            note("no faults found")
    if report.blocking:
        note(f"{len(report.blocking)} of these block the issue")
        raise typer.Exit(1)


def _to_json(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "message": finding.message,
        "where": finding.where,
        "why": finding.why,
        "fix": finding.fix,
        "line": finding.line,
        "snippet": finding.snippet,
        "card": finding.card,
    }


def _say_findings(kind: str, findings: Sequence[Finding]) -> None:
    for rule, group in groupby(findings, key=lambda finding: finding.rule):
        each = list(group)
        say(f"{kind}  {rule}")
        for finding in each:
            say(f"    {finding.message}")
            card = f" (card: {finding.card})" if finding.card and finding.card not in finding.where else ""
            say(f"        {finding.where}{card}")
        say(f"    Why: {each[0].why}")
        say(f"    Mend: {each[0].fix}")


def diff(
    context: typer.Context,
    first: Annotated[int, typer.Argument(metavar="ID", help="The issue; of two, the older.")],
    second: Annotated[int | None, typer.Argument(metavar="[NEW]", help="The newer issue.")] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Compare it with the draft of it that was there before.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what changed: cards, subject, checks. One issue is compared with the last before it."""
    from newsletter.publishing.comparison import compare_issues

    shell = open_shell(context)
    new, old = (first, None) if second is None else (second, first)
    found = compare_issues(
        shell.database, shell.settings, new, old, with_draft=draft, now=shell.read_now(None)
    )
    if json:
        write_json(found)
    else:
        _say_diff(found)


def _say_diff(found: IssueDiff) -> None:
    old, new = found.old, found.new
    say(f"issue {old.id} ({old.state}, {old.cards} cards) -> issue {new.id} ({new.state}, {new.cards} cards)")
    for name, change in (("subject", found.subject), ("preview line", found.preheader)):
        if change:
            say(f"{name}: {change.old}")
            say(f"{'':{len(name)}}> {change.new}")
    lines = [
        *(f"+ added: {title}" for title in found.added),
        *(f"- dropped: {title}" for title in found.dropped),
        *(f"~ moved: {card.title} ({_say_changes(card)})" for card in found.moved),
        *(f"~ edited: {card.title} ({_say_changes(card)})" for card in found.edited),
        *_count_findings("new finding", found.found),
        *_count_findings("mended", found.mended),
    ]
    for line in lines:
        say(line)
    for line in (*found.notes, f"{len(found.kept)} cards are in both"):
        note(line)


def _count_findings(word: str, findings: Sequence[Finding]) -> list[str]:
    """Each rule once: what is new about a link is often new about all of them."""
    counts = Counter(finding.rule for finding in findings)
    first = {finding.rule: finding.message for finding in reversed(findings)}
    return [
        f"! {word}: {rule}{f' ({count} times)' if count > 1 else ''}: {first[rule]}"
        for rule, count in counts.items()
    ]


def _say_changes(card: CardChange) -> str:
    short = ("place", "category", "title", "status")
    return ", ".join(
        f"{name}: {change.old} -> {change.new}" if name in short else name
        for name, change in card.changes.items()
    )
