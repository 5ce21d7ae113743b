"""One line per event for people or machines; addresses of mail never reach it."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from newsletter.config import Settings

_ADDRESS = re.compile(r"[^\s<>\"'(),;:=\[\]]+@[^\s<>\"'(),;:=\[\]]+")
_SECRET_PATH = re.compile(r"(/(?:confirm|unsubscribe|preferences|sign-in)/)[^\s/?\"']+")


def configure_logging(settings: Settings, *, level: str | None = None, stream: TextIO | None = None) -> None:
    """Send every log line, structlog's and the libraries', to one stream in one form.

    Args:
        settings: `log_format` (None: by whether the stream is a terminal) and `log_level`.
        level: Another level than the settings say.
        stream: Standard error where none is given.

    """
    stream = stream or sys.stderr
    form = settings.log_format or ("console" if stream.isatty() else "json")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_make_formatter(form, colours=stream.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel((level or settings.log_level).upper())
    # It tells every wake-up of the clock; what the jobs did is told by the jobs.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    # The same, with a traceback wherever the database was away; the worker tells what matters.
    for noisy in ("procrastinate", "psycopg.pool"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def _make_formatter(form: str, *, colours: bool) -> structlog.stdlib.ProcessorFormatter:
    # A traceback with values of variables would show addresses.
    console = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_persons,
            console if form == "console" else structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


def hide_persons(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Star out addresses and tokens: logs are kept longer, and read by more people, than lists are."""
    return {key: hide(value) if isinstance(value, str) else value for key, value in event.items()}


def hide(text: str) -> str:
    """The text without addresses of mail and without the tokens of personal links."""
    return _SECRET_PATH.sub(r"\1***", _ADDRESS.sub("***@***", text))
