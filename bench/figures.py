"""A figure: what was measured, how often, what it should be; and the table of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be at most, or at least."""

    limit: float
    side: Literal["≤", "≥"] = "≤"

    def met(self, value: float) -> bool:
        """Whether the value is on the right side; NaN never is."""
        return value <= self.limit if self.side == "≤" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.side} {number(self.limit)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `rival` is what another program reached in the same run, in the same unit."""

    name: str
    value: float
    unit: str
    samples: int
    target: Target | None = None
    rival: tuple[str, float] | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target was met."""
        if self.target is None:
            return ""
        return "met" if self.target.met(self.value) else "SHORT"

    @property
    def versus(self) -> str:
        """The rival, its value, and ours as a multiple of it."""
        if self.rival is None:
            return ""
        name, value = self.rival
        ratio = self.value / value if value else math.nan
        return f"{name} {number(value)} (ours {ratio:.2f} ×)"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        target = "" if self.target is None else f"{self.target} {self.verdict}"
        return (self.name, number(self.value), self.unit, str(self.samples), target, self.versus, self.note)


HEADER = ("figure", "value", "unit", "n", "target", "beside", "conditions")


def number(value: float) -> str:
    """Three digits that count, and no more than there are."""
    if math.isnan(value):
        return "–"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, as Markdown that also reads well in a terminal."""
    rows = [HEADER, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    ruler = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], ruler, *lines[1:]])
