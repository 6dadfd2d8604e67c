"""Runs: how one patient goes through a journey, and how that ends.

Rules
1. A `send` waits until its message settles. The next wait counts from the first moment at which it could have left.
2. A step that is too late is skipped and says so; what a cap or a hold held up is excused, a pause is not.
3. The goal ends a run whenever it is reached; it counts as success within its window. What takes away the reason of a run withdraws it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from worker.domain.calendar import add_span, local_day
from worker.domain.conditions import Look
from worker.domain.conditions_visits import ANYTHING
from worker.domain.events import APPOINTMENT_STATUS, Event
from worker.domain.facts import Appointment, Facts
from worker.domain.gate import first_moment
from worker.domain.history import Enrollment, Message, Task, Trace
from worker.domain.journey import GiveTask, Heard, Journey, Send, Stop
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
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """The facts of the ledger as it stands."""
        if self._facts is None or self._facts.ledger is not self.patient.ledger:
            self._facts = Facts(self.patient.id, self.patient.ledger, self.rules.clinic, self._facts)
        return self._facts

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
        """The moments at which what is heard happened, but for what started the run."""
        if heard.type not in APPOINTMENT_STATUS:
            if event.type == heard.type:
                yield event.time
            return
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

    def end(self, run: Enrollment, outcome: str, why: str, at: datetime) -> None:
        """End a run; a message of it that has not left is dropped."""
        # A rehearsal uses up nobody's turn.
        rehearsed = self.rules.clinic.mode != "live" and not run.reached
        ended = run.end("rehearsed" if rehearsed else outcome, why, at)
        self._put(ended)
        self._trace(run.journey, "", at, outcome, why)
        message = self.patient.messages.get(run.waiting_for or "")
        if message is not None and message.state == "scheduled":
            self._keep(
                replace(message, state="dropped", reason=outcome, decided_at=self.now),
                "dropped",
                f"the run has ended: {why}",
            )

    # -- steps ----------------------------------------------------------------------------------------------------------------

    def _advance_all(self) -> None:
        for key in sorted(self.patient.enrollments):
            while self._advance(self.patient.enrollments[key]):
                pass

    def _advance(self, run: Enrollment) -> bool:
        """Take the next step if it is due; True where there may be another."""
        if not run.active or run.due_at is None or run.due_at > self.now:
            return False
        journey = self.rules.journey(run.journey, run.version)
        if journey is None:
            self.end(run, "stopped", "the journey is no longer known", self.now)
            return False
        if run.position >= len(journey.steps):
            self.end(run, "finished", "all steps done", run.due_at)
            return False
        if not self.rules.live(run.journey):
            self._put(replace(run, due_at=self.now + timedelta(hours=1)))
            return False
        if journey.stop_if is not None and journey.stop_if.holds(self.look(self.now, run.appointment)):
            self.end(run, "stopped", "its `stop_if` holds", self.now)
            return False
        # A pause puts the next look off, not the moment at which the step was due.
        step, due = journey.steps[run.position], self._aim(run, journey).due_at or run.due_at
        expires_at = add_span(due, journey.expires, self.facts.tz)
        if isinstance(step.action, Stop):
            self.end(run, "finished", step.action.reason, due)
            return False
        if self.now > expires_at:
            self._trace(
                run.journey,
                step.id,
                self.now,
                "skipped",
                f"too late: it was due on {due.astimezone(self.facts.tz):%Y-%m-%d %H:%M}",
            )
            self._go_on(run, due)
            return True
        if isinstance(step.action, GiveTask):
            self._task(run, step.id, step.action, due)
            self._go_on(run, due)
            return True
        self._schedule(run, journey, step.id, step.action, due, expires_at)
        return False

    def _task(self, run: Enrollment, step: str, action: GiveTask, due: datetime) -> None:
        until = self.rules.clinic.working_days_after(due, action.due_days)
        self.plan.tasks.append(
            Task(self.patient.id, run.id, run.journey, step, action.assignee, action.note, until, due)
        )
        self._trace(run.journey, step, due, "task", f"for {action.assignee}: {action.note}")

    def _schedule(
        self, run: Enrollment, journey: Journey, step: str, action: Send, due: datetime, expires_at: datetime
    ) -> None:
        key = f"{self.rules.clinic.id}/{run.journey}/{self.patient.id}/{run.anchor}/{step}"
        message = Message(
            key=key, patient=self.patient.id, enrollment=run.id, journey=run.journey, version=run.version, step=step, template=action.template, purpose=journey.purpose,
            channels=action.channels, step_due_at=due, due_at=first_moment(self.rules, self.facts, journey, due), expires_at=expires_at,
        )  # fmt: skip
        self._keep(message, "scheduled", f"step {step}")
        self._put(replace(run, waiting_for=key, due_at=None))

    def _go_on(self, run: Enrollment, based_at: datetime) -> None:
        journey = self.rules.journey(run.journey, run.version)
        onward = replace(run, position=run.position + 1, based_at=based_at, waiting_for=None)
        self._put(self._aim(onward, journey) if journey is not None else replace(onward, due_at=self.now))

    def _aim(self, run: Enrollment, journey: Journey) -> Enrollment:
        """Set when the next step is due."""
        if run.position >= len(journey.steps):
            return replace(run, due_at=run.based_at)
        return replace(run, due_at=add_span(run.based_at, journey.steps[run.position].wait, self.facts.tz))

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
            self._put(replace(run, reached=run.reached + 1))

    def _trace(self, journey: str, step: str, at: datetime, what: str, why: str) -> None:
        self.plan.traces.append(Trace(self.patient.id, journey, step, at, what, why))

    def _appointment(self, event: Event) -> Appointment | None:
        return self.facts.appointment(event.data.get("appointment_id"))
