"""Patients who stood where a journey starts before it began to run: they enter it because a person says so, dated back to the day on which they had come there.

Rules
1. The day is found from the facts: the first of the days, up to today, on which all that the journey waits for has held without a break. It names the run as a start of that day
   would have, so the same reason enrolls nobody twice, whoever asks and how often.
2. Its steps count from that day; what is past by then is skipped and says so. Of whom every step is past, nobody is enrolled. In a rollout (`afresh`) they count from the turn.
3. One journey at a time: the first by priority takes the patient, and nobody enters who is under way in any other.
4. Everyone waits for a turn (`spread`). Consent, holds, intervals and caps are the gate's, as for every message.
5. The goal's window and `repeat` count from the moment of entry, not from the day before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Literal

from worker.domain.calendar import local_day, midnight
from worker.domain.conditions import Condition
from worker.domain.events import APPOINTMENT_STATUS
from worker.domain.facts import Facts
from worker.domain.history import EXISTING, ROLLOUT, Enrollment
from worker.domain.journey import Journey
from worker.domain.ledger import Ledger, instant, parse_instant
from worker.domain.lots import lot
from worker.domain.starts import Starts

Answer = Literal["enrolled", "another", "under_way", "before", "stopped", "past"]
"""`another`: a journey that goes first took the patient. `under_way`: in a journey already. `before`: has been in this one. `past`: every step is past."""

MAX_TURNS: Final = 400


@dataclass(frozen=True, slots=True)
class Stood:
    """What was answered for one journey at whose start the patient stands, and since when that is so."""

    journey: str
    since: date
    answer: Answer
    why: str = ""


class Existing(Starts):
    """The journeys that a patient may enter who stood at their start before."""

    def enroll_existing(self, names: Iterable[str] | None = None, *, afresh: bool = False) -> list[Stood]:
        """Enter the first by priority of these journeys (None: of all) that takes the patient; says so of each at whose start she stands.

        Let time pass first: who stands where is what the patient's segments say. Nothing is asked of a patient who died or was forgotten.
        """
        if self.facts.erased or self.facts.deceased:
            return []
        wanted = None if names is None else set(names)
        found: list[Stood] = []
        for journey in sorted(self._starting(), key=lambda one: (one.priority, one.name)):
            if wanted is None or journey.name in wanted:
                since = self.stands_since(journey)
                if any(one.answer == "enrolled" for one in found):
                    found.append(Stood(journey.name, since, "another", "another journey goes first"))
                else:
                    found.append(Stood(journey.name, since, *self._asked(journey, since, afresh)))
        return found

    def stands_since(self, journey: Journey) -> date:
        """The clinic-local day from which on the patient has stood where the journey starts. She stands there today."""
        watched = self.rules.segments.watched[f"start:{journey.name}"]
        return self._held_since(watched) or local_day(self.patient.as_of or self.now, self.rules.clinic.tz)

    def _starting(self) -> Iterable[Journey]:
        for name, journey in self.rules.journeys.items():
            if (
                self.rules.live(name)
                and journey.start.kind == "enters"
                and f"start:{name}" in self.patient.members
            ):
                yield journey

    def _asked(self, journey: Journey, since: date, afresh: bool) -> tuple[Answer, str]:
        anchor = f"{journey.start.name}@{since}"
        under_way = next((run for run in self.active()), None)
        if under_way is not None:
            return "under_way", f"the patient is under way in {under_way.journey}"
        why = self._why_not_again(journey, anchor, None, self.now)
        if why is not None:
            return "before", why
        if journey.stop_if is not None and journey.stop_if.holds(self._now_look()):
            return "stopped", "its `stop_if` holds already"
        run = self._dated_back(journey, self._free(journey, anchor), since, afresh)
        if not afresh and self._is_past(run):
            return "past", "every step of it is past"
        said = f"stood there since {since}" + (", held out" if run.held_out else "")
        self._trace(journey.name, "", self.now, "started", said)
        self._put(self._aim(run, journey))
        return "enrolled", ""

    def _dated_back(self, journey: Journey, anchor: str, since: date, afresh: bool) -> Enrollment:
        began = min(midnight(since, self.rules.clinic.tz), self.now)
        return Enrollment(
            id=f"{journey.name}/{self.patient.id}/{anchor}", patient=self.patient.id, journey=journey.name, version=journey.version, anchor=anchor,
            entered_at=self.now, started_by=ROLLOUT if afresh else EXISTING, appointment=None, position=journey.first,
            based_at=self.now if afresh else began, hears_from=self.now, due_at=None,
            # In a rollout the other half is what the effect is measured against, and everyone is written to in the end.
            held_out=not afresh and self._held_out(journey),
            lot=lot(self.rules.clinic.id, "pace", journey.name, self.patient.id),
        )  # fmt: skip

    def _is_past(self, run: Enrollment) -> bool:
        """Whether nothing would come of it: gone through at once, it ends without a message, a task or a tag."""
        tried = replace(run, lot=None, held_out=False, due_at=run.based_at)
        patient = replace(self.patient, enrollments={run.id: tried}, messages={}, seen=None)
        other = type(self)(self.rules, patient, self.now)
        other._advance_all()
        did = patient.messages or other.plan.tasks or patient.ledger is not self.patient.ledger
        return not did and not patient.enrollments[run.id].active

    # -- since when -----------------------------------------------------------------------------------------------------------

    def _held_since(self, condition: Condition) -> date | None:
        """The first day of those, up to the patient's own clock, on which a condition has held without a break; None where nothing is known of the time before."""
        tz = self.rules.clinic.tz
        last = local_day(self.patient.as_of or self.now, tz)
        since: date | None = None
        for day in sorted((day for day in self._days_of_facts() if day <= last), reverse=True):
            held, unbroken = self._walk(condition, day, last)
            if held is None:
                return since
            since = held
            if not unbroken:
                return since
            last = day - timedelta(days=1)
        return since

    def _walk(self, condition: Condition, first: date, last: date) -> tuple[date | None, bool]:
        """From when on it held to the end of these days, on which nothing but time happened; and whether it held on all of them."""
        then = Facts(self.patient.id, self._told_by(first), self.rules.clinic)
        runs = tuple(self.patient.enrollments.values())
        look = self.rules.segments.look(then, first, runs, self.patient.contacts)
        held: date | None = None
        unbroken = True
        for _ in range(MAX_TURNS):
            if look.holds(condition):
                held = held or look.today
            else:
                held, unbroken = None, False
            turn = condition.turn(look)
            if turn is None or turn > last:
                break
            look = look.on(turn)
        return held, unbroken

    def _told_by(self, day: date) -> Ledger:
        """The ledger with the appointments as they stood at the end of a clinic-local day. A visit counts from its own day, whenever it was told."""
        ledger = self.patient.ledger
        until = instant(midnight(day + timedelta(days=1), self.rules.clinic.tz) - timedelta(microseconds=1))
        kept: dict[str, Any] = {}
        for appointment in self.facts.appointments:
            records = ledger["appointments"][appointment.id]
            if appointment.status == "completed" and appointment.day is not None and appointment.day <= day:
                kept[appointment.id] = records
                continue
            told = ledger["told"].get(appointment.id, {}).items()
            by_then = [(stamp, APPOINTMENT_STATUS[kind]) for kind, stamp in told if stamp[0] <= until and kind in APPOINTMENT_STATUS]  # fmt: skip
            if by_then:
                _, status = max(by_then)
                kept[appointment.id] = [{**records[0], "status": status}, *records[1:]]
        return {**ledger, "appointments": kept}

    def _days_of_facts(self) -> set[date]:
        """The clinic-local days on which something became so: visits, what was told of appointments, and the record itself."""
        ledger, tz = self.patient.ledger, self.rules.clinic.tz
        stamps = [stamp for told in ledger["told"].values() for stamp in told.values()]
        stamps += [entry["stamp"] for entry in ledger["profile"].values()]
        visits = {visit.day for visit in self.facts.visits}
        return visits | {local_day(parse_instant(stamp[0]), tz) for stamp in stamps}
