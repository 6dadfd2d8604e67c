"""Dice with a name: repeatable draws for the sample book.

Only `random.Random.random()` is used: the one method whose sequence Python promises to keep between versions.
Each patient has dice of their own, so that a change in one pattern of behaviour leaves the others alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

SEED: Final = "the clinic's book"

T = TypeVar("T")


class Dice:
    """Draws that depend on nothing but `name` and the order of the calls."""

    def __init__(self, name: str) -> None:
        self._draw = random.Random(f"{SEED}/{name}").random

    def chance(self, probability: float) -> bool:
        """True in `probability` (0 to 1) of the draws."""
        return self._draw() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._draw() * (high - low + 1))

    def about(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, the middle likelier than the ends."""
        mean_of_three = (self._draw() + self._draw() + self._draw()) / 3
        return low + int(mean_of_three * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, each as likely as the other."""
        return choices[int(self._draw() * len(choices))]

    def weighted(self, choices: Mapping[T, float]) -> T:
        """One key of `choices`, as likely as its weight says."""
        left = self._draw() * sum(choices.values())
        for choice, weight in choices.items():
            left -= weight
            if left < 0:
                return choice
        return choice
