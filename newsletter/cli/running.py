"""Commands: run, serve, worker, scheduler."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from newsletter.cli.output import note, say, write_json
from newsletter.cli.sending import DEFERRED, end_on_signal
from newsletter.cli.shell import Json, Now, open_shell

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.operating.running import RoundReport
    from newsletter.operating.startup import Database

LOOK_SECONDS = 0.5

Host = Annotated[str | None, typer.Option(help="Where to listen; 127.0.0.1 is this machine alone.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command(epilog="Example: newsletter run")(run)
    app.command(epilog="Example: newsletter serve --port 8080")(serve)
    app.command(epilog="Example: newsletter worker --concurrency 2")(worker)
    app.command(epilog="Example: newsletter scheduler --once --now 2026-11-23T08:00")(scheduler)


def run(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run web, scheduler and sender in one process, until SIGTERM or Ctrl-C."""
    from newsletter.schedule import Clock

    settings, database = _begin(context, host, port)
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, 0) as left:
        clock = Clock(database, settings, stop)
        clock.start()
        sender = _start_worker(database, settings, stop)
        try:
            _serve(settings, database, stop)
        finally:
            ended = clock.close(left())
            if sender:
                sender.join(left())
    _end(ended=ended and not (sender and sender.is_alive()))


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the web server alone, until SIGTERM or Ctrl-C."""
    settings, database = _begin(context, host, port)
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, 0):
        _serve(settings, database, stop)
    _end(ended=True)


def worker(
    context: typer.Context,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Shards at once, of 1000 each.")] = 1,
) -> None:
    """Run the sender alone, on as many machines as you like, until SIGTERM or Ctrl-C.

    Several machines need PostgreSQL. Each shard has connections of its own to the mail servers.
    """
    from newsletter.operating.systemd import watched
    from newsletter.operating.worker import work

    shell = open_shell(context)
    settings, _ = shell.load(level=None)
    database = shell.open(settings)
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, 0):
        note("the worker runs; Ctrl-C ends it")
        with watched():
            work(database, settings, stop, concurrency=concurrency)
    _end(ended=True)


def scheduler(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do all that is due, then end.")] = False,
    now: Now = None,
    json: Json = False,
) -> None:
    """Run the clock alone: collect, draft, hand to approval, send, each at its time."""
    if now is not None and not once:
        raise typer.BadParameter("it sets the clock of a rehearsal: give --once too", param_hint="--now")
    if once:
        _run_once(context, now, json=json)
    else:
        _run_clock(context)


def _run_once(context: typer.Context, now: str | None, *, json: bool) -> None:
    from newsletter.operating.running import run_due

    shell = open_shell(context)
    settings, _ = shell.load()
    database = shell.open(settings)
    at = shell.read_now(now)
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, DEFERRED):
        report = run_due(database, settings, now=at, stop=stop)
    if json:
        write_json(report)
    else:
        _say(report)
    for error in report.errors:
        note(f"error: {error}")
    if report.errors:
        raise typer.Exit(1)
    if report.send.deferred or stop.is_set():
        note(f"{report.send.deferred} deliveries are due later: run this again, or keep a scheduler running")
        raise typer.Exit(DEFERRED)


def _run_clock(context: typer.Context) -> NoReturn:
    from newsletter.operating.systemd import watched
    from newsletter.schedule import Clock

    shell = open_shell(context)
    settings, _ = shell.load(level=None)
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, 0) as left:
        clock = Clock(shell.open(settings), settings, stop)
        clock.start()
        note("the scheduler runs; Ctrl-C ends it")
        with watched():
            # Never without an end: a signal that comes between Python's last look for one and the wait itself
            # wakes nobody, and its handler runs when the main thread next does.
            while not stop.wait(LOOK_SECONDS):
                pass
        ended = clock.close(left())
    _end(ended=ended)


def _start_worker(database: Database, settings: Settings, stop: threading.Event) -> threading.Thread | None:
    """With SQLite the clock sends; with PostgreSQL it hands over to workers, this one among them."""
    from newsletter.operating.worker import work

    if database.dialect != "postgresql":
        return None
    sender = threading.Thread(target=work, args=[database, settings, stop], name="worker", daemon=True)
    sender.start()
    return sender


def _begin(context: typer.Context, host: str | None, port: int | None) -> tuple[Settings, Database]:
    shell = open_shell(context)
    settings, _ = shell.load(level=None, host=host, port=port)
    return settings, shell.open(settings)


def _serve(settings: Settings, database: Database, stop: threading.Event) -> None:
    from newsletter.operating.systemd import watched
    from newsletter.web.server import serve as serve_pages

    with ExitStack() as watch:

        def begin(port: int) -> None:
            _tell_where(settings, database, port)
            watch.enter_context(watched())

        serve_pages(settings, database, stop=stop, on_ready=begin)


def _tell_where(settings: Settings, database: Database, port: int) -> None:
    from newsletter.publishing.publications import list_publications

    for each in list_publications(database, settings):
        note(f"{each.name}: {each.url}")
    note(
        f"editors: {settings.base_url}/editor/ (a user is made by `newsletter user add EMAIL --role editor`)"
    )
    note(f"listening on {settings.host} port {port}; Ctrl-C ends it")


def _say(report: RoundReport) -> None:
    if not report.led:
        note("another scheduler works on this database and does what is due")
        return
    collected = report.collect
    say(
        f"collected: {collected.new} new, {collected.updated} updated, {len(collected.failed)} sources failed"
    )
    for name, ids in (
        ("drafted", report.tick.drafted),
        ("approved", report.tick.approved),
        ("blocked", report.tick.blocked),
        ("sent", report.send.sent),
    ):
        say(f"{name}: {', '.join(f'issue {each}' for each in ids) or 'none'}")
    for skipped in report.tick.skipped:
        say(f"skipped: {skipped}")
    say(f"mails to single persons: {report.notices}")


def _end(*, ended: bool) -> NoReturn:
    """Leave at once where a thread is still busy: all it does may be cut short, and is done again."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not ended:
        os._exit(0)
    raise typer.Exit(0)
