"""Real processes for tests of what happens at once or dies; forked from one server, so quick to start."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
# Imported once and shared by all of them.
CONTEXT.set_forkserver_preload(["tests.support.ledger_work", "tests.support.publishing_work"])
PATIENCE = 60.0


def run_at_once(function: Callable[..., Any], calls: Sequence[tuple[object, ...]]) -> list[Any]:
    """Call a function of `ledger_work` in one process per call, all beginning together; what each gave."""
    barrier = CONTEXT.Barrier(len(calls))
    pipes = [CONTEXT.Pipe(duplex=False) for _ in calls]
    processes = [
        CONTEXT.Process(target=_run, args=(barrier, sender, function, call))
        for (_, sender), call in zip(pipes, calls, strict=True)
    ]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()
    results = [_receive(receiver) for receiver, _ in pipes]
    for process in processes:
        process.join(PATIENCE)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@contextmanager
def start_process(function: Callable[..., Any], *arguments: object) -> Iterator[tuple[int, Any]]:
    """Run a function that gets a pipe first, sends one value by it and then stays; its pid and that value."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=function, args=(sender, *arguments))
    process.start()
    sender.close()
    try:
        said = _receive(receiver)
        if isinstance(said, BaseException):
            raise said
        assert process.pid
        yield process.pid, said
    finally:
        process.kill()
        process.join(PATIENCE)


def kill(pid: int) -> None:
    """Kill a process that `start_process` started, and wait until the kernel has dropped its locks."""
    found = [process for process in multiprocessing.active_children() if process.pid == pid]
    os.kill(pid, signal.SIGKILL)
    for process in found:
        process.join(PATIENCE)


def _run(
    barrier: Barrier, sender: Connection, function: Callable[..., object], call: tuple[object, ...]
) -> None:
    try:
        barrier.wait(PATIENCE)
        sender.send(function(*call))
    except Exception as error:  # noqa: BLE001 - the test that waits for it raises it
        sender.send(error)


def _receive(receiver: Connection) -> Any:  # noqa: ANN401 - whatever a process sent
    return receiver.recv() if receiver.poll(PATIENCE) else TimeoutError("the process said nothing")
