"""Starts: who enters which journey, and who does not, and why.

Rules
1. A journey starts on the rising edge of what it waits for, or by an event that is news. The same reason starts it once.
2. What could have started a journey and did not leaves a trace that says why.
3. Who is held out, and who waits for a turn, is decided here, by lot.
4. A change of the rules starts nothing, and neither does what is told too late; whoever it moves to where a live journey starts is told so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import chain, count

from worker.domain import ledger as ledgers
from worker.domain.calendar import add_span, local_day
from worker.domain.conditions import Look
from worker.domain.conditions.person import next_birthday
from worker.domain.events import Event
from worker.domain.facts import Appointment, Facts
from worker.domain.history import EXISTING, Enrollment
from worker.domain.journey import Journey
from worker.domain.lots import LOTS, lot
from worker.domain.news import fits_now, is_news
from worker.domain.steps import Steps

BY_RULES = "the rules changed; nobody starts because of that"
TOO_OLD = "it was told too late: what is older than {} starts nothing"


class Starts(Steps):
    """The journeys that begin for one patient at one moment."""

    def _start(
        self,
        entered: frozenset[str],
        left: frozenset[str],
        event: Event | None,
        news: bool,
        before: Appointment | None,
        appointment: Appointment | None,
        at: datetime,
    ) -> None:
        day = local_day(at, self.rules.clinic.tz)
        for name in self.rules.startable(event.type if event is not None else None, entered, left):
            journey = self.rules.journeys[name]
            start = journey.start
            if journey.status != "live":
                continue
            if start.edge:
                if f"start:{name}" in entered:
                    self._enroll(journey, _anchor(journey, self.facts, day), event, appointment, at)
                elif start.kind == "enters" and start.name in entered:
                    self._trace(
                        name,
                        "",
                        at,
                        "not started",
                        start.only_if.why_not(self._now_look()) or "it was so before",
                    )
            elif start.kind == "leaves":
                if start.name in left:
                    self._start_if(journey, f"{start.name}@{day}", event, appointment, at)
            elif (
                event is not None
                and event.type == start.name
                and fits_now(journey, news, before, appointment)
            ):
                self._start_if(journey, event.id, event, appointment, at)

    def _start_nobody(
        self, entered: frozenset[str], left: frozenset[str], at: datetime, why: str = BY_RULES
    ) -> None:
        """Say of each live journey that a change of the facts would have started why it did not."""
        for name in sorted(self.rules.journeys):
            start = self.rules.journeys[name].start
            moved = (
                start.name in left
                if start.kind == "leaves"
                else f"start:{name}" in entered or (start.kind == "enters" and start.name in entered)
            )
            if moved and self.rules.live(name):
                self._trace(name, "", at, "not started", why)

    def _too_old(self) -> str:
        return TOO_OLD.format(self.rules.policy.live_window)

    def _start_none_by(
        self, event: Event, before: Appointment | None, after: Appointment | None, at: datetime
    ) -> None:
        """Say of each live journey that an event would have started that it was told too late."""
        news = is_news(event, before, after)
        for name in sorted(self.rules.journeys):
            journey = self.rules.journeys[name]
            if (
                journey.start.kind == "event"
                and journey.start.name == event.type
                and self.rules.live(name)
                and fits_now(journey, news, before, after)
            ):
                self._trace(name, "", at, "not started", self._too_old())

    def _rose_then(self, at: datetime) -> frozenset[str]:
        """The journeys' starts that became true at `at`, as far as was told by then: what a late event would have started, had it come in time.

        What was told since may end such a run at once; it must not keep it from having been.
        """
        until, day = ledgers.instant(at), local_day(at, self.rules.clinic.tz)
        told = self.patient.ledger["appointments"]
        known = {key: records for key, records in told.items() if records[0]["since"] <= until}
        earlier = {key: records for key, records in known.items() if records[0]["since"] < until}
        runs = tuple(run for run in self.patient.enrollments.values() if run.entered_at <= at)
        contacts = tuple(contact for contact in self.patient.contacts if contact.at <= at)
        looks = [
            self.rules.segments.look(
                Facts(self.patient.id, {**self.patient.ledger, "appointments": these}, self.rules.clinic),
                day,
                runs,
                contacts,
            )
            for these in (earlier, known)
        ]
        watched = self.rules.segments.watched.items()
        return frozenset(
            name for name, asked in watched if asked.holds(looks[1]) and not asked.holds(looks[0])
        )

    def _told_before_merge(self, event: Event) -> bool:
        """Whether an event was told of a record that had given way by then: it belongs to that merge, which starts nothing."""
        merged = self.patient.ledger["merged"].get(event.subject)
        return merged is not None and ledgers.instant(event.time) <= merged

    def _now_look(self, appointment: str | None = None) -> Look:
        """A look on the day of the patient's own clock."""
        return self.look(self.patient.as_of or self.now, appointment)

    def _start_if(
        self,
        journey: Journey,
        anchor: str,
        event: Event | None,
        appointment: Appointment | None,
        at: datetime,
    ) -> None:
        why = journey.start.only_if.why_not(self._now_look(appointment.id if appointment else None))
        if why is None:
            self._enroll(journey, anchor, event, appointment, at)
        else:
            self._trace(journey.name, "", at, "not started", why)

    def _enroll(
        self,
        journey: Journey,
        anchor: str,
        event: Event | None,
        appointment: Appointment | None,
        at: datetime,
    ) -> None:
        why = self._why_not_again(journey, anchor, appointment, at)
        look = self._now_look(appointment.id if appointment is not None else None)
        if why is None and journey.stop_if is not None and journey.stop_if.holds(look):
            why = "its `stop_if` holds already"
        if why is not None:
            self._trace(journey.name, "", at, "not started", why)
            return
        anchor = self._free(journey, anchor)
        run = Enrollment(
            id=f"{journey.name}/{self.patient.id}/{anchor}", patient=self.patient.id, journey=journey.name, version=journey.version, anchor=anchor, entered_at=at,
            started_by=event.type if event is not None else "time", appointment=appointment.id if appointment is not None else None,
            position=journey.first, based_at=at, hears_from=at, due_at=at, held_out=self._held_out(journey),
            lot=lot(self.rules.clinic.id, "pace", journey.name, self.patient.id) if journey.pace is not None else None,
        )  # fmt: skip
        self._trace(
            journey.name, "", at, "started", str(journey.start) + (", held out" if run.held_out else "")
        )
        self._put(self._aim(run, journey))

    def _free(self, journey: Journey, anchor: str) -> str:
        """A run that came to nothing leaves its name behind; its reason has come back under another."""
        names = {run.anchor for run in self.patient.enrollments.values() if run.journey == journey.name}
        candidates = chain([anchor], (f"{anchor}.{number}" for number in count(2)))
        return next(name for name in candidates if name not in names)

    def _held_out(self, journey: Journey) -> bool:
        """Whether the lot leaves this patient out of this journey, always the same for one patient."""
        if not journey.holdout or self.rules.holdout == "nobody":
            return False
        drawn = lot(self.rules.clinic.id, "holdout", journey.name, self.patient.id)
        return self.rules.holdout == "everybody" or drawn < journey.holdout * (LOTS // 100)

    def give_turn(self, key: str, at: datetime) -> None:
        """The journey's pace lets a run that waited begin at `at`. Raises KeyError for a run that is not known."""
        run = self.patient.enrollments[key]
        if run.waits_for_turn:
            journey = self.rules.journey(run.journey, run.version)
            # The steps of one who had come long before count from then: a turn only says when they may be looked at.
            based_at = min(run.based_at, at) if run.started_by == EXISTING else at
            given = replace(run, turn_at=at, based_at=based_at, due_at=at)
            self._put(self._aim(given, journey) if journey is not None else given)

    def _why_not_again(
        self, journey: Journey, anchor: str, appointment: Appointment | None, at: datetime
    ) -> str | None:
        earlier = [run for run in self.patient.enrollments.values() if run.journey == journey.name]
        # A run that came to nothing before it reached anybody does not use up a turn.
        used = [
            run for run in earlier if run.outcome not in ("withdrawn", "merged", "rehearsed") or run.reached
        ]
        if any(run.anchor == anchor for run in used):
            return "this has started it before"
        if journey.per_appointment:
            if appointment is not None and any(run.appointment == appointment.id for run in used):
                return "it ran for this appointment before"
            return None
        if any(run.active for run in earlier):
            return "it is under way already"
        if journey.repeat.always or not used:
            return None
        if journey.repeat.every is None:
            return "the patient was in this journey before, and it does not repeat"
        last = max(run.entered_at for run in used)
        if add_span(last, journey.repeat.every, self.rules.clinic.tz) <= at:
            return None
        return f"the patient entered it on {local_day(last, self.rules.clinic.tz)}; it repeats once every {journey.repeat.every}"


def _anchor(journey: Journey, facts: Facts, day: date) -> str:
    """What a start that is watched is named by, so that the same reason can't enroll twice."""
    start = journey.start
    if start.days is not None:
        return f"date@{start.days.first}"
    born = facts.birth_date
    if start.kind == "date" and born is not None:
        return f"birthday@{next_birthday(born, day)}"
    return f"{start.name}@{day}"
