"""The server starts on any port, says where, and ends when it is told."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from newsletter.config import Settings
from newsletter.errors import ConfigError
from newsletter.store.engine import Database
from newsletter.web.server import serve


def test_it_ends_while_a_client_holds_on(database: Database, settings: Settings) -> None:
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def keep(port: int) -> None:
        ports.append(port)
        ready.set()

    options = {"stop": stop, "host": "127.0.0.1", "port": 0, "on_ready": keep}
    thread = threading.Thread(target=serve, args=(settings, database), kwargs=options)
    thread.start()
    assert ready.wait(20)
    with socket.create_connection(("127.0.0.1", ports[0])) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        stop.set()
        thread.join(10)

    assert not thread.is_alive()
    assert time.monotonic() - began < settings.stop_seconds
    assert len(ports) == 1


def test_a_port_that_is_taken_is_one_line(database: Database, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}"):
            serve(settings, database, stop=threading.Event(), host="127.0.0.1", port=port)
