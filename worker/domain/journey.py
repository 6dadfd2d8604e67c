"""What a journey is, once read: plain values that the planner walks over.

Rules
1. A step's id is unique in its journey, at whatever depth it stands; a run's position is the id of the step that comes next, "" at the end.
2. A finished way of a `listen_for`, `branch` or `split` goes on after the step that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal

from worker.domain.calendar import Span, Window
from worker.domain.conditions import AllOf, Condition
from worker.domain.conditions.visits import ANYTHING, Narrow
from worker.domain.source import Place

Status = Literal["draft", "live", "paused"]
NOTHING: Final = "nothing"
OTHERWISE: Final = "otherwise"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event type that is listened for, optionally only for some appointments."""

    type: str
    of: Narrow = ANYTHING

    def __str__(self) -> str:
        return f"{self.type}{self.of}"


@dataclass(frozen=True, slots=True)
class Days:
    """An announcement's days, clinic-local, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Start:
    """What enrolls a patient: entering or leaving a segment, an event, or a date; and what must hold with it.

    `name` is the segment, the event's type, `birthday` or `date`. `days` are an announcement's.
    """

    kind: Literal["enters", "leaves", "event", "date"]
    name: str
    only_if: Condition
    of: Narrow = ANYTHING
    days: Days | None = None
    before: int = 0

    @property
    def edge(self) -> bool:
        """Whether it fires when a condition becomes true, so that the condition is watched like a segment."""
        return self.kind in ("enters", "date")

    def __str__(self) -> str:
        if self.days is not None:
            return f"on a day from {self.days.first} to {self.days.last}"
        if self.name == "birthday":
            return f"{self.before} days before the birthday" if self.before else "on the birthday"
        return f"{self.kind} {self.name}{self.of}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """How often a patient may go through: `never` again, `always`, or once in a span measured from entry."""

    always: bool = False
    every: Span | None = None

    def __str__(self) -> str:
        return "always" if self.always else f"once every {self.every}" if self.every else "never"


@dataclass(frozen=True, slots=True)
class UntilClock:
    """`until 10:00`, `until next tuesday 10:00`: the next such moment where the patient is. `weekday` counts from Monday, 0."""

    minute: int
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class UntilFact:
    """`until 90 days after last_visit of toxin at 10:00`. `before` turns the span round; `minute` None keeps the fact's time of day."""

    span: Span
    fact: Literal["first_visit", "last_visit", "next_booking", "this"]
    of: Narrow = ANYTHING
    before: bool = False
    minute: int | None = None

    def __str__(self) -> str:
        return f"{self.span} {'before' if self.before else 'after'} {self.fact}{self.of}"


Wait = Span | UntilClock | UntilFact


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message through the first channel that the patient has and allows."""

    channels: tuple[str, ...]
    template: str
    offer: str | None = None


@dataclass(frozen=True, slots=True)
class GiveTask:
    """Work for a person, due after so many working days."""

    assignee: str
    due_days: int
    note: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of a run, with its reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Revisit's own tags that are set and taken away."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for an answer, `up_to` so long. `then` maps event types, and `nothing`, to the steps that follow."""

    heard: tuple[Heard, ...]
    up_to: Span
    then: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a branch; `only_if` None is `otherwise`."""

    name: str
    only_if: Condition | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """The first case that fits; none means to go on."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of a split, with its share in percents."""

    name: str
    share: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """One of several ways by lot, always the same for one patient."""

    variants: tuple[Variant, ...]


Action = Send | GiveTask | Stop | Tag | Listen | Branch | Split


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its id, how long to wait before it, what to do, and where it stands in its file."""

    id: str
    wait: Wait
    action: Action
    place: Place

    @property
    def ways(self) -> tuple[tuple[str, tuple[Step, ...]], ...]:
        """The ways that lead on from it, by name, those included that the author left out; none for a plain step."""
        action = self.action
        if isinstance(action, Listen):
            return tuple(
                (name, action.then.get(name, ()))
                for name in dict.fromkeys((*(heard.type for heard in action.heard), NOTHING))
            )
        if isinstance(action, Split):
            return tuple((variant.name, variant.steps) for variant in action.variants)
        if isinstance(action, Branch):
            ways = tuple((case.name, case.steps) for case in action.cases)
            return ways if any(case.only_if is None for case in action.cases) else (*ways, (OTHERWISE, ()))
        return ()

    def way(self, name: str) -> tuple[Step, ...]:
        """The steps of one of its ways."""
        return dict(self.ways).get(name, ())


@dataclass(frozen=True, slots=True)
class Goal:
    """What the journey exists for; success within the window, counted from entry."""

    heard: tuple[Heard, ...]
    within: Span


@dataclass(frozen=True)
class Journey:
    """One version of one journey. `version` is a hash of its text. `send_on` are weekdays, 0 is Monday; None means any. `holdout` is in percents, `pace` per day."""

    name: str
    version: str
    title: str
    status: Status
    purpose: Literal["marketing", "care"]
    priority: int
    start: Start
    repeat: Repeat
    per_appointment: bool
    goal: Goal | None
    stop_if: Condition | None
    send_between: Window | None
    expires: Span
    steps: tuple[Step, ...]
    families: tuple[str, ...] = ()
    send_on: frozenset[int] | None = None
    holdout: int = 0
    pace: int | None = None
    owner: str = ""

    @property
    def watched(self) -> Condition | None:
        """What is watched like a segment, so that all of it fires when it becomes true together; None where an event or a departure starts the journey."""
        return self.start.only_if if self.start.edge else None

    @cached_property
    def _places(self) -> Mapping[str, tuple[Step, str]]:
        found: dict[str, tuple[Step, str]] = {}

        def walk(steps: tuple[Step, ...], after: str) -> None:
            for index, step in enumerate(steps):
                following = steps[index + 1].id if index + 1 < len(steps) else after
                found[step.id] = (step, following)
                for _, inner in step.ways:
                    walk(inner, following)

        walk(self.steps, "")
        return found

    @property
    def first(self) -> str:
        """The position at which a run begins."""
        return self.steps[0].id if self.steps else ""

    def step(self, position: str) -> Step | None:
        """The step of that id; None at the end. A position of an earlier release was the index of a step."""
        if position.isdigit():
            return self.steps[int(position)] if int(position) < len(self.steps) else None
        found = self._places.get(position)
        return found[0] if found is not None else None

    def after(self, step: Step, way: str | None = None) -> str:
        """The position that follows a step, or one of its ways."""
        inner = step.way(way) if way is not None else ()
        return inner[0].id if inner else self._places[step.id][1]

    def all_steps(self) -> Iterator[Step]:
        """Every step at every depth, in the order in which they are written."""
        for step, _ in self._places.values():
            yield step

    def conditions(self) -> Iterator[Condition]:
        """Every condition that it asks."""
        yield self.start.only_if
        if self.stop_if is not None:
            yield self.stop_if
        for step in self.all_steps():
            if isinstance(step.action, Branch):
                yield from (case.only_if for case in step.action.cases if case.only_if is not None)


EVERYONE = AllOf(())
