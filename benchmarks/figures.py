"""A measured figure beside its bar, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """What was measured and what it must be."""

    what: str
    value: float
    bar: float
    unit: str = ""
    better: Literal["more", "less"] = "more"
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the bar is reached."""
        return self.value >= self.bar if self.better == "more" else self.value <= self.bar

    def __str__(self) -> str:
        sign = ">=" if self.better == "more" else "<="
        unit = f" {self.unit}" if self.unit else ""
        met = "yes" if self.is_met else "NO"
        return f"| {self.what} | {self.value:.4g}{unit} | {sign} {self.bar:g}{unit} | {met} | {self.note} |"


def show_table(figures: Iterable[Figure]) -> None:
    """Print them as they come."""
    print("| what | measured | bar | met | how |", "|---|---|---|---|---|", sep="\n", flush=True)
    for figure in figures:
        print(figure, flush=True)
