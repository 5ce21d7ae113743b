"""The loop that sends run in."""

from __future__ import annotations

import gc

from newsletter.deliver.loop import run_async


async def read_threshold() -> int:
    return gc.get_threshold()[0]


def test_cycles_are_looked_for_seldom_while_it_runs() -> None:
    gc.set_threshold(700)

    assert run_async(read_threshold) > 10_000
