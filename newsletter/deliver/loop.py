"""The event loop that sends run in."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_OBJECTS = 20_000


def run_async(main: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine to its end, on uvloop where there is a build of it.

    From then on the process looks for cycles seldom: messages make none, and a look at every 700 objects,
    which is Python's default, takes a twentieth of a send.
    """
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop

        factory = new_event_loop
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())
