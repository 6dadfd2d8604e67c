"""Conditions over one patient: the closed vocabulary of segments, `if` and `stop_if`.

Rules
1. A condition is a function of the facts and the clinic-local day. `why_not` gives a sentence exactly where it does not hold.
2. `turns` names days on which time alone may change it: never too few, possibly too many; `segments.next_change` tries them.
3. "At least 6 months ago" means today ≥ anchor + 6 months, clamped; "in 6 months" is its exact opposite.

The kinds that look at visits are in `conditions_visits`, those that look at the patient in `conditions_person`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from worker.domain.facts import Appointment, Facts
from worker.domain.history import Contact, Enrollment


class Condition(Protocol):
    """One condition."""

    def why_not(self, look: Look) -> str | None:
        """None where it holds, else why not, in words."""

    def turns(self, look: Look) -> Iterator[date]:
        """Days after `look.today` on which it may change by time alone."""

    def segments(self) -> Iterator[str]:
        """The segments that it speaks of."""


class Leaf:
    """What most conditions have in common: time alone does not change them, and they speak of no segment."""

    __slots__ = ()

    def turns(self, look: Look) -> Iterator[date]:
        """Never by time alone."""
        return iter(())

    def segments(self) -> Iterator[str]:
        """None."""
        return iter(())


@dataclass(slots=True)
class Look:
    """One look at a patient on one clinic-local day. Segments that were already decided in this look are remembered."""

    facts: Facts
    today: date
    named: Mapping[str, Condition]
    enrollments: Sequence[Enrollment] = ()
    contacts: Sequence[Contact] = ()
    this: Appointment | None = None
    decided: dict[str, bool] = field(default_factory=dict)

    def within(self, name: str) -> bool:
        """Whether the patient is in that segment."""
        known = self.decided.get(name)
        if known is None:
            self.decided[name] = False  # a segment that speaks of itself is refused by `check`; here it must only end
            known = self.decided[name] = name in self.named and self.named[name].why_not(self) is None
        return known

    def on(self, day: date) -> Look:
        """The same patient on another day."""
        return Look(self.facts, day, self.named, self.enrollments, self.contacts, self.this)


def holds(condition: Condition, look: Look) -> bool:
    """Whether it is so."""
    return condition.why_not(look) is None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of them; nothing to ask means yes."""

    parts: tuple[Condition, ...]

    def why_not(self, look: Look) -> str | None:
        """The first that fails."""
        for part in self.parts:
            why = part.why_not(look)
            if why is not None:
                return why
        return None

    def turns(self, look: Look) -> Iterator[date]:
        """Of each."""
        for part in self.parts:
            yield from part.turns(look)

    def segments(self) -> Iterator[str]:
        """Of each."""
        for part in self.parts:
            yield from part.segments()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them."""

    parts: tuple[Condition, ...]

    def why_not(self, look: Look) -> str | None:
        """All reasons together."""
        reasons: list[str] = []
        for part in self.parts:
            why = part.why_not(look)
            if why is None:
                return None
            reasons.append(why)
        return "none of these holds: " + "; ".join(reasons)

    def turns(self, look: Look) -> Iterator[date]:
        """Of each."""
        for part in self.parts:
            yield from part.turns(look)

    def segments(self) -> Iterator[str]:
        """Of each."""
        for part in self.parts:
            yield from part.segments()


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Not one of them. `said` is what was written, for the reason."""

    parts: tuple[Condition, ...]
    said: tuple[str, ...]

    def why_not(self, look: Look) -> str | None:
        """The first that holds."""
        for part, said in zip(self.parts, self.said, strict=True):
            if part.why_not(look) is None:
                return f"this must not hold, and does: {said}"
        return None

    def turns(self, look: Look) -> Iterator[date]:
        """Of each."""
        for part in self.parts:
            yield from part.turns(look)

    def segments(self) -> Iterator[str]:
        """Of each."""
        for part in self.parts:
            yield from part.segments()


@dataclass(frozen=True, slots=True)
class InSegment:
    """`in: [a, b]` in any of them; `not_in: [a, b]` in none of them."""

    names: tuple[str, ...]
    inside: bool

    def why_not(self, look: Look) -> str | None:
        """Which segment decides."""
        inside = [name for name in self.names if look.within(name)]
        if self.inside:
            return None if inside else f"not in {' or '.join(self.names)}"
        return f"in {inside[0]}" if inside else None

    def turns(self, look: Look) -> Iterator[date]:
        """Of the segments spoken of."""
        for name in self.names:
            condition = look.named.get(name)
            if condition is not None:
                yield from condition.turns(look)

    def segments(self) -> Iterator[str]:
        """Them."""
        yield from self.names
