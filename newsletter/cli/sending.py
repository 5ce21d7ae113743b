"""Commands: issue send, status, deliveries, retry, reconcile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from newsletter.cli.output import make_console, note, say, show_table, write_json, write_json_line
from newsletter.cli.shell import IssueId, Json, name_actor, open_shell

if TYPE_CHECKING:
    from types import FrameType

    from newsletter.publishing.issues import IssueStatus

DEFERRED = 75
"""EX_TEMPFAIL of sysexits.h: done for now, some deliveries wait for another try."""

GRACE_SECONDS = 2.0
"""Beyond the setting, for what the ledger still has to write; then the process ends as if killed."""


def add_to(app: typer.Typer) -> None:
    """Put the commands below `issue`."""
    app.command(epilog="Example: newsletter issue send 3")(send)
    app.command(epilog="Example: newsletter issue status 3 --json")(status)
    app.command(epilog="Example: newsletter issue deliveries 3 --state failed --json")(deliveries)
    app.command(epilog="Example: newsletter issue retry 3 --state failed")(retry)
    app.command(epilog="Example: newsletter issue reconcile 3 --log /var/log/mail.log")(reconcile)


def send(
    context: typer.Context,
    issue: IssueId,
    connections: Annotated[
        int | None, typer.Option(min=1, max=100, help="At once to each route, for this run.")
    ] = None,
    on_uncertain: Annotated[
        Literal["resend", "hold"] | None,
        typer.Option(help="What to do with those of which nobody knows whether the server took them."),
    ] = None,
    json: Json = False,
) -> None:
    """Send an approved issue at once, or go on sending it; safe to run again after any stop."""
    from newsletter.publishing.sending import SendOptions, send_issue

    shell = open_shell(context)
    database, settings = shell.database, shell.settings
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, DEFERRED), show_progress() as on_progress:
        options = SendOptions(
            connections=connections, on_uncertain=on_uncertain, on_progress=on_progress, stop=stop
        )
        done = send_issue(database, settings, issue, options, now=shell.read_now(None))
        on_progress(done)
    if json:
        write_json(done)
    else:
        say(describe(done))
    if done.state != "sent":
        note(explain(issue, done, stopped=stop.is_set()))
        raise typer.Exit(DEFERRED)


def status(context: typer.Context, issue: IssueId, json: Json = False) -> None:
    """Count the deliveries of an issue by state; they always add up to `recipients`."""
    from newsletter.publishing.issues import get_issue_status

    shell = open_shell(context)
    found = get_issue_status(shell.database, issue, now=shell.read_now(None))
    if json:
        write_json(found)
    else:
        say(f"{found.state}: {describe(found)}")
        if found.rate:
            left = "" if found.seconds_left is None else f", {show_seconds(found.seconds_left)} left"
            say(f"{found.rate:g} a second in the last minute{left}")
        if found.reason:
            say(found.reason)


def deliveries(
    context: typer.Context,
    issue: IssueId,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only those in it, as failed.")] = None,
    json: Json = False,
) -> None:
    """List the deliveries of an issue and what the mail server said."""
    from newsletter.publishing.issues import list_deliveries

    found = list_deliveries(open_shell(context).database, issue, state)
    if json:
        for each in found:
            write_json_line(each)
        return
    headings = ("email", "state", "attempts", "code", "reply")
    show_table(headings, ([each[key] for key in headings] for each in found), empty="no such delivery")


def retry(
    context: typer.Context,
    issue: IssueId,
    state: Annotated[
        Literal["failed", "uncertain"], typer.Option(help="Which deliveries are tried again.")
    ] = "failed",
    json: Json = False,
) -> None:
    """Queue what failed, or what nobody knows about, anew; a running scheduler or `issue send` sends it.

    Mailboxes that do not exist and people who are no longer subscribed are left out.
    """
    from newsletter.publishing.retrying import retry_issue

    shell = open_shell(context)
    done = retry_issue(shell.database, issue, state, actor=name_actor(), now=shell.read_now(None))
    if json:
        write_json(done)
        return
    say(f"{done.requeued} queued again")
    for count, why in ((done.bounced, "no such mailbox"), (done.left, "no longer subscribed")):
        if count:
            say(f"{count} left as they are: {why}")
    if done.requeued:
        note(f"next: newsletter issue send {issue}, or leave it to a running scheduler")


def reconcile(
    context: typer.Context,
    issue: IssueId,
    log: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="Log of a Postfix or Exim, plain or gzipped; may be repeated."),
    ],
    resend_missing: Annotated[
        bool,
        typer.Option("--resend-missing", help="Send those again that the log covers and does not know."),
    ] = False,
    json: Json = False,
) -> None:
    """Settle uncertain deliveries by what the mail server's log says about their Message-IDs.

    Times of the log without a zone are taken for this machine's.
    """
    from newsletter.publishing.reconciling import Evidence, reconcile_issue

    shell = open_shell(context)
    now = shell.read_now(None)
    evidence = Evidence(log, resend_missing, datetime.now(UTC).astimezone().tzinfo or UTC)
    done = reconcile_issue(shell.database, issue, evidence, actor=name_actor(), now=now)
    if json:
        write_json(done)
        return
    headings = ("email", "outcome", "reply")
    rows = ([each[key] for key in headings] for each in done.deliveries)
    show_table(headings, rows, empty="no delivery is uncertain")
    if done.missing:
        note(f"{done.missing} are not in the log, though it covers their time: --resend-missing sends them")
    if done.outside:
        note(f"{done.outside} are of another time than the log: give the log of that time")


def describe(status: IssueStatus) -> str:
    """The counts that are not zero, in one line."""
    names = ("sent", "deferred", "failed", "uncertain", "skipped", "queued", "claimed", "dot_sent")
    counts = [f"{getattr(status, name)} {name}" for name in names if getattr(status, name)]
    return f"{status.recipients} recipients: {', '.join(counts) or 'none yet'}"


def show_seconds(seconds: int) -> str:
    """As `1:02:03`, as the bar does."""
    return str(timedelta(seconds=seconds))


def explain(issue: int, status: IssueStatus, *, stopped: bool) -> str:
    """Why a send is not over, and what to do."""
    again = f"run `newsletter issue send {issue}` again, or leave it to a running scheduler"
    if status.state == "paused":
        return f"paused: {status.reason or ''}: `newsletter issue resume {issue}` lets it go on"
    if stopped:
        return f"stopped before the end: {again}"
    if status.deferred and not status.reason:
        return f"{status.deferred} deliveries are put off, the first until {status.next_at}: {again}"
    return f"the issue is {status.state}{': ' + status.reason if status.reason else ''}: {again}"


@contextmanager
def show_progress() -> Iterator[Callable[[IssueStatus], None]]:
    """A bar on standard error while a send goes on, where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = make_console(stderr=True)
    columns = (
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("sending", total=None, speed=0.0, counts="")

        def on_progress(status: IssueStatus) -> None:
            waiting = status.queued + status.claimed + status.dot_sent + status.deferred
            bar.update(
                task,
                total=status.recipients,
                completed=status.recipients - waiting,
                speed=bar.tasks[0].speed or 0.0,
                counts=f"{status.sent} sent, {status.deferred} deferred, {status.failed} failed",
            )

        yield on_progress


@contextmanager
def end_on_signal(stop: threading.Event, seconds: float, code: int) -> Iterator[Callable[[], float]]:
    """Set the event on SIGTERM and SIGINT; a second SIGINT interrupts, and time runs out for stragglers.

    Yields what tells how many seconds are left to end in.
    """
    signalled_at: float | None = None
    # Its put() alone is reentrant: a handler that set the event itself would wait for ever where the
    # signal comes while the main thread holds that event's lock in wait().
    signals: SimpleQueue[int] = SimpleQueue()

    def left() -> float:
        return seconds if signalled_at is None else max(0.1, signalled_at + seconds - time.monotonic())

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal signalled_at
        if signalled_at is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        signalled_at = signalled_at or time.monotonic()
        signals.put(number)

    def end() -> None:
        if signals.get():
            stop.set()
            time.sleep(seconds + GRACE_SECONDS)
            os._exit(code)

    threading.Thread(target=end, name="end-on-signal", daemon=True).start()
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield left
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.put(0)
