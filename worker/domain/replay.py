"""Replay: the same planner and gate on a virtual clock, in memory, nothing sent.

Rules
1. At one instant: what time alone changes, then the events, then the steps and messages that are due.
2. Nobody is refused for the feed, the mode counts as live, every message that may leave counts as sent.
3. Up to the last historical event of the input (`complete_from`) time transitions start nothing, as in the live import of a history.
4. Memory is bounded by the ledgers of the patients: events are taken one by one, lines are given out as the clock passes them.
5. Nobody is held out, unless `holdout` says so; who waits for a turn gets it once everything of that instant is done.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from itertools import count
from typing import Literal

from worker.domain.calendar import add_span, local_day
from worker.domain.clinic import Mode
from worker.domain.events import Event
from worker.domain.existing import Stood
from worker.domain.gate import Go, Outside
from worker.domain.history import Contact, Message, Task, Trace, Transition
from worker.domain.lots import turns
from worker.domain.news import fact_time
from worker.domain.planner import Patient, Plan, Planner, addresses, merge
from worker.domain.rules import Rules
from worker.domain.spread import a_day, shut

Line = Transition | Trace | Message | Task
_CHANGE, _STEP, _MESSAGE = 0, 1, 2


def is_old(event: Event, rules: Rules, now: datetime) -> bool:
    """Whether a live event tells of something older than the policy's live window, so that it fires nothing."""
    window = rules.policy.live_window
    return window is not None and add_span(fact_time(event), window, rules.clinic.tz) < now


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that left, with the moment."""

    at: datetime
    message: Message


class Replay:
    """One clinic on a virtual clock. `base` is the size of a base of which these are some, for the pace of `enroll_existing`; `outside` what is known beside a patient."""

    def __init__(
        self,
        rules: Rules,
        complete_from: datetime | None = None,
        *,
        mode: Mode = "live",
        holdout: Literal["lot", "nobody", "everybody"] = "nobody",
        variants: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        clinic = replace(rules.clinic, mode=mode)
        self.rules = replace(rules, clinic=clinic, holdout=holdout, variants=variants or {})
        self.complete_from = complete_from
        self.patients: dict[str, Patient] = {}
        self.aliases: dict[str, str] = {}
        self.base = 0
        self.outside: Callable[[Planner], Outside] = lambda planner: Outside()
        self._reached: dict[tuple[str, str], list[Contact]] = defaultdict(list)
        self._queue: list[tuple[datetime, int, int, int, str, str]] = []
        self._order = count()
        self._lines: list[tuple[datetime, str, int, Line | Sent]] = []
        self._waiting: dict[str, dict[str, str]] = defaultdict(dict)
        self._turns: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        self._now: datetime | None = None

    def run(
        self, events: Iterable[Event], until: datetime | None = None
    ) -> Iterator[tuple[datetime, str, Line | Sent]]:
        """Lines in order of `at`, then patient. Events must come in order of time; `until` defaults to the last event's."""
        last: datetime | None = None
        for event in events:
            if until is not None and event.time > until:
                break
            yield from self._let_pass(event.time, changes_only=True)
            self._now = event.time
            self._receive(event)
            last = event.time
        end = until if until is not None else last
        if end is not None:
            yield from self._let_pass(end, changes_only=False)
            yield from self._flush(None)

    def take_up(self, patient: Patient) -> None:
        """A patient with runs under way: their steps and turns come when they are due. A run whose message is under way stays where it is."""
        self.patients[patient.id] = patient
        tz = self.rules.clinic.tz
        for key, run in patient.enrollments.items():
            if run.waits_for_turn:
                self._waiting[run.journey][key] = patient.id
            elif run.active and run.due_at is not None:
                self._push(run.due_at, _STEP, patient.id, key)
            if run.turn_at is not None:
                self._turns[run.journey][local_day(run.turn_at, tz)] += 1

    def enroll_existing(
        self, patient_id: str, now: datetime, names: Iterable[str] | None = None, *, afresh: bool = False
    ) -> list[Stood]:
        """Enroll a patient who stands where journeys start (`existing`), at the moment to which everything was let pass."""
        patient = self.patients[patient_id]
        planner = self._planner(patient, now)
        answers = planner.enroll_existing(names, afresh=afresh)
        self._now = now
        self._take(patient, planner.plan)
        return answers

    def _let_pass(
        self, until: datetime, *, changes_only: bool
    ) -> Iterator[tuple[datetime, str, Line | Sent]]:
        """Everything before `until`; at `until` itself only what time alone changes, unless the end has come."""
        while True:
            if (
                self._waiting
                and self._now is not None
                and (not self._queue or self._queue[0][0] > self._now)
                and until > self._now
            ):
                self._give_turns(self._now)
            if not self._queue:
                break
            at, kind, _, _, patient, key = self._queue[0]
            if at > until or (at == until and changes_only and kind != _CHANGE):
                break
            self._now = at
            heapq.heappop(self._queue)
            yield from self._flush(at)
            self._due(at, kind, patient, key)
        yield from self._flush(until)

    def _due(self, at: datetime, kind: int, patient_id: str, key: str) -> None:
        patient = self.patients[patient_id]
        if kind == _CHANGE:
            if patient.next_change_at != at:
                return
            planner = self._planner(patient, at)
            planner.pass_time(at, silent=self.complete_from is not None and at <= self.complete_from)
        elif kind == _STEP:
            run = patient.enrollments.get(key)
            if run is None or not run.active or run.due_at != at:
                return
            planner = self._planner(patient, at)
            planner.wake()
        else:
            message = patient.messages.get(key)
            if message is None or message.state != "scheduled" or message.due_at != at:
                return
            planner = self._planner(patient, at)
            self._dispatch(planner, key, at)
        self._take(patient, planner.plan)

    def _dispatch(self, planner: Planner, key: str, at: datetime) -> None:
        verdict = planner.verdict(key, self.outside(planner))
        message = planner.apply(key, verdict)
        if isinstance(verdict, Go) and not verdict.rehearsal:
            planner.settle(key, "sent", why=f"by {verdict.channel}")
            self._reached[(verdict.channel, verdict.address)].append(planner.patient.contacts[-1])
            self._line(at, message.patient, Sent(at, message))

    def _receive(self, event: Event) -> None:
        subject = self._resolve(event.subject)
        if event.type == "patient.merged":
            into = self._resolve(event.data["into"])
            if into == subject:
                return
            kept = self._planner(self._patient(into), event.time)
            gone = self._planner(self._patient(subject), event.time)
            merge(kept, gone, event)
            self.aliases[subject] = into
            self._take(gone.patient, gone.plan)
            self._take(kept.patient, kept.plan)
            return
        patient = self._patient(subject)
        planner = self._planner(patient, event.time)
        old = not event.historical and is_old(event, self.rules, event.time)
        planner.receive(event, silent=event.historical, old=old)
        self._take(patient, planner.plan)

    def _priority(self, message: Message) -> int:
        """Who goes first among those that are due together, as in live running: what the journey says now."""
        journey = self.rules.journeys.get(message.journey)
        return journey.priority if journey is not None else 0

    def _give_turns(self, now: datetime) -> None:
        """Hand out the turns of journeys with a pace, by lot, to those who wait since this instant."""
        waiting, self._waiting = self._waiting, defaultdict(dict)
        for name, places in waiting.items():
            runs = [self.patients[patient].enrollments[key] for key, patient in places.items()]
            taken, journey, tz = self._turns[name], self.rules.journeys[name], self.rules.clinic.tz
            those = sorted((run.of_backlog, run.lot or 0, run.id) for run in runs)
            given = turns([one[1:] for one in those if not one[0]], taken, journey.pace or 1, now, tz)
            for at in given.values():
                taken[local_day(at, tz)] += 1
            pace, closed = (
                a_day(self.rules, journey, self.base, set(waiting)),
                partial(shut, self.rules, journey),
            )
            older = turns([one[1:] for one in those if one[0]], taken, pace, now, tz, closed)
            for at in older.values():
                taken[local_day(at, tz)] += 1
            for key, at in {**given, **older}.items():
                patient = self.patients[places[key]]
                planner = self._planner(patient, now)
                planner.give_turn(key, at)
                self._take(patient, planner.plan)

    def _planner(self, patient: Patient, now: datetime) -> Planner:
        planner = Planner(self.rules, patient, now)
        if patient.messages:
            own = {id(c): c for pair in addresses(planner.facts) for c in self._reached.get(pair, ())}
            same = {patient.id, *patient.ledger["merged"]}
            mine = {id(c): c for c in patient.contacts if c.patient in same}
            patient.contacts = tuple({**mine, **own}.values())
        return planner

    def _patient(self, patient_id: str) -> Patient:
        if patient_id not in self.patients:
            self.patients[patient_id] = Patient(patient_id)
        return self.patients[patient_id]

    def _resolve(self, subject: str) -> str:
        while subject in self.aliases:
            subject = self.aliases[subject]
        return subject

    def _take(self, patient: Patient, plan: Plan) -> None:
        for transition in plan.transitions:
            self._line(transition.at, patient.id, transition)
        for trace in plan.traces:
            self._line(trace.at, patient.id, trace)
        for task in plan.tasks:
            self._line(task.at, patient.id, task)
        if patient.next_change_at is not None:
            self._push(patient.next_change_at, _CHANGE, patient.id, "")
        for key in sorted(plan.enrollments):
            run = patient.enrollments[key]
            if run.due_at is not None:
                self._push(run.due_at, _STEP, patient.id, key)
            if run.waits_for_turn:
                self._waiting[run.journey][key] = patient.id
            elif run.journey in self._waiting:
                self._waiting[run.journey].pop(key, None)
        for key in sorted(plan.messages):
            message = patient.messages[key]
            if message.state == "scheduled":
                self._push(message.due_at, _MESSAGE, patient.id, key, self._priority(message))
            else:
                del patient.messages[key]
                if message.state in ("dropped", "rehearsed"):
                    self._line(message.decided_at or message.due_at, patient.id, message)

    def _push(self, at: datetime, kind: int, patient: str, key: str, priority: int = 0) -> None:
        heapq.heappush(self._queue, (at, kind, priority, next(self._order), patient, key))

    def _line(self, at: datetime, patient: str, line: Line | Sent) -> None:
        self._lines.append((at, patient, next(self._order), line))

    def _flush(self, before: datetime | None) -> Iterator[tuple[datetime, str, Line | Sent]]:
        """Give out the lines of instants that can get no more."""
        ready = [entry for entry in self._lines if before is None or entry[0] < before]
        if ready:
            self._lines = [entry for entry in self._lines if before is not None and entry[0] >= before]
            for at, patient, _, line in sorted(ready, key=lambda entry: entry[:3]):
                yield at, patient, line
