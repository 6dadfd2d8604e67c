"""Benchmarks: side-by-side ratios, made anew by one command (`make bench`).

A benchmark is a function without arguments that returns a `Measure`, marked with `@benchmark("name")`, in any module of this package.
What is compared with what stands in its `reference`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """What a benchmark found: a number, its unit (`x` for a ratio), and what it was measured against."""

    value: float
    unit: str
    reference: str


registered: dict[str, Callable[[], Measure]] = {}


def benchmark(name: str) -> Callable[[Callable[[], Measure]], Callable[[], Measure]]:
    """Register a benchmark under a name. Raises ValueError for a name given twice."""

    def register(run: Callable[[], Measure]) -> Callable[[], Measure]:
        if name in registered:
            raise ValueError(f"two benchmarks are named {name!r}")
        registered[name] = run
        return run

    return register


def size(name: str, default: int) -> int:
    """How large a benchmark is: a whole number above nothing from the environment. Ends the process, with the way out, where it is none."""
    said = os.environ.get(name, str(default))
    try:
        found = int(said)
    except ValueError:
        found = 0
    if found <= 0:
        raise SystemExit(
            f"{name}={said} is not a whole number above nothing; leave it out for {default}, or give one, such as {name}={default}"
        )
    return found
