"""Conditions over what a patient had and might have next: complements never tried, and courses of treatment.

Rules
1. A course is all of a family's services that have the same `series: N` in config/services.yaml; a session of it is a clinic-local day on which one of them was completed.
2. A course is open with 1 to N-1 sessions in the trailing 18 months, finished with N or more; with none in that time there is no course.
3. A complement is untried where no service of it that counts as treatment was ever completed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from worker.domain.calendar import Span, add_days
from worker.domain.conditions import COMPLETED, Leaf, Look

MEMORY: Final = Span(months=18)
Course = tuple[str, int]
"""A family, and how many sessions make its course."""
State = Literal["open", "finished", "none"]


@dataclass(frozen=True, slots=True)
class Series(Leaf):
    """`series: open`: in the middle of a course; `finished`: through with one; `none`: neither. `courses` are those that the catalogue has."""

    state: State
    courses: tuple[Course, ...]

    def _sessions(self, look: Look) -> list[tuple[str, int, int]]:
        """Family, sessions had, sessions of a whole course, wherever there were any."""
        found: list[tuple[str, int, int]] = []
        ends = _ends(look)
        for course in self.courses:
            had = len(ends.get(course, ())) - bisect_right(ends.get(course, ()), look.today)
            if had:
                found.append((course[0], had, course[1]))
        return found

    @property
    def reads(self) -> frozenset[str]:
        """Visits."""
        return COMPLETED

    def holds(self, look: Look) -> bool:
        """Whether there is such a course."""
        sessions = self._sessions(look)
        if self.state == "none":
            return not sessions
        return any((had < whole) is (self.state == "open") for _, had, whole in sessions)

    def reason(self, look: Look) -> str:
        """The sessions there were."""
        said = [f"{had} of {whole} sessions of {family}" for family, had, whole in self._sessions(look)]
        asked = {
            "open": "no course is open",
            "finished": "no course is finished",
            "none": "there is a course",
        }[self.state]
        return f"{asked}: {', '.join(said) or 'no sessions'} in {MEMORY}"

    def turn(self, look: Look) -> date | None:
        """Where the next session is forgotten."""
        ends = _ends(look)
        coming = (end for course in self.courses for end in ends.get(course, ()) if end > look.today)
        return min(coming, default=None)


def _ends(look: Look) -> Mapping[Course, tuple[date, ...]]:
    """The day on which each session of each course is forgotten, in order."""

    def find() -> dict[Course, tuple[date, ...]]:
        days: dict[Course, dict[date, None]] = defaultdict(dict)
        for appointment in look.facts.completed:
            for service in appointment.services:
                if appointment.day is not None and service.counts_as_treatment and service.series is not None:
                    days[service.family, service.series][appointment.day] = None
        return {course: tuple(add_days(day, MEMORY) for day in these) for course, these in days.items()}

    return look.facts.remember("courses", find)


@dataclass(frozen=True, slots=True)
class Untried(Leaf):
    """`complement: untried`: had a family that goes well with one never had. `pairs` are families with their complements."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]

    def _had(self, look: Look) -> frozenset[str]:
        return look.facts.remember(
            "families had",
            lambda: frozenset(
                s.family for a in look.facts.completed for s in a.services if s.counts_as_treatment
            ),
        )

    @property
    def reads(self) -> frozenset[str]:
        """Visits."""
        return COMPLETED

    def holds(self, look: Look) -> bool:
        """Whether there is one."""
        had = self._had(look)
        return any(family in had and not had.issuperset(others) for family, others in self.pairs)

    def reason(self, look: Look) -> str:
        """What was tried."""
        had = self._had(look)
        tried = sorted({other for family, others in self.pairs if family in had for other in others})
        if tried:
            return f"every complement was tried: {', '.join(tried)}"
        return "had no treatment that has a complement"
