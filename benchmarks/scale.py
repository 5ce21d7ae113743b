"""What a send takes at few and at many recipients: memory and CPU of the sending process."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.loopback import make_trial
from benchmarks.mailing import Usage

FEW = 10_000
_MEGABYTE = 1_000_000


def measure_scale(many: int) -> Iterator[Figure]:
    """Memory and CPU at 10,000 and at so many; a million take six minutes."""
    small, large = _measure(FEW), _measure(many)
    note = f"{many:,} recipients"
    yield Figure("peak memory", large.peak_bytes / _MEGABYTE, 150, "MB", "less", note)
    more = (large.peak_bytes - small.peak_bytes) / _MEGABYTE
    yield Figure("memory beyond that at 10,000", more, 5, "MB", "less", note)
    each = (small.cpu_seconds / FEW, large.cpu_seconds / many)
    drift = 100 * (each[1] / each[0] - 1)
    shown = f"{each[0] * 1e6:.0f} and {each[1] * 1e6:.0f} microseconds of CPU per message"
    yield Figure("CPU per message beyond that at 10,000", drift, 10, "%", "less", f"{note}; {shown}")


def _measure(readers: int) -> Usage:
    with make_trial(readers, warm=False) as trial:
        return trial.send()
