"""The door for terminals: parse a command, call one use case, show the result."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from newsletter.cli import (
    articles,
    checking,
    collecting,
    composing,
    demo,
    dkim,
    issues,
    mail,
    publications,
    running,
    sending,
    settings,
    setup,
    sources,
    subscribers,
    users,
)
from newsletter.cli.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1
INTERRUPTED = 130

app = typer.Typer(
    name="newsletter",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
setup.add_to(app)
demo.add_to(app)
running.add_to(app)
collecting.add_to(app)
app.add_typer(publications.app, name="publication")
app.add_typer(sources.app, name="source")
app.add_typer(articles.app, name="article")
app.add_typer(composing.categories, name="category")
app.add_typer(composing.trends, name="trend")
app.add_typer(issues.app, name="issue")
checking.add_to(issues.app)
sending.add_to(issues.app)
app.add_typer(subscribers.app, name="subscriber")
app.add_typer(users.app, name="user")
app.add_typer(mail.app, name="mail")
app.add_typer(dkim.app, name="dkim")
app.add_typer(settings.app, name="config")


@app.callback()
def newsletter(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The settings file; without it ./newsletter.toml.")
    ] = None,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error arose.")] = False,
) -> None:
    """Publish a newsletter: collect, compose, render, deliver.

    Start with `newsletter init`, then `newsletter run`.
    """
    del debug  # `main` looks for it: an error may come before the command line is read.
    context.obj = Shell(context, config)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; every failure is one line and an exit code.

    Args:
        arguments: Those of the process where None.

    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        try:
            app(hoist_options(arguments), prog_name="newsletter")
        finally:
            sys.stdout.flush()  # what is still held back must fail here, not in the interpreter's last breath
    except BrokenPipeError:
        _forget_output()
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the border: whatever it is, people get one line
        sys.exit(_explain(error, debug=debug))
    sys.exit(0)


def hoist_options(arguments: Sequence[str]) -> list[str]:
    """Put `--config FILE` and `--debug` before the command, where people may write them behind it too."""
    first: list[str] = []
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--":
            rest += [argument, *given]
        elif argument == "--config":
            first += [argument, *islice(given, 1)]
        elif argument == "--debug" or argument.startswith("--config="):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


def _explain(error: Exception, *, debug: bool) -> int:
    from newsletter.errors import NewsletterError

    if debug:
        import traceback

        traceback.print_exception(error)
    line = " ".join(str(error).split())
    if isinstance(error, NewsletterError):
        sys.stderr.write(f"error: {line}\n")
    elif isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"error: {place}{error.strerror}: check that it exists, its mode and the space left\n"
        )
    else:
        advice = "" if debug else "; run with --debug for details"
        sys.stderr.write(f"error: {type(error).__name__}: {line} - this is a bug{advice}\n")
    return FAILED


def _forget_output() -> None:
    """Whoever read our output is gone; without this Python would complain of it once more at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
