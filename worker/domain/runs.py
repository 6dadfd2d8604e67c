"""Runs: what ends one patient's way through a journey. How it goes on is in `steps`.

Rules
1. The goal ends a run whenever it is reached; it counts as success within its window.
2. `stop_if` ends it without success. What takes away the reason of a run withdraws it.
3. A rehearsal uses up nobody's turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from worker.domain.calendar import add_span, local_day
from worker.domain.conditions import Look
from worker.domain.conditions.visits import ANYTHING
from worker.domain.events import APPOINTMENT_STATUS, INTERNAL_TYPES, Event
from worker.domain.facts import Appointment, Facts
from worker.domain.history import Enrollment, Message, Trace
from worker.domain.journey import GiveTask, Heard, Journey
from worker.domain.ledger import parse_instant
from worker.domain.patient import Patient, Plan
from worker.domain.rules import Rules


class Runs:
    """The runs of one patient at one moment, and what was decided about them."""

    def __init__(self, rules: Rules, patient: Patient, now: datetime) -> None:
        self.rules = rules
        self.patient = patient
        self.now = now
        self.plan = Plan()

    @property
    def facts(self) -> Facts:
        """The facts of the ledger as it stands."""
        known, clinic = self.patient.facts, self.rules.clinic
        if known is not None and known.ledger is self.patient.ledger and known.clinic is clinic:
            return known
        same = known if known is not None and known.clinic is clinic else None
        found = self.patient.facts = Facts(self.patient.id, self.patient.ledger, clinic, same)
        return found

    def look(self, at: datetime, appointment: str | None = None) -> Look:
        """A look at the patient on the clinic-local day of `at`."""
        this = self.facts.appointment(appointment)
        enrollments = tuple(self.patient.enrollments.values())
        return Look(
            self.facts,
            local_day(at, self.rules.clinic.tz),
            self.rules.segments.named,
            enrollments,
            self.patient.contacts,
            this,
        )

    # -- ends -----------------------------------------------------------------------------------------------------------------

    def active(self) -> list[Enrollment]:
        """The runs under way."""
        return [run for run in self.patient.enrollments.values() if run.active]

    def _goals(self, event: Event, at: datetime) -> None:
        """End the runs whose goal was reached, whenever that was and in whatever order it was told."""
        for run in self.active():
            journey = self.rules.journey(run.journey, run.version)
            if journey is None or journey.goal is None:
                continue
            found = [
                (moment, heard.type)
                for heard in journey.goal.heard
                for moment in self._reached(run, heard, event)
                if moment >= run.entered_at
            ]
            if not found:
                continue
            moment, what = min(found)
            in_time = moment <= add_span(run.entered_at, journey.goal.within, self.facts.tz)
            when = f"{'within' if in_time else 'after'} {journey.goal.within}"
            self.end(run, "goal" if in_time else "goal_late", f"{what}, {when}", at)

    def _reached(self, run: Enrollment, heard: Heard, event: Event) -> Iterator[datetime]:
        if heard.type in APPOINTMENT_STATUS:
            yield from self.happened(run, heard)
        elif event.type == heard.type and (event.type not in INTERNAL_TYPES or self._answered(event, run)):
            yield event.time

    def _answered(self, event: Event, run: Enrollment) -> bool:
        journey = self.rules.journey(run.journey, run.version)
        return journey is not None and self._answers(event, run, journey)

    def _answers(self, event: Event, run: Enrollment, journey: Journey) -> bool:
        """Whether an answer is one to this run: the one that it names, else the one that did the last thing that can be answered."""
        named = event.data.get("enrollment")
        if named is not None:
            return bool(named == run.id)
        of = event.data.get("journey")
        if of not in (None, run.journey):
            return False
        if event.type == "task.done":
            wanted = event.data.get("step")
            return any(
                isinstance(step.action, GiveTask) and wanted in (None, step.id)
                for step in journey.all_steps()
            )
        reached = [
            (other.reached_at, other.id)
            for other in self.patient.enrollments.values()
            if other.reached_at is not None and other.reached_at <= event.time and of in (None, other.journey)
        ]
        return bool(reached) and max(reached)[1] == run.id

    def happened(self, run: Enrollment, heard: Heard) -> Iterator[datetime]:
        """The moments at which what is heard happened to the patient's appointments, but for what started the run."""
        started = self.facts.appointment(run.appointment)
        for key, told in self.patient.ledger["told"].items():
            if heard.type not in told or key == run.appointment:
                continue
            moment = parse_instant(told[heard.type][0])
            appointment = self.facts.appointment(key)
            if appointment is None:
                if heard.of == ANYTHING:
                    yield moment
                continue
            if not heard.of.fits(appointment):
                continue
            if heard.type == "visit.completed" and appointment.starts_at is not None:
                # Two treatments on one day are one visit: the second is not a return.
                if started is not None and started.status == "completed" and started.day == appointment.day:
                    continue
                moment = min(moment, appointment.starts_at)
            yield moment

    def _stops(self, at: datetime) -> None:
        for run in self.active():
            journey = self.rules.journey(run.journey, run.version)
            if (
                journey is not None
                and journey.stop_if is not None
                and journey.stop_if.holds(self.look(at, run.appointment))
            ):
                self.end(run, "stopped", "its `stop_if` holds", at)

    def _withdraw(self, fact_at: datetime, at: datetime) -> None:
        """End the runs whose reason a correction has taken away."""
        for run in self.active():
            journey = self.rules.journey(run.journey, run.version)
            if journey is None:
                continue
            if run.appointment is not None and not self._still_stands(run, journey):
                self.end(run, "withdrawn", "the appointment that started it was corrected", at)
            elif (
                journey.start.kind == "enters"
                and fact_at < run.entered_at
                and not self._was_in(journey.start.name, run.entered_at)
            ):
                self.end(
                    run,
                    "withdrawn",
                    f"with what is known now, the patient had not entered {journey.start.name}",
                    at,
                )

    def _still_stands(self, run: Enrollment, journey: Journey) -> bool:
        """Whether the appointment that started a run is what it was; a booking may have become a visit."""
        found = self.facts.appointment(run.appointment)
        wanted = APPOINTMENT_STATUS.get(run.started_by)
        if found is None or (journey.start.kind == "event" and not journey.start.of.fits(found)):
            return False
        return (
            wanted is None or found.status == wanted or (wanted == "booked" and found.status == "completed")
        )

    def _was_in(self, segment: str, entered_at: datetime) -> bool:
        """Whether the patient was in a segment then, with what is known now of the time until then."""
        day = local_day(entered_at, self.rules.clinic.tz)
        known = {
            a.id
            for a in self.facts.appointments
            if (a.day is not None and a.day <= day if a.status == "completed" else a.since <= entered_at)
        }
        appointments = {
            key: value for key, value in self.patient.ledger["appointments"].items() if key in known
        }
        then = Facts(
            self.patient.id, {**self.patient.ledger, "appointments": appointments}, self.rules.clinic
        )
        return self.rules.segments.look(then, day).within(segment)

    def end(self, run: Enrollment, outcome: str, why: str, at: datetime, step: str = "") -> None:
        """End a run, perhaps at a step; a message of it that has not left is dropped."""
        # A rehearsal uses up nobody's turn.
        rehearsed = self.rules.clinic.mode != "live" and not run.reached
        ended = run.end("rehearsed" if rehearsed else outcome, why, at)
        self._put(ended)
        self._trace(run.journey, step, at, outcome, why)
        message = self.patient.messages.get(run.waiting_for or "")
        if message is not None and message.state == "scheduled":
            self._keep(
                replace(message, state="dropped", reason=outcome, decided_at=self.now),
                "dropped",
                f"the run has ended: {why}",
            )

    # -- writing down ---------------------------------------------------------------------------------------------------------

    def _put(self, run: Enrollment) -> None:
        self.patient.enrollments[run.id] = run
        self.plan.enrollments.add(run.id)

    def _keep(self, message: Message, what: str, why: str) -> None:
        self.patient.messages[message.key] = message
        self.plan.messages.add(message.key)
        if what:
            self._trace(message.journey, message.step, self.now, what, why)
        run = self.patient.enrollments.get(message.enrollment)
        if message.state == "claimed" and run is not None:
            self._put(replace(run, reached=run.reached + 1, reached_at=self.now))

    def _trace(self, journey: str, step: str, at: datetime, what: str, why: str) -> None:
        self.plan.traces.append(Trace(self.patient.id, journey, step, at, what, why))

    def _appointment(self, event: Event) -> Appointment | None:
        return self.facts.appointment(event.data.get("appointment_id"))
