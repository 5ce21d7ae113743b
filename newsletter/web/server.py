"""The web application under uvicorn, stopped by whoever runs it and not by signals of its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import uvicorn

from newsletter.errors import ConfigError
from newsletter.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fastapi import APIRouter, FastAPI

    from newsletter.config import Settings
    from newsletter.operating.startup import Database

_PAUSE = 0.05
_SPARE = 0.5
"""What is left of `stop_seconds` for closing after the last request was cut off."""


class _Server(uvicorn.Server):
    """Leaves signals to its caller: uvicorn would raise them again, and the process would end by them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    settings: Settings,
    database: Database,
    *,
    stop: threading.Event,
    host: str | None = None,
    port: int | None = None,
    on_ready: Callable[[int], None] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    more: Sequence[APIRouter] = (),
) -> None:
    """Answer HTTP until told to stop; works in any thread.

    Args:
        settings: `host`, `port` and `stop_seconds` are theirs unless given here.
        database: Opened, with the schema that fits.
        stop: Set it, and no new request is taken; requests that run have `stop_seconds` to end.
        host: To listen on.
        port: 0 takes any that is free.
        on_ready: Called once with the port, when requests are answered.
        clock: Gives the aware time that use cases are called with.
        more: Routes beyond those of every day, as the demo's caught mail.

    Raises:
        ConfigError: The address cannot be listened on.

    """
    host = settings.host if host is None else host
    port = settings.port if port is None else port
    app = create_app(settings, database, clock=clock)
    for router in more:
        app.include_router(router)
    server = _Server(_configure(app, settings, host, port))
    with _watched(server, stop, on_ready):
        try:
            server.run()
        except SystemExit as error:
            message = f"cannot listen on {host} port {port}: is another program there? Choose with --port"
            raise ConfigError(message) from error


def _configure(app: FastAPI, settings: Settings, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Only a proxy on this machine is believed about where a request came from.
        forwarded_allow_ips=["127.0.0.1", "::1"],
        timeout_keep_alive=5,
        timeout_graceful_shutdown=max(1, int(settings.stop_seconds - _SPARE)),
    )


@contextmanager
def _watched(
    server: _Server, stop: threading.Event, on_ready: Callable[[int], None] | None
) -> Iterator[None]:
    watcher = threading.Thread(target=_watch, args=(server, stop, on_ready), name="web-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        server.should_exit = True
        watcher.join()


def _watch(server: _Server, stop: threading.Event, on_ready: Callable[[int], None] | None) -> None:
    while not server.should_exit:
        if server.started and on_ready is not None:
            on_ready(int(server.servers[0].sockets[0].getsockname()[1]))
            on_ready = None
        if stop.wait(_PAUSE):
            server.should_exit = True
