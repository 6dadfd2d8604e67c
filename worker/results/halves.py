"""What the first half of a rollout did that the second, which was not written to yet, did not.

Rules
1. Everyone who was drawn counts, written to or not, from the rollout's first moment until the second half begins: only the lot tells the halves apart.
2. The goal is reached by the journey's own words, as far as they speak of bookings and visits; answers to messages prove nothing about those who got none.
3. The interval of the difference is Newcombe's (1998, method 10: Wilson's score intervals, squared and added), two-sided at 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import NormalDist
from typing import Final

from worker.domain.events import APPOINTMENT_STATUS
from worker.domain.history import ROLLOUT, Enrollment
from worker.domain.journey import Journey
from worker.domain.ledger import Ledger
from worker.domain.patient import Patient
from worker.domain.rules import Rules
from worker.domain.runs import Runs

_Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Half:
    """One half: how many it is, how many of them were written to, how many reached the goal."""

    size: int = 0
    written_to: int = 0
    reached: int = 0

    def more(self, *, written_to: bool, reached: bool) -> Half:
        """The same with one more patient."""
        return Half(self.size + 1, self.written_to + written_to, self.reached + reached)

    @property
    def rate(self) -> float | None:
        """The share that reached it; None of nobody."""
        return self.reached / self.size if self.size else None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first half's rate less the second's, with the ends of its interval; shares from -1 to 1."""

    value: float
    low: float
    high: float


def difference(first: Half, second: Half) -> Difference | None:
    """What the first half has more; None where one of them is empty."""
    if not first.size or not second.size:
        return None
    p1, p2 = first.reached / first.size, second.reached / second.size
    low1, high1 = wilson(first.reached, first.size)
    low2, high2 = wilson(second.reached, second.size)
    value = p1 - p2
    below = sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return Difference(value, value - below, value + above)


def wilson(reached: int, size: int) -> tuple[float, float]:
    """Wilson's score interval of a share at 95 %. Raises ZeroDivisionError for nobody."""
    p, z2 = reached / size, _Z * _Z
    middle = (p + z2 / (2 * size)) / (1 + z2 / size)
    reach = _Z * sqrt(p * (1 - p) / size + z2 / (4 * size * size)) / (1 + z2 / size)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def reached(
    rules: Rules, journey: Journey, patient: str, ledger: Ledger, since: datetime, until: datetime
) -> bool:
    """Whether what the journey exists for happened to this patient after `since`, up to `until`."""
    if journey.goal is None:
        return False
    run = Enrollment(
        "", patient, journey.name, journey.version, "", since, ROLLOUT, None, journey.first, since, since, None
    )  # fmt: skip
    runs = Runs(rules, Patient(patient, ledger=ledger), until)
    return any(
        since < moment <= until
        for heard in journey.goal.heard
        if heard.type in APPOINTMENT_STATUS
        for moment in runs.happened(run, heard)
    )


def written_to(runs: Mapping[str, Enrollment], journey: str, since: datetime, until: datetime) -> bool:
    """Whether a run of that journey, begun in that time, reached its patient."""
    return any(
        run.journey == journey and since <= run.entered_at < until and run.reached > 0
        for run in runs.values()
    )
