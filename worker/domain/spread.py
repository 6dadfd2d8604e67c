"""How many patients who stood at a journey's start before may begin it in a day.

Rules
1. A journey with a `pace` keeps it. The others share half of the day's blast limit, each so that all its messages together stay below its share; the other half is left for
   what happens anyway. Without a limit 3 % of the patients a day count as one, at least 25.
2. On a day that is closed to the journey from end to end nobody begins, so that what was held up does not leave all at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Final

from worker.domain.journey import Journey, Send, Step
from worker.domain.policy import BlastLimit
from worker.domain.rules import Rules

USUAL: Final = BlastLimit(Decimal("0.03"), 25)
ROOM: Final = 2
"""The part of the limit that is left for what happens anyway: one of so many."""


def a_day(rules: Rules, journey: Journey, patients: int, sharing: Collection[str]) -> int:
    """How many may begin in a day, at least one. `patients` is the size of the base, `sharing` the journeys that patients wait for at the same time."""
    if journey.pace is not None:
        return journey.pace
    limit = rules.policy.blast_limit.get(journey.purpose, USUAL)
    others = (rules.journeys[name] for name in {journey.name, *sharing} if name in rules.journeys)
    messages = sum(most_sends(one.steps) for one in others if one.pace is None)
    return max(1, limit.most(patients) // ROOM // max(1, messages))


def most_sends(steps: tuple[Step, ...]) -> int:
    """The most messages that one run can send."""
    return sum(
        isinstance(step.action, Send) + max((most_sends(inner) for _, inner in step.ways), default=0)
        for step in steps
    )


def shut(rules: Rules, journey: Journey, day: date) -> bool:
    """Whether nothing of the journey may leave on that day at all."""
    closed = rules.policy.closed(journey.purpose, rules.clinic.closed, journey.send_between, journey.send_on)
    return any(window.all_day for window in closed(day))
