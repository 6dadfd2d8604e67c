"""How many patients an experiment needs, and how small an effect a clinic could see.

Rules
1. Two-sided at 5 %, power 80 %: per arm n = (z₀.₉₇₅ + z₀.₈)² · [p₁(1−p₁) + p₀(1−p₀)] / d². With a holdout of share h the variances are divided by h and 1−h.
2. Rates are shares of patients, from 0 to 1. What cannot be seen even if everybody came is None.
"""

from __future__ import annotations

from math import ceil
from statistics import NormalDist
from typing import Final

_Z: Final = (NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) ** 2
_STEP: Final = 0.001


def in_all(p0: float, p1: float, holdout: float) -> int:
    """Patients in all where a share `holdout` of them is not written to. Raises ValueError where the rates are equal, or nobody or everybody is held out."""
    if not 0 < holdout < 1:
        raise ValueError("a holdout is a share between 0 and 1")
    return ceil(_Z * (_spread(p1) / (1 - holdout) + _spread(p0) / holdout) / _gap(p0, p1))


def smallest(p0: float, patients: int, holdout: float) -> float | None:
    """The smallest rate above `p0`, to a tenth of a percent, that so many patients would show; None where no rate would."""
    for tenth in range(1, round((1 - p0) / _STEP) + 1):
        p1 = min(p0 + tenth * _STEP, 1.0)
        if in_all(p0, p1, holdout) <= patients:
            return p1
    return None


def _spread(rate: float) -> float:
    return rate * (1 - rate)


def _gap(p0: float, p1: float) -> float:
    if p0 == p1:
        raise ValueError("equal rates cannot be told apart")
    return (p1 - p0) ** 2
