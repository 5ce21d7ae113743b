"""Measures the delivery engine against its bars; docs/benchmarks.md explains."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from benchmarks.building import measure_building
from benchmarks.figures import Figure, show_table
from benchmarks.fixing import measure_fixing
from benchmarks.latency import measure_latency
from benchmarks.loopback import measure_dkim, measure_ledger, measure_postgresql, measure_sqlite
from benchmarks.machines import measure_machines
from benchmarks.scale import measure_scale

MEASURES: dict[str, Callable[[argparse.Namespace], Iterator[Figure]]] = {
    "sqlite": lambda said: measure_sqlite(said.messages, said.rounds),
    "postgresql": lambda said: measure_postgresql(said.messages, said.rounds),
    "dkim": lambda said: measure_dkim(said.messages, said.rounds),
    "ledger": lambda said: measure_ledger(said.messages, said.rounds),
    "latency": lambda said: measure_latency(said.messages // 4, 1),
    "building": lambda said: measure_building(said.messages, said.rounds),
    "machines": lambda said: measure_machines(said.messages // 10),
    "fixing": lambda said: measure_fixing(said.recipients, said.rounds),
    "scale": lambda said: measure_scale(said.recipients),
}


def main() -> None:
    """Measure what was named, or all; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--messages", type=int, default=20_000, help="in each send (default 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of baseline and ours (default 3)")
    parser.add_argument(
        "--recipients",
        type=int,
        default=100_000,
        help="of fixing and scale (default 100000; the bars say 1000000)",
    )
    said = parser.parse_args()
    if unknown := set(said.names) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []

    def measure() -> Iterator[Figure]:
        for name in said.names or MEASURES:
            for figure in MEASURES[name](said):
                figures.append(figure)
                yield figure

    show_table(measure())
    raise SystemExit(not all(figure.is_met for figure in figures))


if __name__ == "__main__":
    main()
