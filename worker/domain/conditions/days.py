"""The days of an announcement: a condition that the calendar alone decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from worker.domain.conditions import Leaf, Look


@dataclass(frozen=True, slots=True)
class OnDays(Leaf):
    """`date: {from: …, until: …}`: clinic-local days, both included."""

    first: date
    last: date

    @property
    def reads(self) -> frozenset[str]:
        """Nothing of the patient."""
        return frozenset()

    def holds(self, look: Look) -> bool:
        """Whether it is one of these days."""
        return self.first <= look.today <= self.last

    def reason(self, look: Look) -> str:
        """That they are not there yet, or over."""
        return f"it begins on {self.first}" if look.today < self.first else f"it ended on {self.last}"

    def turn(self, look: Look) -> date | None:
        """The first day, or the one after the last."""
        if look.today < self.first:
            return self.first
        return self.last + timedelta(days=1) if look.today <= self.last else None
