"""Conditions over appointments: how many, how long ago, of what, and what they brought in."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

from worker.domain.calendar import Span, add_days, sub_days
from worker.domain.conditions import COMPLETED, Leaf, Look
from worker.domain.facts import Appointment, Facts

Kind = Literal["visits", "treatments", "cancelled", "missed"]
_STATUS: Final = {
    "visits": "completed",
    "treatments": "completed",
    "cancelled": "cancelled",
    "missed": "no_show",
}
_WORDS: Final = {
    "visits": "visit",
    "treatments": "treatment",
    "cancelled": "cancelled booking",
    "missed": "missed booking",
}


@dataclass(frozen=True, slots=True)
class Narrow:
    """`of: {…}`: which appointments count. Several keys mean all of them; a list means any of it."""

    families: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    practitioner: tuple[str, ...] = ()
    location: tuple[str, ...] = ()
    cancelled_by: tuple[str, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What was found is remembered under it many times over; so its hash is computed once.
        words = (
            self.families,
            self.services,
            self.areas,
            self.practitioner,
            self.location,
            self.cancelled_by,
        )
        object.__setattr__(self, "_hash", hash(words))

    def __hash__(self) -> int:
        return self._hash

    def fits(self, appointment: Appointment) -> bool:
        """Whether the appointment counts."""
        if self.cancelled_by and appointment.cancelled_by not in self.cancelled_by:
            return False
        if self.practitioner and appointment.practitioner not in self.practitioner:
            return False
        if self.location and appointment.location not in self.location:
            return False
        if not (self.families or self.services or self.areas):
            return True
        return any(
            (not self.families or service.family in self.families)
            and (not self.services or service.code in self.services)
            and (not self.areas or service.area in self.areas)
            for service in appointment.services
        )

    def __str__(self) -> str:
        parts = [*self.families, *self.services, *self.areas, *self.practitioner, *self.location]
        of = f" of {', '.join(parts)}" if parts else ""
        return f"{of} cancelled by the {' or '.join(self.cancelled_by)}" if self.cancelled_by else of


ANYTHING: Final = Narrow()


@dataclass(frozen=True, slots=True)
class Count:
    """`at least 2`, `exactly 1`, `1 to 5`, `none`; no upper end is None."""

    low: int
    high: int | None

    def holds(self, number: int) -> bool:
        """Whether the number lies within."""
        return number >= self.low and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {self.low}"
        if self.low == self.high:
            return "none" if self.low == 0 else f"exactly {self.low}"
        return f"{self.low} to {self.high}" if self.low else f"at most {self.high}"


def days_of(look: Look, kind: Kind, of: Narrow) -> tuple[date, ...]:
    """The distinct clinic-local days of that kind, in order."""
    return look.facts.remember((kind, of), lambda: _days(look.facts, kind, of))


def _days(facts: Facts, kind: Kind, of: Narrow) -> tuple[date, ...]:
    found = facts.with_status(_STATUS[kind])
    if kind == "treatments":
        found = tuple([a for a in found if a.treatment])
    if of is not ANYTHING:
        found = tuple([a for a in found if of.fits(a)])
    return tuple(dict.fromkeys([a.day for a in found if a.day is not None]))


@dataclass(frozen=True, slots=True)
class Number(Leaf):
    """`visits: at least 2 in 12 months`: distinct days, optionally narrowed, optionally within a trailing span."""

    kind: Kind
    count: Count
    within: Span | None = None
    of: Narrow = ANYTHING

    def _gone(self, days: tuple[date, ...], today: date) -> int:
        """How many of those days have dropped out of the span; clamping keeps their order."""
        within = self.within
        return bisect_right(days, today, key=lambda day: add_days(day, within)) if within is not None else 0

    def _number(self, look: Look) -> int:
        days = days_of(look, self.kind, self.of)
        return len(days) - self._gone(days, look.today)

    @property
    def reads(self) -> frozenset[str]:
        """Appointments of its status."""
        return frozenset({_STATUS[self.kind]})

    def holds(self, look: Look) -> bool:
        """Whether the number fits."""
        return self.count.holds(self._number(look))

    def reason(self, look: Look) -> str:
        """The number there is."""
        number = self._number(look)
        when = f" in {self.within}" if self.within else ""
        return f"{number} {_WORDS[self.kind]}{'' if number == 1 else 's'}{self.of}{when}, not {self.count}"

    def turn(self, look: Look) -> date | None:
        """Where the next day drops out of the span."""
        if self.within is None:
            return None
        days = days_of(look, self.kind, self.of)
        gone = self._gone(days, look.today)
        return add_days(days[gone], self.within) if gone < len(days) else None


@dataclass(frozen=True, slots=True)
class Ago(Leaf):
    """`last_visit: at least 6 months ago`; `at_least=False` is its opposite, `less than`. `span=None` asks for any, `never` for none."""

    which: Literal["first_visit", "last_visit"]
    span: Span | None
    at_least: bool = True
    never: bool = False
    of: Narrow = ANYTHING

    def _anchor(self, look: Look) -> date | None:
        days = days_of(look, "visits", self.of)
        return (days[0] if self.which == "first_visit" else days[-1]) if days else None

    @property
    def reads(self) -> frozenset[str]:
        """Visits."""
        return COMPLETED

    def holds(self, look: Look) -> bool:
        """Whether it was then."""
        anchor = self._anchor(look)
        if self.never:
            return anchor is None
        if anchor is None or self.span is None:
            return anchor is not None
        return (look.today >= add_days(anchor, self.span)) is self.at_least

    def reason(self, look: Look) -> str:
        """When it was."""
        anchor, label = self._anchor(look), self.which.replace("_", " ") + str(self.of)
        if anchor is None:
            return f"no visit{self.of} yet"
        if self.never:
            return f"{label} was on {anchor}"
        return f"{label} was on {anchor}, not {'at least' if self.at_least else 'less than'} {self.span} ago"

    def turn(self, look: Look) -> date | None:
        """The day on which the span is over."""
        anchor = self._anchor(look)
        if anchor is None or self.span is None:
            return None
        turn = add_days(anchor, self.span)
        return turn if turn > look.today else None


@dataclass(frozen=True, slots=True)
class NextBooking(Leaf):
    """`next_booking: none`, `any`, `within 7 days`. A booking counts until its clinic-local day is over."""

    wanted: bool
    within: Span | None = None
    of: Narrow = ANYTHING

    def _days(self, look: Look) -> list[date]:
        today = look.today
        return [a.day for a in look.facts.booked if a.day is not None and a.day >= today and self.of.fits(a)]

    def _near(self, look: Look) -> date | None:
        days = self._days(look)
        if not days or (self.within is not None and days[0] >= add_days(look.today, self.within)):
            return None
        return days[0]

    @property
    def reads(self) -> frozenset[str]:
        """Bookings."""
        return frozenset({"booked"})

    def holds(self, look: Look) -> bool:
        """Whether there is one, or none."""
        return (self._near(look) is not None) is self.wanted

    def reason(self, look: Look) -> str:
        """The booking there is, or that there is none."""
        if self.wanted:
            return f"no booking{self.of}{f' within {self.within}' if self.within else ''}"
        return f"has a booking{self.of} on {self._near(look)}"

    def turn(self, look: Look) -> date | None:
        """The day after the next booking, or the day on which it comes near."""
        days = self._days(look)
        if not days:
            return None
        if self.within is not None and days[0] >= add_days(look.today, self.within):
            # Clamping makes subtracting months inexact by up to three days: look a little early, then day by day.
            early = sub_days(days[0], self.within) - timedelta(days=3)
            return max(early, look.today + timedelta(days=1))
        return days[0] + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Had(Leaf):
    """`families: [laser_hair]` ever had one of them; `families: exactly 1` how many distinct ones among treatments."""

    what: Literal["families", "services", "areas"]
    names: tuple[str, ...] = ()
    count: Count | None = None

    def _had(self, look: Look) -> frozenset[str]:
        treatments = self.count is not None

        def find() -> frozenset[str]:
            services = [
                s for a in look.facts.completed for s in a.services if s.counts_as_treatment or not treatments
            ]
            key = {"families": "family", "services": "code", "areas": "area"}[self.what]
            return frozenset(str(getattr(service, key)) for service in services) - {"none"}

        return look.facts.remember((self.what, treatments), find)

    @property
    def reads(self) -> frozenset[str]:
        """Visits."""
        return COMPLETED

    def holds(self, look: Look) -> bool:
        """Whether one of them was had, or so many."""
        had = self._had(look)
        return self.count.holds(len(had)) if self.count is not None else not had.isdisjoint(self.names)

    def reason(self, look: Look) -> str:
        """What there was."""
        if self.count is not None:
            return f"{len(self._had(look))} {self.what} so far, not {self.count}"
        return f"never had {' or '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class ThisIs(Leaf):
    """`this: {families: […]}`: what the appointment that started the journey was of."""

    of: Narrow

    def holds(self, look: Look) -> bool:
        """Whether it fits."""
        return look.this is not None and self.of.fits(look.this)

    def reason(self, look: Look) -> str:
        """What it was of instead."""
        if look.this is None:
            return "no appointment started this journey"
        by = (
            f" cancelled by the {look.this.cancelled_by}"
            if self.of.cancelled_by and look.this.cancelled_by
            else ""
        )
        return f"this appointment was of {', '.join(s.code for s in look.this.services) or 'nothing in particular'}{by}, not{self.of}"
