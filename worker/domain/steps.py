"""Steps: how a run goes on.

Rules
1. A `send` waits until its message settles. The next wait counts from the first moment at which it could have left.
2. A message or a task that is too late is skipped and says so; what a cap or a hold held up is excused, a pause is not. What only chooses a way is never too late.
3. `listen_for` hears answers to this run's own messages and tasks, and what happens to the patient's appointments: since the last of them was due, or since what a `listen_for` heard last, so that nothing is heard twice.
4. To a patient who is held out nothing is done; the run goes the same way, so that both can be compared.
5. A wait on a fact follows the fact for as long as it waits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from worker.domain import ledger as ledgers
from worker.domain.calendar import add_span
from worker.domain.conditions import Look
from worker.domain.events import INTERNAL_TYPES, Event
from worker.domain.gate import first_moment
from worker.domain.history import Enrollment, Message, Task
from worker.domain.journey import (
    NOTHING,
    OTHERWISE,
    Branch,
    GiveTask,
    Journey,
    Listen,
    Send,
    Split,
    Step,
    Stop,
    Tag,
    UntilFact,
)
from worker.domain.ledger import parse_instant
from worker.domain.lots import LOTS, lot
from worker.domain.runs import Runs
from worker.domain.waits import due_of

PAUSED_LOOK = timedelta(hours=1)
"""How soon to look again at a run whose journey is paused."""
JUST_AFTER = timedelta(microseconds=1)
HELD_OUT = "the patient is held out, so that the effect can be measured"


class Steps(Runs):
    """The runs of one patient, taken on step by step."""

    # -- going on -------------------------------------------------------------------------------------------------------------

    def _advance_all(self) -> None:
        """Take every step that is due, those of runs that such a step started included."""
        moved = True
        while moved:
            moved = False
            for key in sorted(self.patient.enrollments):
                while self._advance(self.patient.enrollments[key]):
                    moved = True

    def _advance(self, run: Enrollment) -> bool:
        """Take the next step if it is due; True where there may be another."""
        if not run.active or run.due_at is None or run.due_at > self.now:
            return False
        journey = self.rules.journey(run.journey, run.version)
        if journey is None:
            self.end(run, "stopped", "the journey is no longer known", self.now)
            return False
        step = journey.step(run.position)
        if step is None:
            self.end(run, "finished", "all steps done", run.due_at)
            return False
        if not self.rules.live(run.journey):
            self._put(replace(run, due_at=self.now + PAUSED_LOOK))
            return False
        look = self.look(self.now, run.appointment)
        if journey.stop_if is not None and journey.stop_if.holds(look):
            self.end(run, "stopped", "its `stop_if` holds", self.now)
            return False
        if self._turn_is_over(run, journey, look):
            return False
        if run.listening_until is not None:
            self._go(run, journey, step, NOTHING, run.listening_until, "nothing was heard")
            return True
        # A pause puts the next look off, not the moment at which the step was due; and a fact may have moved it.
        due = self._due(run, step)
        if due is None:
            self._trace(
                run.journey, step.id, self.now, "skipped", f"there is nothing to count from: no {step.wait}"
            )
            self._go_on(run, journey, step, max(run.based_at, min(run.due_at, self.now)))
            return True
        if due > self.now:
            self._put(replace(run, due_at=due))
            return False
        return self._take(run, journey, step, due, look)

    def _turn_is_over(self, run: Enrollment, journey: Journey, look: Look) -> bool:
        """Whether whoever waited for a turn is, when it comes, no longer one whom the journey is for."""
        if run.turn_at is None or run.position != journey.first or run.listening_until is not None:
            return False
        why = journey.start.only_if.why_not(look) if journey.start.kind == "enters" else None
        if why is not None:
            self.end(run, "stopped", f"when its turn came: {why}", self.now)
        return why is not None

    def _take(self, run: Enrollment, journey: Journey, step: Step, due: datetime, look: Look) -> bool:
        action = step.action
        if isinstance(action, Send | GiveTask):
            return self._effect(run, journey, step, action, due)
        # A moment that was past before the step was reached is now as good as ever: these are never too late.
        due = max(due, run.based_at)
        if isinstance(action, Stop):
            self.end(run, "finished", action.reason, due, step.id)
            return False
        if isinstance(action, Branch):
            chosen = next(
                (case for case in action.cases if case.only_if is None or case.only_if.holds(look)), None
            )
            name = chosen.name if chosen is not None else OTHERWISE
            self._go(
                run,
                journey,
                step,
                name,
                due,
                "it fits" if chosen is not None and chosen.only_if is not None else "no case fits",
            )
            return True
        if isinstance(action, Split):
            self._go(run, journey, step, self._variant(run, step, action), due, "by lot")
            return True
        if isinstance(action, Listen):
            return self._listen(run, journey, step, action, due)
        self._tag(run, journey, step, action, due)
        return True

    def _effect(
        self, run: Enrollment, journey: Journey, step: Step, action: Send | GiveTask, due: datetime
    ) -> bool:
        expires_at = add_span(due, journey.expires, self.facts.tz)
        if self.now > expires_at:
            when = f"{due.astimezone(self.facts.tz):%Y-%m-%d %H:%M}"
            self._trace(run.journey, step.id, self.now, "skipped", f"too late: it was due on {when}")
            self._go_on(run, journey, step, max(due, run.based_at))
            return True
        # A moment that was past before the step was reached is no time at which it could have been answered.
        run = replace(run, heard={}, hears_from=max(due, run.based_at, run.hears_from))
        if run.held_out:
            self._trace(run.journey, step.id, due, "withheld", HELD_OUT)
            if isinstance(action, Send):
                # It would have been reached: its turn is used up as that of a patient who was written to.
                due = first_moment(self.rules, self.facts, journey, due)
                run = replace(run, reached=run.reached + (self.rules.clinic.mode == "live"))
            self._go_on(run, journey, step, due)
            return True
        if isinstance(action, GiveTask):
            until = self.rules.clinic.working_days_after(due, action.due_days)
            self.plan.tasks.append(
                Task(self.patient.id, run.id, run.journey, step.id, action.assignee, action.note, until, due)
            )
            self._trace(run.journey, step.id, due, "task", f"for {action.assignee}: {action.note}")
            self._go_on(run, journey, step, due)
            return True
        self._schedule(run, journey, step.id, action, due, expires_at)
        return False

    def _schedule(
        self, run: Enrollment, journey: Journey, step: str, action: Send, due: datetime, expires_at: datetime
    ) -> None:
        key = f"{self.rules.clinic.id}/{run.journey}/{self.patient.id}/{run.anchor}/{step}"
        # One who had come there long before could not have been written to before she was let in.
        from_now_on = max(due, self.now) if run.of_backlog else due
        message = Message(
            key=key, patient=self.patient.id, enrollment=run.id, journey=run.journey, version=run.version, step=step, template=action.template, purpose=journey.purpose,
            channels=action.channels, step_due_at=due, due_at=first_moment(self.rules, self.facts, journey, from_now_on), expires_at=expires_at,
        )  # fmt: skip
        later = (
            ""
            if message.due_at <= due
            else f"; quiet until {message.due_at.astimezone(self.facts.tz):%Y-%m-%d %H:%M}"
        )
        self._keep(message, "scheduled", f"step {step}{later}")
        self._put(replace(run, waiting_for=key, due_at=None))

    def _tag(self, run: Enrollment, journey: Journey, step: Step, action: Tag, due: datetime) -> None:
        if run.held_out:
            self._trace(run.journey, step.id, due, "withheld", HELD_OUT)
            self._go_on(run, journey, step, due)
            return
        by = f"{run.id}/{step.id}"
        for name, on in (*((name, True) for name in action.add), *((name, False) for name in action.remove)):
            self.patient.ledger = ledgers.tag(self.patient.ledger, name, on, due, by)
        said = [*(f"+{name}" for name in action.add), *(f"-{name}" for name in action.remove)]
        self._trace(run.journey, step.id, due, "tagged", ", ".join(said))
        self._go_on(run, journey, step, due)
        self._tags_changed(due)

    def _tags_changed(self, at: datetime) -> None:
        """What a tag moves, the planner sees to."""
        raise TypeError(type(self).__name__)

    def _variant(self, run: Enrollment, step: Step, action: Split) -> str:
        fixed = self.rules.variants.get((run.journey, step.id))
        if fixed is not None:
            return fixed
        drawn = lot(self.rules.clinic.id, "split", run.journey, step.id, self.patient.id)
        below = 0
        for variant in action.variants:
            below += variant.share * (LOTS // 100)
            if drawn < below:
                return variant.name
        return action.variants[-1].name

    # -- listening ------------------------------------------------------------------------------------------------------------

    def _listen(self, run: Enrollment, journey: Journey, step: Step, action: Listen, due: datetime) -> bool:
        until = add_span(due, action.up_to, self.facts.tz)
        found = self._heard_so_far(run, action, until)
        if found is not None:
            moment, name = found
            self._go(self._hears_after(run, moment), journey, step, name, max(due, moment), "it was heard")
            return True
        names = " or ".join(heard.type for heard in action.heard)
        self._trace(run.journey, step.id, due, "listening", f"for {names}, up to {action.up_to}")
        self._put(replace(run, listening_until=until, due_at=until))
        return True

    def _hear(self, event: Event, at: datetime) -> None:
        """Let the runs that an event answers hear it, and those that listen for it go on."""
        for run in self.active():
            journey = self.rules.journey(run.journey, run.version)
            if journey is None:
                continue
            if (
                event.type in INTERNAL_TYPES
                and self._answers(event, run, journey)
                and event.type not in run.heard
                and event.time >= run.hears_from
            ):
                run = replace(run, heard={**run.heard, event.type: ledgers.instant(event.time)})
                self._put(run)
            step = journey.step(run.position)
            if run.listening_until is None or step is None or not isinstance(step.action, Listen):
                continue
            found = self._heard_so_far(run, step.action, run.listening_until)
            if found is not None:
                self._go(self._hears_after(run, found[0]), journey, step, found[1], found[0], "it was heard")

    def _heard_so_far(self, run: Enrollment, action: Listen, until: datetime) -> tuple[datetime, str] | None:
        """The first of what is listened for that is known now and was heard by `until`, since the run hears."""
        found: list[tuple[datetime, str]] = []
        for heard in action.heard:
            if heard.type in INTERNAL_TYPES:
                told = run.heard.get(heard.type)
                moments = [parse_instant(told)] if told is not None else []
            else:
                moments = [moment for moment in self.happened(run, heard) if moment >= run.hears_from]
            found += [(moment, heard.type) for moment in moments if moment <= until]
        return min(found, default=None)

    def _hears_after(self, run: Enrollment, moment: datetime) -> Enrollment:
        """The same, having heard what was at `moment`: only what came after it is heard next."""
        since = max(run.hears_from, moment + JUST_AFTER)
        later = {name: told for name, told in run.heard.items() if parse_instant(told) >= since}
        return replace(run, hears_from=since, heard=later)

    # -- where a run stands ---------------------------------------------------------------------------------------------------

    def _go(self, run: Enrollment, journey: Journey, step: Step, way: str, at: datetime, why: str) -> None:
        """Go one of a step's ways."""
        self._trace(run.journey, f"{step.id}/{way}", at, "took", why)
        onward = replace(run, position=journey.after(step, way), based_at=at, listening_until=None)
        self._put(self._aim(onward, journey))

    def _go_on(self, run: Enrollment, journey: Journey, step: Step, based_at: datetime) -> None:
        onward = replace(run, position=journey.after(step), based_at=based_at, waiting_for=None)
        self._put(self._aim(onward, journey))

    def _settled(self, run: Enrollment, message: Message) -> None:
        """A message of a run has settled: the run goes on."""
        journey = self.rules.journey(run.journey, run.version)
        step = journey.step(run.position) if journey is not None else None
        if journey is None or step is None:
            self._put(replace(run, waiting_for=None, due_at=self.now))
            return
        self._go_on(run, journey, step, message.due_at)

    def _aim(self, run: Enrollment, journey: Journey) -> Enrollment:
        """Set when the next step is due; a fact that is missing makes it due at once, to be skipped."""
        if run.waits_for_turn:
            return replace(run, due_at=None)
        step = journey.step(run.position)
        due = (self._due(run, step) if step is not None else None) or run.based_at
        return replace(run, due_at=max(due, run.turn_at) if run.turn_at is not None else due)

    def _due(self, run: Enrollment, step: Step) -> datetime | None:
        return due_of(step.wait, run.based_at, self.facts, self.now, self.facts.appointment(run.appointment))

    def _follow_facts(self, at: datetime) -> None:
        """Move the steps that wait on a fact with it. One that a correction moves into the past fell due when that was told."""
        for run in self.active():
            journey = self.rules.journey(run.journey, run.version)
            step = journey.step(run.position) if journey is not None else None
            if journey is None or step is None or not isinstance(step.wait, UntilFact):
                continue
            if run.due_at is None or run.listening_until is not None:
                continue
            aimed = self._aim(run, journey)
            if aimed.due_at != run.due_at:
                past = aimed.due_at is not None and aimed.due_at < at
                self._put(replace(aimed, based_at=max(run.based_at, at)) if past else aimed)
