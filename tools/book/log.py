"""The log: facts are noted in any order and come out as CloudEvents, sorted by time and numbered so.

A patient's first event carries all that is known of her, later ones little or nothing. A fact may be noted
with a copy: the very same line then comes twice, as a queue would deliver it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tools.book.catalogue import SERVICES
from tools.book.diary import Slot
from tools.book.dice import Dice
from tools.book.hours import book_closes
from tools.book.people import Person

SOURCE: Final = "/clinic/athens/book"


@dataclass(slots=True)
class Appointment:
    """One entry of the clinic's book while it is being written; `version` is the last one given out."""

    person: Person
    codes: tuple[str, ...]
    slot: Slot
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Fact:
    time: datetime
    type: str
    person: Person
    appointment: Appointment | None
    data: dict[str, Any]
    copies: int


class Log:
    """Collects facts; `lines` tells them."""

    def __init__(self) -> None:
        self._facts: list[_Fact] = []

    def note(
        self,
        type_: str,
        when: datetime,
        person: Person,
        data: dict[str, Any],
        *,
        appointment: Appointment | None = None,
        copies: int = 0,
    ) -> None:
        """Note a fact. One that lies after the close of the book is not known yet, and is dropped."""
        if when <= book_closes():
            self._facts.append(_Fact(when.astimezone(UTC), type_, person, appointment, data, copies))

    def tell(
        self,
        type_: str,
        when: datetime,
        entry: Appointment,
        *,
        slot: Slot | None = None,
        version: int | None = None,
        copies: int = 0,
        **more: Any,
    ) -> None:
        """Note a fact of an appointment, with its next version and its own slot unless others are given."""
        if version is None:
            entry.version += 1
        shown = slot or entry.slot
        data = {
            "version": entry.version if version is None else version,
            "starts_at": shown.starts_at.isoformat(),
            "services": [SERVICES[code].as_event() for code in entry.codes],
            "location": "athens",
            "practitioner": shown.practitioner,
            **more,
        }
        self.note(type_, when, entry.person, data, appointment=entry, copies=copies)

    def lines(self) -> Iterator[str]:
        """The events as JSON texts, sorted by time; at one moment, in the order of noting."""
        dice = Dice("log")
        met: set[str] = set()
        numbers: dict[int, int] = {}
        repeated: list[str] = []
        moment: datetime | None = None
        for index, fact in enumerate(sorted(self._facts, key=lambda fact: fact.time), start=1):
            if fact.time != moment:
                yield from repeated
                repeated, moment = [], fact.time
            data: dict[str, Any] = {}
            if fact.appointment is not None:
                data["appointment_id"] = f"a-{numbers.setdefault(id(fact.appointment), len(numbers) + 1)}"
            data.update(fact.data)
            if fact.person.id not in met:
                data = {**data, "patient": {**fact.person.as_event(), **data.get("patient", {})}}
                met.add(fact.person.id)
            elif fact.appointment is not None and dice.chance(0.04):
                data["patient"] = _part(fact.person, dice)
            line = _line(f"e-{index:05}", fact, data)
            yield line
            repeated += [line] * fact.copies
        yield from repeated


def amount(cents: int) -> dict[str, Any]:
    """Money as an event carries it."""
    return {"minor": cents, "currency": "EUR"}


def _part(person: Person, dice: Dice) -> dict[str, Any]:
    known = person.as_event()
    parts = {
        "name": {"first_name", "last_name"},
        "contact": {"last_name", "phone", "email"},
        "language": {"language"},
    }
    chosen = parts[dice.pick(tuple(parts))]
    return {key: value for key, value in known.items() if key in chosen}


def _line(id_: str, fact: _Fact, data: dict[str, Any]) -> str:
    event = {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": fact.type,
        "subject": fact.person.id,
        "time": fact.time.isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
