"""What goes wrong by chance, so that a seed reproduces it whatever the order in which requests come.

The die is cast from the seed, the request's own name (its ref) and how often it has been asked: no thread and
no process that is quicker than another changes what befalls a message.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Step = str | tuple[Any, ...]
"""One entry of a script, see `server`."""


@dataclass(frozen=True)
class Faults:
    """`chances`: how likely each step of a script is, from 0 to 1, together at most 1. `latency`: seconds from,
    to. Raises ValueError for chances that are none.
    """

    seed: int
    chances: Mapping[Step, float] = field(default_factory=dict)
    latency: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if any(not 0 <= chance <= 1 for chance in self.chances.values()) or sum(self.chances.values()) > 1:
            raise ValueError("chances must each be from 0 to 1 and together at most 1")

    def roll(self, name: str, nth: int) -> tuple[Step, float]:
        """What befalls the nth request of this name, and how many seconds it is held up."""
        die = random.Random(f"{self.seed}/{name}/{nth}")
        point, delay = die.random(), die.uniform(*self.latency)
        for step, chance in self.chances.items():
            point -= chance
            if point < 0:
                return step, delay
        return "ok", delay
