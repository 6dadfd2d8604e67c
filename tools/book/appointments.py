"""From a plan to the clinic's book: booked, moved, kept, cancelled or missed, and now and then corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tools.book.archetypes import HORIZON, Plan, Planned, behaviour, never_came
from tools.book.catalogue import DOCTORS, SERVICES, SUCCESSORS, THERAPISTS
from tools.book.diary import Diary, Slot
from tools.book.dice import Dice
from tools.book.hours import BOOK_START, at, book_closes, is_open, opening
from tools.book.log import Appointment, Log, amount
from tools.book.people import Person

_FATES = {"kept": 86.0, "moved": 7.0, "cancelled": 5.0, "missed": 2.2}
_LEAD_DAYS = {(1, 2): 18.0, (3, 7): 34.0, (8, 14): 26.0, (15, 40): 22.0}


def price(codes: tuple[str, ...], day: date, dice: Dice) -> int:
    """What was paid, in cents: the list price, four per cent more each year, and what the till made of it."""
    years = (day - BOOK_START).days // 365
    cents = sum(SERVICES[code].euros for code in codes) * (100 + 4 * years)
    if not cents or (codes == ("CONS",) and dice.chance(0.5)):
        return 0
    if dice.chance(0.55):
        return cents
    return cents * dice.between(86, 104) // 100 - dice.between(0, 99)


@dataclass(slots=True)
class Patient:
    """Writes one patient's plan into the diary and the log, in order of time.

    `free_from` is the end of her last appointment: nothing is booked for her before it. `late` is the number
    of days by which her plan has slipped.
    """

    person: Person
    diary: Diary
    log: Log
    dice: Dice
    first_day: date
    referred_by: str | None = None
    late: int = 0
    free_from: datetime | None = None

    def live(self) -> None:
        """Her whole time with the clinic."""
        kind = behaviour(self.person, self.first_day, self.dice)
        if kind is never_came:
            self._enquire()
            return
        self.follow(kind(self.first_day, self.dice))

    def follow(self, plan: Plan) -> None:
        """Every visit of the plan that the book can know of, until she gives up."""
        for planned in plan:
            day = self._wanted_day(planned.day)
            if day > HORIZON:
                return
            if not self._keep(Planned(day, self._codes_of(planned.codes, day))) and self.dice.chance(0.3):
                return

    def _wanted_day(self, day: date) -> date:
        day += timedelta(days=self.late)
        if day.month == 8 and self.dice.chance(0.5):
            return date(day.year, 9, 1) + timedelta(days=self.dice.between(0, 24))
        return day

    def _codes_of(self, codes: tuple[str, ...], day: date) -> tuple[str, ...]:
        if (day - BOOK_START).days > 300:
            return codes
        return tuple(SUCCESSORS.get(code, code) for code in codes)

    def _keep(self, planned: Planned) -> bool:
        """Whether she came in the end; a visit that falls through is sometimes booked anew, up to twice."""
        day = planned.day
        for _attempt in range(3):
            slot = self._find(day, planned.codes)
            entry = Appointment(self.person, planned.codes, slot)
            booked = self._booked_at(slot)
            if booked > book_closes():
                return False
            self.free_from = self._write(entry, booked)
            if entry.slot.starts_at < self.free_from:
                self.late += max(0, (entry.slot.starts_at.date() - planned.day).days)
                return True
            if not self.dice.chance(0.6):
                return False
            day = self.free_from.date() + timedelta(days=self.dice.between(3, 15))
        return False

    def _find(self, day: date, codes: tuple[str, ...]) -> Slot:
        minutes = sum(SERVICES[code].minutes for code in codes)
        team = DOCTORS if any(SERVICES[code].by == DOCTORS for code in codes) else THERAPISTS
        favourite = team[int(self.person.id[2:]) % 2]
        if self.free_from is not None and day <= self.free_from.date():
            day = self.free_from.date() + timedelta(days=1)
        while not is_open(day):
            day += timedelta(days=self.dice.between(1, 4))
        return self.diary.find(day, minutes, team, favourite, self.dice)

    def _booked_at(self, slot: Slot) -> datetime:
        days = self.dice.between(*self.dice.weighted(_LEAD_DAYS))
        evening = at(slot.starts_at.date() - timedelta(days=days), self.dice.between(9 * 60, 22 * 60 + 30))
        if self.free_from is None:
            return evening
        leaving = self.free_from + timedelta(minutes=self.dice.between(3, 20))
        return leaving if evening < leaving or self.dice.chance(0.4) else evening

    def _write(self, entry: Appointment, booked: datetime) -> datetime:
        """The appointment's events. Returns when it was over: after its start only where she came."""
        fate = self.dice.weighted(_FATES)
        if fate == "kept" and self.free_from is not None and self.dice.chance(0.03):
            entry.version = -1  # she walked in: the book has no booking of it, and its first version is 0
        else:
            self._tell("booking.created", booked, entry)
        if fate == "moved":
            booked = self._move(entry, booked)
        if fate == "cancelled":
            when = self._between(booked, entry.slot.starts_at)
            by = "patient" if self.dice.chance(0.8) else "clinic"
            self._tell("booking.cancelled", when, entry, cancelled_by=by)
            return when
        if fate == "missed":
            return self._miss(entry)
        return self._complete(entry, entry.slot.ends_at)

    def _move(self, entry: Appointment, booked: datetime) -> datetime:
        moved = self._between(booked, entry.slot.starts_at)
        day = max(moved.date(), entry.slot.starts_at.date() + timedelta(days=self.dice.between(-3, 9)))
        entry.slot = self._find(day + timedelta(days=1), entry.codes)
        self._tell("booking.rescheduled", moved, entry)
        return moved

    def _miss(self, entry: Appointment) -> datetime:
        noted = entry.slot.starts_at + timedelta(minutes=self.dice.between(15, 40))
        self._tell("booking.no_show", noted, entry)
        if not self.dice.chance(0.12):
            return entry.slot.starts_at
        # The front desk had ticked the wrong line, and puts it right at the end of the day.
        day = entry.slot.starts_at.date()
        closing = at(day, opening(day)[1] + self.dice.between(45, 70))
        return self._complete(entry, closing)

    def _complete(self, entry: Appointment, when: datetime) -> datetime:
        early = entry.slot
        stale = entry.version > 0 and self.dice.chance(0.004)
        if stale:
            entry.version += 1
        paid = price(entry.codes, entry.slot.starts_at.date(), self.dice)
        more: dict[str, Any] = {"net": amount(paid)}
        if self.referred_by is not None:
            more["referred_by"], self.referred_by = self.referred_by, None
        self._tell("visit.completed", when, entry, **more)
        if stale:
            late = when + timedelta(minutes=self.dice.between(20, 1500))
            self._tell("booking.rescheduled", late, entry, slot=early, version=entry.version - 1)
        self._afterwards(entry, when, paid)
        return when

    def _afterwards(self, entry: Appointment, when: datetime, paid: int) -> None:
        later = when + timedelta(minutes=self.dice.between(30, 4000))
        if paid and self.dice.chance(0.008):
            back = paid if self.dice.chance(0.5) else paid * self.dice.between(10, 60) // 100
            self.log.note("payment.refunded", later, self.person, {"net": amount(back)}, appointment=entry)
        elif self.dice.chance(0.003):
            self._tell("visit.voided", later, entry)
        if entry.slot.ends_at == when and self.dice.chance(0.025):
            self._second(entry)

    def _second(self, entry: Appointment) -> None:
        """Another appointment on the same day, with a colleague."""
        code = self.dice.pick(("LED", "REV", "HYD"))
        slot = self.diary.after(entry.slot, SERVICES[code].minutes, SERVICES[code].by)
        if slot is None:
            return
        second = Appointment(self.person, (code,), slot)
        paid = price(second.codes, slot.starts_at.date(), self.dice)
        self._tell("visit.completed", slot.ends_at, second, net=amount(paid))

    def _enquire(self) -> None:
        """She is known to the clinic and has never been there."""
        asked = at(self.first_day, self.dice.between(10 * 60, 19 * 60))
        self.log.note("patient.upserted", asked, self.person, {"patient": self.person.as_event()})
        if self.dice.chance(0.4):
            entry = Appointment(
                self.person, ("CONS",), self._find(self.first_day + timedelta(days=5), ("CONS",))
            )
            self._tell("booking.created", asked + timedelta(minutes=8), entry)
            cancelled = self._between(asked + timedelta(minutes=8), entry.slot.starts_at)
            self._tell("booking.cancelled", cancelled, entry, cancelled_by="patient")

    def _between(self, first: datetime, last: datetime) -> datetime:
        """A minute of the waking day between the two, closer to the last."""
        minutes = int((last - first).total_seconds() // 60)
        when = first + timedelta(minutes=minutes * self.dice.about(40, 98) // 100)
        waking = when.replace(hour=self.dice.between(9, 21)) if when.hour < 9 or when.hour > 21 else when
        return waking if first < waking < last else when

    def _tell(self, type_: str, when: datetime, entry: Appointment, **more: Any) -> None:
        copies = 1 if self.dice.chance(0.004) else 0
        self.log.tell(type_, when, entry, copies=copies, **more)
