"""How long until something happens, where for some it has not happened yet: the Kaplan–Meier estimate over whole days, from counts.

Rules
1. Who has not come back is at risk through the day until which we looked, and then leaves the count without having come (censored).
2. Of those at risk on a day, the share who come that day is taken off what was left; where nobody is at risk any more, nothing is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor


@dataclass(slots=True)
class Waits:
    """Lengths in days: `over` of those that ended, `open` of those that have lasted so long until now."""

    over: Counter[int] = field(default_factory=Counter)
    open: Counter[int] = field(default_factory=Counter)

    def curve(self) -> Curve:
        """The estimate."""
        left = self.over.total() + self.open.total()
        steps: list[tuple[int, float, int]] = []
        away = 1.0
        for day in sorted(self.over.keys() | self.open.keys()):
            came = self.over.get(day, 0)
            if came:
                away *= 1 - came / left
            steps.append((day, away, left))
            left -= came + self.open.get(day, 0)
        return Curve(tuple(steps), self.over.total(), self.open.total())


@dataclass(frozen=True, slots=True)
class Curve:
    """Steps in order: day, share still away after that day, how many were at risk on it. `came` returned, `waiting` have not yet."""

    steps: tuple[tuple[int, float, int], ...]
    came: int
    waiting: int

    @property
    def known_for(self) -> int:
        """The longest that anybody was watched, in days; 0 where nobody was."""
        return self.steps[-1][0] if self.steps else 0

    def away(self, day: int) -> float | None:
        """The share still away after so many days; None where nobody was watched so long."""
        if day > self.known_for or not self.steps:
            return None
        share = 1.0
        for at, left, _ in self.steps:
            if at > day:
                break
            share = left
        return share

    def at_risk(self, day: int) -> int:
        """How many were still watched, and away, when that day began."""
        return next((size for at, _, size in self.steps if at >= day), 0)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The value below which that share lies, between neighbours in proportion; None of nothing."""
    size = sum(counts.values())
    if not size:
        return None
    place = share * (size - 1)
    low = floor(place)
    values = sorted(counts)
    return _at(values, counts, low) * (1 - (place - low)) + _at(values, counts, min(low + 1, size - 1)) * (
        place - low
    )


def _at(values: list[int], counts: Mapping[int, int], index: int) -> int:
    for value in values:
        index -= counts[value]
        if index < 0:
            return value
    return values[-1]
