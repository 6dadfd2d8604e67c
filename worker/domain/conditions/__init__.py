"""Conditions over one patient: the closed vocabulary of segments, `if` and `stop_if`.

Rules
1. A condition is a function of the facts and the clinic-local day. `why_not` gives a sentence exactly where it does not hold.
2. `turn` names the next day on which time alone may change a condition: never too late, possibly one on which nothing changes; `segments.next_change` tries them in order. What
   must all hold can't begin to hold before the last of what fails has turned; so a birthday of somebody who is not meant costs nothing.
3. "At least 6 months ago" means today ≥ anchor + 6 months, clamped; "in 6 months" is its exact opposite.

The kinds that look at visits are in `visits`, those that look at the patient in `person`; `grammar` reads them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Final, Protocol

from worker.domain.facts import Appointment, Facts
from worker.domain.history import Contact, Enrollment

COMPLETED: Final = frozenset({"completed"})


class Condition(Protocol):
    """One condition."""

    def holds(self, look: Look) -> bool:
        """Whether it is so."""

    def why_not(self, look: Look) -> str | None:
        """None where it holds, else why not, in words."""

    def turn(self, look: Look) -> date | None:
        """The first day after `look.today` on which time alone may change it; None where it never does."""

    def leaves(self) -> Iterator[Leaf]:
        """The conditions that it is made of, segments that it names left out."""

    def segments(self) -> Iterator[str]:
        """The segments that it speaks of."""


class Leaf:
    """One word of the vocabulary. Most speak of no segment and are not changed by time alone."""

    __slots__ = ()

    @property
    def reads(self) -> frozenset[str] | None:
        """The parts of the ledger, as `ledger.changed` names them, that alone decide it on a day; None where runs, messages or the appointment do."""
        return None

    def holds(self, look: Look) -> bool:
        """Whether it is so."""
        raise TypeError(type(self).__name__)

    def reason(self, look: Look) -> str:
        """What is so instead, in words; asked only where it does not hold."""
        raise TypeError(type(self).__name__)

    def why_not(self, look: Look) -> str | None:
        """None where it holds, else the reason."""
        return None if self.holds(look) else self.reason(look)

    def turn(self, look: Look) -> date | None:
        """The first day after `look.today` on which time alone may change it."""
        return None

    def leaves(self) -> Iterator[Leaf]:
        """Itself."""
        yield self

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
    turns: dict[str, date | None] = field(default_factory=dict)
    held: dict[int, bool] = field(default_factory=dict)

    def holds(self, condition: Condition) -> bool:
        """Whether it holds, found once in a look; conditions outlive every look."""
        known = self.held.get(id(condition))
        if known is None:
            known = self.held[id(condition)] = condition.holds(self)
        return known

    def turn_of(self, name: str) -> date | None:
        """The first day on which time alone may change that segment, found once in a look."""
        if name not in self.turns:
            self.turns[name] = (
                None  # a segment that speaks of itself is refused by `check`; here it must only end
            )
            self.turns[name] = self.named[name].turn(self) if name in self.named else None
        return self.turns[name]

    def within(self, name: str) -> bool:
        """Whether the patient is in that segment."""
        known = self.decided.get(name)
        if known is None:
            self.decided[name] = (
                False  # a segment that speaks of itself is refused by `check`; here it must only end
            )
            known = self.decided[name] = name in self.named and self.named[name].holds(self)
        return known

    def on(self, day: date) -> Look:
        """The same patient on another day."""
        return Look(self.facts, day, self.named, self.enrollments, self.contacts, self.this)


def first(turns: Iterable[date | None]) -> date | None:
    """The earliest turn: of several things, the first that changes."""
    return min((turn for turn in turns if turn is not None), default=None)


def last(turns: Iterable[date | None]) -> date | None:
    """The latest turn: when all of them have changed at the earliest; None where one never does."""
    latest: date | None = None
    for turn in turns:
        if turn is None:
            return None
        latest = turn if latest is None or turn > latest else latest
    return latest


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of them; nothing to ask means yes."""

    parts: tuple[Condition, ...]

    def holds(self, look: Look) -> bool:
        """Whether each holds."""
        return all(look.holds(part) for part in self.parts)

    def why_not(self, look: Look) -> str | None:
        """The first that fails."""
        return next((why for part in self.parts if (why := part.why_not(look)) is not None), None)

    def turn(self, look: Look) -> date | None:
        """It ends with the first that ends, and begins no sooner than the last that fails."""
        return _turn(self.parts, look, holding=False)

    def leaves(self) -> Iterator[Leaf]:
        """Of each."""
        for part in self.parts:
            yield from part.leaves()

    def segments(self) -> Iterator[str]:
        """Of each."""
        for part in self.parts:
            yield from part.segments()


@dataclass(frozen=True, slots=True)
class AnyOf(AllOf):
    """At least one of them."""

    def holds(self, look: Look) -> bool:
        """Whether one holds."""
        return any(look.holds(part) for part in self.parts)

    def why_not(self, look: Look) -> str | None:
        """All reasons together."""
        reasons: list[str] = []
        for part in self.parts:
            why = part.why_not(look)
            if why is None:
                return None
            reasons.append(why)
        return "none of these holds: " + "; ".join(reasons)

    def turn(self, look: Look) -> date | None:
        """It begins with the first that begins, and ends no sooner than the last that holds."""
        return _turn(self.parts, look, holding=True)


@dataclass(frozen=True, slots=True)
class NoneOf(AllOf):
    """Not one of them. `said` is what was written, for the reason."""

    said: tuple[str, ...]

    def holds(self, look: Look) -> bool:
        """Whether none holds."""
        return not any(look.holds(part) for part in self.parts)

    def why_not(self, look: Look) -> str | None:
        """The first that holds."""
        for part, said in zip(self.parts, self.said, strict=True):
            if part.holds(look):
                return f"this must not hold, and does: {said}"
        return None

    def turn(self, look: Look) -> date | None:
        """That of its opposite."""
        return _turn(self.parts, look, holding=True)


def _turn(parts: tuple[Condition, ...], look: Look, *, holding: bool) -> date | None:
    """When several change together: no sooner than the last of those that stand in the way (`holding`: those that hold), and with the first of all where none does."""
    in_the_way = (part for part in parts if look.holds(part) is holding)
    one = next(in_the_way, None)
    if one is None:
        return first(part.turn(look) for part in parts)
    return last(part.turn(look) for part in chain((one,), in_the_way))


@dataclass(frozen=True, slots=True)
class InSegment:
    """`in: [a, b]` in any of them; `not_in: [a, b]` in none of them."""

    names: tuple[str, ...]
    inside: bool

    def holds(self, look: Look) -> bool:
        """Whether it is so."""
        return any(look.within(name) for name in self.names) is self.inside

    def why_not(self, look: Look) -> str | None:
        """Which segment decides."""
        if self.holds(look):
            return None
        if self.inside:
            return f"not in {' or '.join(self.names)}"
        return f"in {next(name for name in self.names if look.within(name))}"

    def turn(self, look: Look) -> date | None:
        """That of being in any of them."""
        inside = [name for name in self.names if look.within(name)]
        return (
            last(look.turn_of(name) for name in inside)
            if inside
            else first(look.turn_of(name) for name in self.names)
        )

    def leaves(self) -> Iterator[Leaf]:
        """None: the segments that it names have their own."""
        return iter(())

    def segments(self) -> Iterator[str]:
        """Them."""
        yield from self.names
