"""The condition over money: what a patient brought in, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from worker.domain.calendar import Span, add_days
from worker.domain.conditions import COMPLETED, Leaf, Look


@dataclass(frozen=True, slots=True)
class Revenue(Leaf):
    """`net_revenue: at least 1500 EUR in 12 months [before last_visit]`, with hysteresis: in at `at_least`, out below `leave_below`.

    Both in minor units. The hysteresis is walked over the ledger's own days, so it depends on what happened and never on the order in which it was told.
    """

    at_least: int
    leave_below: int
    currency: str
    within: Span
    before_last_visit: bool = False

    def _steps(self, look: Look) -> tuple[tuple[date, bool, int], ...]:
        """Each day on which the sum changes, with what holds from then on and the sum in minor units."""

        def walk() -> tuple[tuple[date, bool, int], ...]:
            takings = [
                (a.day, a.net)
                for a in look.facts.completed
                if a.day is not None and a.currency in (self.currency, None)
            ]
            ends = {day: add_days(day, self.within) for day, _ in takings}
            days = set(ends) if self.before_last_visit else set(ends) | set(ends.values())
            steps: list[tuple[date, bool, int]] = []
            inside = False
            for today in sorted(days):
                amount = sum(net for day, net in takings if day <= today < ends[day])
                inside = amount >= (self.leave_below if inside else self.at_least)
                steps.append((today, inside, amount))
            return tuple(steps)

        return look.facts.remember(self, walk)

    def _now(self, look: Look) -> tuple[bool, int]:
        if self.before_last_visit:
            steps = self._steps(look)
        else:
            steps = tuple(step for step in self._steps(look) if step[0] <= look.today)
        return (steps[-1][1], steps[-1][2]) if steps else (False, 0)

    @property
    def reads(self) -> frozenset[str]:
        """Visits and what was paid back."""
        return COMPLETED | {"refunds"}

    def holds(self, look: Look) -> bool:
        """Whether it came to enough."""
        return self._now(look)[0]

    def reason(self, look: Look) -> str:
        """What it came to."""
        anchor = " before the last visit" if self.before_last_visit else ""
        amount = self._now(look)[1] / 100
        return f"net revenue of {amount:.2f} {self.currency} in {self.within}{anchor}, not at least {self.at_least / 100:.2f}"

    def turn(self, look: Look) -> date | None:
        """Where the next visit drops out of the span."""
        if self.before_last_visit:
            return None
        return next((day for day, _, _ in self._steps(look) if day > look.today), None)
