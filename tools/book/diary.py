"""The clinic's diary: who is free when. Nobody is booked twice at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tools.book.catalogue import WORKDAYS
from tools.book.dice import Dice
from tools.book.hours import at, is_open, opening

QUARTER = 15


@dataclass(frozen=True, slots=True)
class Slot:
    """A reserved time with one practitioner. `minutes` is the length."""

    starts_at: datetime
    minutes: int
    practitioner: str

    @property
    def ends_at(self) -> datetime:
        """The end, on the wall clock; no appointment spans a change of the clocks."""
        return self.starts_at + timedelta(minutes=self.minutes)


class Diary:
    """Reserved quarters of an hour, by day and practitioner."""

    def __init__(self) -> None:
        self._taken: defaultdict[tuple[date, str], set[int]] = defaultdict(set)

    def reserve(self, day: date, start: int, minutes: int, practitioner: str) -> Slot:
        """Reserve a known time; `start` in minutes after midnight.

        Raises ValueError where the clinic is closed, the practitioner is away, or the time is taken.
        """
        wanted = set(range(start, start + minutes, QUARTER))
        opens, closes = opening(day)
        if not is_open(day) or day.weekday() not in WORKDAYS[practitioner]:
            raise ValueError(f"{practitioner} does not work on {day:%A %d %B %Y}")
        if start < opens or start + minutes > closes or wanted & self._taken[day, practitioner]:
            raise ValueError(f"{practitioner} is not free on {day} at {start // 60}:{start % 60:02}")
        self._taken[day, practitioner] |= wanted
        return Slot(at(day, start), minutes, practitioner)

    def find(self, day: date, minutes: int, team: tuple[str, ...], favourite: str, dice: Dice) -> Slot:
        """Reserve the first possible day from `day` on, with the favourite of `team` if she is free."""
        while True:
            if is_open(day):
                ranked = sorted(team, key=lambda name: name != favourite)
                for practitioner in ranked:
                    starts = self._free_starts(day, minutes, practitioner)
                    if starts:
                        return self.reserve(day, dice.pick(starts), minutes, practitioner)
            day += timedelta(days=1)

    def after(self, slot: Slot, minutes: int, team: tuple[str, ...]) -> Slot | None:
        """Reserve a time soon after `slot`, on its day, with somebody else; None where nobody is free."""
        day = slot.starts_at.date()
        earliest = slot.starts_at.hour * 60 + slot.starts_at.minute + slot.minutes
        for practitioner in team:
            if practitioner == slot.practitioner:
                continue
            for start in self._free_starts(day, minutes, practitioner):
                if earliest <= start <= earliest + 60:
                    return self.reserve(day, start, minutes, practitioner)
        return None

    def _free_starts(self, day: date, minutes: int, practitioner: str) -> list[int]:
        if day.weekday() not in WORKDAYS[practitioner]:
            return []
        opens, closes = opening(day)
        taken = self._taken[day, practitioner]
        return [
            start
            for start in range(opens, closes - minutes + 1, QUARTER)
            if taken.isdisjoint(range(start, start + minutes, QUARTER))
        ]
