"""Log lines are for people or machines, and no address is in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from newsletter.config import Settings
from newsletter.operating.logs import configure_logging, hide


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


def write(settings: Settings, **options: str) -> tuple[structlog.stdlib.BoundLogger, io.StringIO]:
    stream = io.StringIO()
    configure_logging(settings, stream=stream, **options)
    return structlog.get_logger("newsletter.test"), stream


def test_machines_get_json() -> None:
    log, stream = write(Settings())

    log.info("issue_sent", issue=3)
    logging.getLogger("library").warning("odd %s", "thing", extra={"port": 25})

    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["issue"], first["level"]) == ("issue_sent", 3, "info")
    assert (second["event"], second["port"], second["logger"]) == ("odd thing", 25, "library")
    assert first["timestamp"].endswith("Z")


def test_people_get_lines() -> None:
    log, stream = write(Settings(log_format="console"))

    log.info("issue_sent", issue=3)

    assert "issue_sent" in stream.getvalue()
    assert "issue=3" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_address_and_no_token_is_written(form: str) -> None:
    log, stream = write(Settings(log_format=form))  # type: ignore[arg-type] # one of the two

    log.warning("said", reply="550 <ada@example.org>: unknown", path="/unsubscribe/abc.def?x=1")
    try:
        int("bo@example.org")
    except ValueError:
        log.exception("failed for cy@example.org")

    assert "example.org" not in stream.getvalue()
    assert "abc.def" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_the_level_is_the_settings_or_another() -> None:
    log, stream = write(Settings(log_level="warning"))
    log.info("quiet")
    log, louder = write(Settings(log_level="warning"), level="debug")
    log.debug("loud")

    assert stream.getvalue() == ""
    assert "loud" in louder.getvalue()


def test_what_is_no_address_stays() -> None:
    assert hide("user@host at 10:00, 3 < 5") == "***@*** at 10:00, 3 < 5"
    assert hide("/archive/3") == "/archive/3"
