"""What systemd is told of a running process: that it is ready, alive, or ending (sd_notify(3))."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def notify(state: str) -> None:
    """Send one line to the service manager; nothing happens where there is none, as on a terminal.

    Args:
        state: `READY=1`, `WATCHDOG=1` or `STOPPING=1`.

    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(state.encode(), name)
    except OSError:
        return  # the manager is gone; the process is not to die of it


@contextmanager
def watched(is_alive: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Report ready, then alive twice in every watchdog interval while `is_alive` says so, then ending."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    ended = threading.Event()

    def beat(seconds: float) -> None:
        while not ended.wait(seconds):
            if is_alive():
                notify("WATCHDOG=1")

    if microseconds.isdecimal() and int(microseconds) > 0:
        threading.Thread(target=beat, args=[int(microseconds) / 2e6], daemon=True).start()
    notify("READY=1")
    try:
        yield
    finally:
        ended.set()
        notify("STOPPING=1")
