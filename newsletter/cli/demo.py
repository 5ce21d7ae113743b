"""Command: demo."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import make_console, note, write_json
from newsletter.cli.sending import end_on_signal
from newsletter.cli.shell import Json, open_shell

if TYPE_CHECKING:
    from newsletter.operating.demo.rehearsal import Rehearsal, Step, WaitingDraft

FAILED = 1


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command(epilog="Example: newsletter demo --once")(demo)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after the send, with a report in JSON.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the pages are; 0 takes a free one.")
    ] = 8000,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep the demo's files there; it must be empty or new."),
    ] = None,
    json: Json = False,
) -> None:
    """Do the whole job on bundled sources with a mail catcher, then serve the pages and the caught mail."""
    from newsletter.operating.demo import stage
    from newsletter.operating.demo.rehearsal import Rehearsal

    now = open_shell(context).read_now(None)
    if port == 0 or not once:
        port = stage.choose_port(port)
    note("The whole job on the sample publication, on this machine alone:")
    with (
        _unwind_on_sigterm(),
        stage.open_directory(directory) as folder,
        _show_steps() as show,
        Rehearsal(folder, port=port, now=now, show=show) as rehearsal,
    ):
        report = rehearsal.run()
        if once or json:
            write_json(report)
            sys.stdout.flush()
        for problem in report.problems:
            note(f"problem: {problem}")
        if not once:
            _serve(rehearsal, rehearsal.draw_up_next(), is_kept=directory is not None)
    if not report.agree:
        raise typer.Exit(FAILED)


@contextmanager
def _unwind_on_sigterm() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: then the temporary directory goes too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _serve(rehearsal: Rehearsal, draft: WaitingDraft, *, is_kept: bool) -> None:
    """Serve the pages, and send what is approved there, until a signal comes."""
    from newsletter.operating.demo.clerk import Clerk
    from newsletter.operating.logs import configure_logging
    from newsletter.web.caught import make_router
    from newsletter.web.server import serve

    settings = rehearsal.settings
    configure_logging(settings, level="warning")
    stop = threading.Event()
    with end_on_signal(stop, settings.stop_seconds, 0), Clerk(rehearsal.database, settings):
        serve(
            settings,
            rehearsal.database,
            stop=stop,
            on_ready=lambda _port: _say_what_next(rehearsal, draft, is_kept=is_kept),
            more=[make_router(rehearsal.catcher)],
        )


def _say_what_next(rehearsal: Rehearsal, draft: WaitingDraft, *, is_kept: bool) -> None:
    program = _name_program()
    base = rehearsal.settings.base_url
    folder = rehearsal.directory
    end = f"its files stay in {folder}" if is_kept else "its files are removed then"
    for line in (
        "",
        "Open in a browser:",
        f"  {base}/caught/   the {rehearsal.catcher.count} mails that were sent: HTML, text, headers",
        f"  {base}/archive   the issues as the public sees them",
        f"  {base}/          sign up with any address; the confirmation is caught too",
        f"  {base}/editor/   issue {draft.issue.number} waits for you: preview, approve, and see it caught",
        f"      sign in with {draft.email} and the password {draft.password}",
        "",
        "Other commands see this demo from another terminal, as",
        f"  {program} --config {folder}/newsletter.toml issue list",
        "A first publication of your own:",
        f"  {program} init",
        f"  {program} source add https://example.org/feed.xml",
        f"  {program} run",
        "",
        f"Ctrl-C ends the demo; {end}.",
    ):
        note(line)


def _name_program() -> str:
    """How this program is called from here."""
    beside = Path(sys.executable).with_name("newsletter")
    if shutil.which("newsletter") or not beside.exists():
        return "newsletter"
    return os.path.relpath(beside)


@contextmanager
def _show_steps() -> Iterator[Callable[[Step], None]]:
    """A line for every step that is done, and below them a bar where somebody watches."""
    from rich.progress import BarColumn, Progress, TextColumn

    from newsletter.operating.demo.rehearsal import STEPS

    console = make_console(stderr=True)
    columns = (TextColumn("  {task.description:12}"), BarColumn(), TextColumn("{task.fields[mails]}"))
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("", total=STEPS, mails="")

    def show(step: Step) -> None:
        finished = float(bar.tasks[0].fields.get("finished", 0))
        if step.result is not None:
            console.print(f"  {step.title:12} {step.result}")
            bar.update(task, finished=finished + 1, completed=finished + 1)
            if finished + 1 >= STEPS:
                bar.stop()
            return
        share = step.done / step.total if step.total else 0
        mails = f"{step.done} of {step.total} mails" if step.total else ""
        bar.update(task, description=step.title, completed=finished + share, mails=mails)

    with bar:
        yield show
