"""The planner: what should happen to one patient because something became known, or because time has come.

It decides over one patient at a time and acts on nothing: every change is in the `Plan` that it leaves behind. Live running, replay, scenarios and explain call it.

Rules
1. Events are folded in time order; before each, time passes: midnights up to it change segments first. A late event recomputes the facts as of the patient's own clock.
2. A journey starts on the rising edge of what it waits for. Silent changes (history, rule changes, merges, facts older than the live window) start nothing.
3. An event is news of an appointment only where it changed the appointment's status (or, for a reschedule, its start). A retold or outdated one starts nothing and reaches no goal.
4. The goal ends a run whenever it is reached; it counts as success within its window. What takes away the reason of a run withdraws it.
5. A `send` waits until its message settles. The next wait counts from the first moment at which it could have left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from worker.domain import ledger as ledgers
from worker.domain.calendar import midnight
from worker.domain.events import APPOINTMENT_STATUS, Event
from worker.domain.existing import Existing
from worker.domain.facts import Facts
from worker.domain.gate import (
    ADDRESS_FIELD,
    MAX_EXCUSED,
    Defer,
    Drop,
    Go,
    Outside,
    Question,
    Verdict,
    ask,
    stays_open,
)
from worker.domain.history import Cause, Contact, Message, Transition
from worker.domain.news import fact_time, is_news, touched
from worker.domain.patient import Patient, Plan
from worker.domain.rules import Rules

__all__ = ["Patient", "Plan", "Planner", "addresses", "merge"]


class Planner(Existing):
    """Plans for one patient at one moment. `now` only ever decides what is due and what is late."""

    def __init__(self, rules: Rules, patient: Patient, now: datetime) -> None:
        super().__init__(rules, patient, now)
        self._behind = self._past = False
        if patient.as_of is not None and patient.rules_version != rules.version:
            self._bring_up_to_rules()

    # -- what happens ---------------------------------------------------------------------------------------------------------

    def receive(self, event: Event, *, silent: bool = False, old: bool = False) -> None:
        """Fold one event and decide what follows. `old` is what was told too late: it starts nothing, and a trace says so; a `silent` one (a history) needs none."""
        silent = silent or old
        patient, at = self.patient, min(event.time, self.now)
        self.catch_up(at)
        self._let_midnights_pass(at, silent=silent)
        late = patient.as_of is not None and at < patient.as_of
        before = self._appointment(event)
        patient.ledger = ledgers.fold(patient.ledger, event)
        after = self._appointment(event)
        patient.as_of = at if patient.as_of is None else max(at, patient.as_of)
        if self.facts.erased or self.facts.deceased:
            self._leave_alone(at)
            return
        news = is_news(event, before, after)
        self._withdraw(touched(fact_time(event), before, after), at)
        self._goals(event, at)
        self._stops(at)
        self._follow_facts(at)
        self._hear(event, at)
        entered, left = self._move("event", patient.as_of, silent=silent, told_at=at)
        if not silent and not self._told_before_merge(event):
            if late and after is not None:
                entered |= self._rose_then(at)
            self._start(entered, left, event, news, before, after, at)
            self._goals(event, at)
        elif old:
            self._start_nobody(entered, left, at, self._too_old())
            self._start_none_by(event, before, after, at)
        self._advance_all()

    def absorb(self, event: Event, *, old: bool = False) -> None:
        """Fold an event of the past that starts nothing. What it changes is looked at once, by `catch_up`, not event by event. `old` as in `receive`."""
        if event.type not in _QUIET_TYPES or self.active():
            self.receive(event, silent=True, old=old)
            return
        before = self._appointment(event) if old else None
        self.patient.ledger = ledgers.fold(self.patient.ledger, event)
        self._behind = True
        if old:
            self._past = True
            self._start_none_by(event, before, self._appointment(event), min(event.time, self.now))

    def catch_up(self, at: datetime) -> None:
        """Bring the segments up to what was absorbed, silently."""
        if self._behind:
            past, self._behind, self._past = self._past, False, False
            self.patient.as_of = max(at, self.patient.as_of or at)
            entered, left = self._move("event", self.patient.as_of, silent=True, told_at=at)
            if past and not self.facts.deceased:
                self._start_nobody(entered, left, at, self._too_old())

    def pass_time(self, until: datetime, *, silent: bool = False) -> None:
        """Let midnights pass up to and including `until`, each changing what time alone changes; then take the steps that are due."""
        self._let_midnights_pass(until, silent=silent)
        self._advance_all()

    def _let_midnights_pass(self, until: datetime, *, silent: bool) -> None:
        patient = self.patient
        silent = silent or self.facts.deceased
        while patient.next_change_at is not None and patient.next_change_at <= until:
            at = patient.as_of = patient.next_change_at
            entered, left = self._move("time", at, silent=silent, told_at=at)
            self._stops(at)
            if not silent:
                self._start(entered, left, None, False, None, None, at)
        if patient.as_of is not None and until > patient.as_of:
            patient.as_of = until

    def wake(self) -> None:
        """Go on with every run whose next step is due."""
        self._advance_all()

    def verdict(self, key: str, outside: Outside = Outside()) -> Verdict:  # noqa: B008 (a frozen value)
        """What the gate says of a scheduled message now. Raises KeyError for a message that is not under way."""
        message = self.patient.messages[key]
        ahead: list[Contact] = []
        for rival in sorted(self._rivals(message), key=self._rank):
            verdict = self._ask(rival, outside, ahead)
            if isinstance(verdict, Go) and not verdict.rehearsal:
                ahead.append(self._contact(rival, verdict))
        return self._ask(message, outside, ahead)

    def open_for(self, key: str, within: timedelta) -> timedelta | None:
        """How long a message that leaves now may be under way (`gate.hours`); None where that is at least `within`."""
        question = self._question(self.patient.messages[key], Outside(), ())
        return stays_open(question, within) if question is not None else None

    def _ask(self, message: Message, outside: Outside, ahead: Sequence[Contact]) -> Verdict:
        question = self._question(message, outside, ahead)
        return ask(question) if question is not None else Drop("withdrawn", "the journey is no longer known")

    def _question(self, message: Message, outside: Outside, ahead: Sequence[Contact]) -> Question | None:
        journey = self.rules.journey(message.journey, message.version)
        if journey is None:
            return None
        run = self.patient.enrollments.get(message.enrollment)
        look = self.look(self.now, run.appointment if run else None)
        contacts = self.patient.contacts
        return Question(
            self.now, message, journey, self.rules, self.facts, look, contacts, outside, run, ahead
        )

    def _rivals(self, message: Message) -> Iterator[Message]:
        """Messages of this patient that are due as well, count towards the same caps, and go before this one."""
        for other in self.patient.messages.values():
            due = other.state == "scheduled" and other.due_at <= self.now
            if due and other.purpose == message.purpose and self._rank(other) < self._rank(message):
                yield other

    def _rank(self, message: Message) -> tuple[int, datetime, str]:
        """Who goes first: the journey's priority as it is now, then who was due first."""
        journey = self.rules.journeys.get(message.journey)
        return (journey.priority if journey is not None else 9, message.step_due_at, message.key)

    def _contact(self, message: Message, go: Go) -> Contact:
        return Contact(self.now, message.purpose, go.channel, go.address, message.journey, self.patient.id)

    def apply(self, key: str, verdict: Verdict) -> Message:
        """Write a verdict down: `Go` claims, or settles a rehearsal; `Defer` moves; `Drop` settles."""
        message = self.patient.messages[key]
        if isinstance(verdict, Defer):
            excused = message.excused + (verdict.until - self.now if verdict.excused else timedelta())
            moved = replace(
                message, due_at=verdict.until, reason=verdict.code, excused=min(excused, MAX_EXCUSED)
            )
            self._keep(moved, "" if message.reason == verdict.code else "waits", verdict.why)
            return moved
        if isinstance(verdict, Drop):
            return self.settle(key, "dropped", verdict.code, verdict.why)
        chosen = replace(message, channel=verdict.channel, address=verdict.address, reason="")
        self.patient.messages[key] = chosen
        if verdict.rehearsal:
            return self.settle(key, "rehearsed", "rehearsal", "rehearsal: nothing leaves")
        claimed = replace(chosen, state="claimed", decided_at=self.now)
        self.patient.contacts = (*self.patient.contacts, self._contact(message, verdict))
        self._keep(claimed, "claimed", f"may leave by {verdict.channel}")
        return claimed

    def settle(self, key: str, state: str, code: str = "", why: str = "") -> Message:
        """A message has come to its end; its run goes on."""
        message = self.patient.messages[key]
        settled = replace(message, state=state, reason=code, decided_at=self.now)
        self._keep(settled, state, why or code or state)
        run = self.patient.enrollments.get(message.enrollment)
        if run is not None and run.active and run.waiting_for == key:
            self._settled(run, settled)
            self._advance_all()
        return settled

    def postpone(self, key: str, until: datetime, why: str, *, code: str = "retry") -> Message:
        """It was proven not to have left: scheduled again; the lateness counts."""
        known = self.patient.messages[key]
        message = replace(known, state="scheduled", due_at=until, reason=code)
        self._keep(message, "waits", why)
        run = self.patient.enrollments.get(message.enrollment)
        if known.state != "scheduled" and run is not None and run.reached:
            # Nobody was reached after all: whoever claims it again counts it again.
            reached = run.reached - 1
            self._put(replace(run, reached=reached, reached_at=run.reached_at if reached else None))
        return message

    def note(self, key: str, state: str, code: str, why: str) -> Message:
        """What became known of a message whose run has gone on long ago."""
        message = replace(self.patient.messages[key], state=state, reason=code)
        self._keep(message, state, why or code)
        return message

    def doubt(self, key: str, code: str, why: str) -> Message:
        """Nobody knows yet whether it left; while that is being found out its run waits."""
        message = replace(self.patient.messages[key], state="unknown", reason=code, decided_at=self.now)
        self._keep(message, "unknown", why)
        return message

    def reconsider(self, at: datetime) -> None:
        """The ledger was joined with another's: withdraw what lost its reason, let waits follow the facts, and move silently."""
        if self.facts.erased or self.facts.deceased:
            self._leave_alone(at)
            return
        self._withdraw(datetime.min.replace(tzinfo=UTC), at)
        self._follow_facts(at)
        self._move("merge", self.patient.as_of or at, silent=True, told_at=at)

    # -- segments -------------------------------------------------------------------------------------------------------------

    def _bring_up_to_rules(self) -> None:
        """Recompute under new rules; such changes enroll nobody, and leave a trace that says so.

        What the new rules would have changed until now is so from now on, silently; but a midnight that was due under the old ones and has not passed yet
        (the system was down) still passes, and fires.
        """
        patient = self.patient
        pending = patient.next_change_at is not None and patient.next_change_at <= self.now
        until = (
            patient.next_change_at - timedelta(microseconds=1)
            if pending and patient.next_change_at is not None
            else self.now
        )
        at = patient.as_of = max(until, patient.as_of or until)
        entered, left = self._move("rules", at, silent=True, told_at=at)
        if not self.facts.deceased:
            self._start_nobody(entered, left, at)

    def _move(
        self, cause: Cause, look_at: datetime, *, silent: bool, told_at: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Bring memberships up to date; returns what was entered and left, journeys' starts included."""
        patient, segments = self.patient, self.rules.segments
        # Starts of journeys may ask for earlier runs and messages; segments can't.
        seen = patient.seen if patient.rules_version == self.rules.version else None
        sight = segments.sight(self.look(look_at), seen) if not self.facts.erased else None
        members = sight.members() if sight is not None else frozenset()
        entered, left = members - patient.members, patient.members - members
        for name in sorted(left):
            if not name.startswith("start:"):
                self.plan.transitions.append(Transition(patient.id, name, "left", cause, told_at, silent))
        for name in sorted(entered):
            if not name.startswith("start:"):
                self.plan.transitions.append(Transition(patient.id, name, "entered", cause, told_at, silent))
        patient.members = members
        patient.seen = sight.seen() if sight is not None else None
        day = sight.next_change() if sight is not None else None
        patient.next_change_at = midnight(day, self.rules.clinic.tz) if day is not None else None
        patient.rules_version = self.rules.version
        return entered, left

    def _leave_alone(self, at: datetime) -> None:
        why = "the patient asked to be forgotten" if self.facts.erased else "the patient has died"
        for run in self.active():
            self.end(run, "stopped", why, at)
        if self.facts.erased:
            for name in sorted(name for name in self.patient.members if not name.startswith("start:")):
                self.plan.transitions.append(
                    Transition(self.patient.id, name, "left", "event", at, silent=True)
                )
            self.patient.members, self.patient.next_change_at = frozenset(), None
            self.patient.rules_version = self.rules.version
        else:
            self._move("event", self.patient.as_of or at, silent=True, told_at=at)

    def _tags_changed(self, at: datetime) -> None:
        self.patient.as_of = max(at, self.patient.as_of or at)
        entered, left = self._move("event", self.patient.as_of, silent=False, told_at=at)
        self._stops(at)
        self._start(entered, left, None, False, None, None, at)


def merge(kept: Planner, gone: Planner, event: Event) -> None:
    """Two patients are one: the event's subject (`gone`) gives way. Its runs end; nothing starts because of it."""
    survivor, other = kept.patient, gone.patient
    at = min(event.time, kept.now)
    kept.pass_time(at)
    for run in gone.active():
        gone.end(run, "merged", f"merged into {survivor.id}", at)
    for name in sorted(name for name in other.members if not name.startswith("start:")):
        gone.plan.transitions.append(Transition(other.id, name, "left", "merge", at, silent=True))
    survivor.ledger = ledgers.union(survivor.ledger, other.ledger, alias=other.id, at=event.time)
    survivor.as_of = max(filter(None, (survivor.as_of, other.as_of, at)))
    # What she has been through under the other id counts for `repeat`, too.
    for run in other.enrollments.values():
        survivor.enrollments[run.id] = replace(run, patient=survivor.id)
    survivor.contacts = (*survivor.contacts, *(c for c in other.contacts if c not in survivor.contacts))
    other.ledger, other.members, other.next_change_at = ledgers.empty(), frozenset(), None
    kept.reconsider(at)


_QUIET_TYPES = frozenset(APPOINTMENT_STATUS) | {
    "payment.refunded",
    "patient.upserted",
    "consent.granted",
    "consent.revoked",
}


def addresses(facts: Facts) -> list[tuple[str, str]]:
    """The (channel, address) pairs that a patient can be reached at."""
    return [(channel, facts.profile(name)) for channel, name in ADDRESS_FIELD.items() if facts.profile(name)]
