"""A paper for a clinic: sections of sentences, tables and plots, as plain values. The terminal and the page draw the same one.

Rules
1. Every plot stands with the table of its numbers, so that a paper can be read without colours, and aloud.
2. Cells are words that are ready to be read; a paper holds no id of a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

UNKNOWN: Final = "–"
"""Stands where there is nothing to say yet."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `left` are the columns of words, by their place; all others are numbers. `fine` is said below it in small."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    fine: str = ""
    left: frozenset[int] = frozenset({0})
    bold: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over months, each named where it ends."""

    said: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """A curve of shares over days, drawn as steps; `marks` are days that are pointed out, each with its words."""

    said: str
    points: tuple[tuple[int, float], ...]
    across: str
    marks: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars, each made of the series' parts. `shares`: the values are shares. `level`: the bars lie, with their labels before them."""

    said: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]
    shares: bool = False
    level: bool = False


Plot = Lines | Steps | Bars


@dataclass(frozen=True, slots=True)
class Section:
    """One thing to know: what it says, in sentences, and what shows it. `alone` begins a page of its own in print."""

    key: str
    title: str
    said: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    grids: tuple[Grid, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that is seen first."""

    title: str
    figure: str
    about: str


@dataclass(frozen=True, slots=True)
class Paper:
    """The whole: whose it is, what it is, as of when (clinic-local), and the lines to sign where it wants signing."""

    clinic: str
    title: str
    now: datetime
    lede: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    sign: tuple[str, ...] = ()
    fine: str = ""


def share(value: float | None) -> str:
    """`12 %`; under one percent `0.4 %`, so that little is not nothing."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    return f"{percent:.1f} %" if 0 < abs(percent) < 9.95 else f"{percent:.0f} %"


def number(value: float | None) -> str:
    """`2,016`."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def money(minor: float, currency: str) -> str:
    """`12,300 EUR`, without cents."""
    return f"{minor / 100:,.0f} {currency}"


def count(value: int, one: str, many: str = "") -> str:
    """`1 patient`, `2 patients`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"
