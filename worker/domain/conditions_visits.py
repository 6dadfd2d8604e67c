"""Conditions over appointments: how many, how long ago, of what, and what they brought in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from worker.domain.calendar import Span, add_days, sub_days
from worker.domain.conditions import Leaf, Look
from worker.domain.facts import Appointment

Kind = Literal["visits", "treatments", "cancelled", "missed"]
_STATUS: Final = {"visits": "completed", "treatments": "completed", "cancelled": "cancelled", "missed": "no_show"}
_WORDS: Final = {"visits": "visit", "treatments": "treatment", "cancelled": "cancelled booking", "missed": "missed booking"}


@dataclass(frozen=True, slots=True)
class Narrow:
    """`of: {…}`: which appointments count. Several keys mean all of them; a list means any of it."""

    families: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    practitioner: tuple[str, ...] = ()
    location: tuple[str, ...] = ()

    def fits(self, appointment: Appointment) -> bool:
        """Whether the appointment counts."""
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
        return f" of {', '.join(parts)}" if parts else ""


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


def days_of(look: Look, kind: Kind, of: Narrow) -> list[date]:
    """The distinct clinic-local days of that kind, in order."""
    status = _STATUS[kind]
    found = {
        appointment.day
        for appointment in look.facts.appointments
        if appointment.status == status
        and appointment.day is not None
        and (kind != "treatments" or appointment.treatment)
        and of.fits(appointment)
    }
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Number(Leaf):
    """`visits: at least 2 in 12 months`: distinct days, optionally narrowed, optionally within a trailing span."""

    kind: Kind
    count: Count
    within: Span | None = None
    of: Narrow = ANYTHING

    def why_not(self, look: Look) -> str | None:
        """The number there is."""
        days = days_of(look, self.kind, self.of)
        if self.within is not None:
            days = [day for day in days if look.today < add_days(day, self.within)]
        if self.count.holds(len(days)):
            return None
        when = f" in {self.within}" if self.within else ""
        plural = "" if len(days) == 1 else "s"
        return f"{len(days)} {_WORDS[self.kind]}{plural}{self.of}{when}, not {self.count}"

    def turns(self, look: Look) -> Iterator[date]:
        """Where a day drops out of the span."""
        if self.within is not None:
            for day in days_of(look, self.kind, self.of):
                end = add_days(day, self.within)
                if end > look.today:
                    yield end


@dataclass(frozen=True, slots=True)
class Ago(Leaf):
    """`last_visit: at least 6 months ago`; `ago=False` is its opposite, `less than`. `span=None` asks for any, `never` for none."""

    which: Literal["first_visit", "last_visit"]
    span: Span | None
    at_least: bool = True
    never: bool = False
    of: Narrow = ANYTHING

    def anchor(self, look: Look) -> date | None:
        """The day that it looks at."""
        days = days_of(look, "visits", self.of)
        return (days[0] if self.which == "first_visit" else days[-1]) if days else None

    def why_not(self, look: Look) -> str | None:
        """When it was."""
        anchor, label = self.anchor(look), self.which.replace("_", " ") + str(self.of)
        if self.never:
            return None if anchor is None else f"{label} was on {anchor}"
        if anchor is None:
            return f"no visit{self.of} yet"
        if self.span is None:
            return None
        turn = add_days(anchor, self.span)
        if (look.today >= turn) == self.at_least:
            return None
        return f"{label} was on {anchor}, not {'at least' if self.at_least else 'less than'} {self.span} ago"

    def turns(self, look: Look) -> Iterator[date]:
        """The day on which the span is over."""
        anchor = self.anchor(look)
        if anchor is not None and self.span is not None:
            turn = add_days(anchor, self.span)
            if turn > look.today:
                yield turn


@dataclass(frozen=True, slots=True)
class NextBooking(Leaf):
    """`next_booking: none`, `any`, `within 7 days`. A booking counts until its clinic-local day is over."""

    wanted: bool
    within: Span | None = None
    of: Narrow = ANYTHING

    def _days(self, look: Look) -> list[date]:
        days = (a.day for a in look.facts.bookings_from(look.today) if self.of.fits(a))
        return sorted(day for day in days if day is not None)

    def why_not(self, look: Look) -> str | None:
        """The booking there is."""
        days = self._days(look)
        near = [day for day in days if self.within is None or day < add_days(look.today, self.within)]
        if self.wanted:
            return None if near else f"no booking{self.of}{f' within {self.within}' if self.within else ''}"
        return f"has a booking{self.of} on {near[0]}" if near else None

    def turns(self, look: Look) -> Iterator[date]:
        """The day after each booking, and the day on which it comes near."""
        for day in self._days(look):
            yield day + timedelta(days=1)
            if self.within is not None:
                near = sub_days(day, self.within) + timedelta(days=1)
                # Clamping makes subtraction inexact by up to three days, so the days around it are looked at too.
                for offset in range(-3, 4):
                    if near + timedelta(days=offset) > look.today:
                        yield near + timedelta(days=offset)


@dataclass(frozen=True, slots=True)
class Had(Leaf):
    """`families: [laser_hair]` ever had one of them; `families: exactly 1` how many distinct ones among treatments."""

    what: Literal["families", "services", "areas"]
    names: tuple[str, ...] = ()
    count: Count | None = None

    def why_not(self, look: Look) -> str | None:
        """What there was."""
        services = [service for a in look.facts.completed for service in a.services if self.count is None or service.counts_as_treatment]
        key = {"families": "family", "services": "code", "areas": "area"}[self.what]
        had = {str(getattr(service, key)) for service in services} - {"none"}
        if self.count is not None:
            return None if self.count.holds(len(had)) else f"{len(had)} {self.what} so far, not {self.count}"
        return None if had & set(self.names) else f"never had {' or '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class ThisIs(Leaf):
    """`this: {families: […]}`: what the appointment that started the journey was of."""

    of: Narrow

    def why_not(self, look: Look) -> str | None:
        """What it was of instead."""
        if look.this is None:
            return "no appointment started this journey"
        if self.of.fits(look.this):
            return None
        return f"this appointment was of {', '.join(s.code for s in look.this.services) or 'nothing in particular'}, not{self.of}"


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

    def _takings(self, look: Look) -> list[tuple[date, int]]:
        return [(a.day, a.net) for a in look.facts.completed if a.day is not None and a.currency in (self.currency, None)]

    def _sum(self, takings: list[tuple[date, int]], today: date) -> int:
        return sum(net for day, net in takings if day <= today < add_days(day, self.within))

    def _state(self, look: Look) -> tuple[bool, int]:
        takings = self._takings(look)
        if not takings:
            return False, 0
        days = {day for day, _ in takings}
        if not self.before_last_visit:
            days |= {end for day, _ in takings if (end := add_days(day, self.within)) <= look.today} | {look.today}
        inside, amount = False, 0
        for day in sorted(days):
            amount = self._sum(takings, day)
            inside = amount >= (self.leave_below if inside else self.at_least)
        return inside, amount

    def why_not(self, look: Look) -> str | None:
        """What it came to."""
        inside, amount = self._state(look)
        if inside:
            return None
        anchor = " before the last visit" if self.before_last_visit else ""
        return f"net revenue of {amount / 100:.2f} {self.currency} in {self.within}{anchor}, not at least {self.at_least / 100:.2f}"

    def turns(self, look: Look) -> Iterator[date]:
        """Where a visit drops out of the span."""
        if not self.before_last_visit:
            for day, _ in self._takings(look):
                end = add_days(day, self.within)
                if end > look.today:
                    yield end
