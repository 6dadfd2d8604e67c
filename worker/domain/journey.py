"""What a journey is, once read: plain values that the planner walks over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.domain.calendar import Span, Window
from worker.domain.conditions import AllOf, Condition
from worker.domain.conditions_visits import ANYTHING, Narrow

Status = Literal["draft", "live", "paused"]


@dataclass(frozen=True, slots=True)
class Heard:
    """An event type that is listened for, optionally only for some appointments."""

    type: str
    of: Narrow = ANYTHING


@dataclass(frozen=True, slots=True)
class Start:
    """What enrolls a patient: entering or leaving a segment, or an event; and what must hold with it."""

    kind: Literal["enters", "leaves", "event"]
    name: str
    only_if: Condition
    of: Narrow = ANYTHING


@dataclass(frozen=True, slots=True)
class Repeat:
    """How often a patient may go through: `never` again, `always`, or once in a span measured from entry."""

    always: bool = False
    every: Span | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message through the first channel that the patient has and allows."""

    channels: tuple[str, ...]
    template: str


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
class Step:
    """One step: its id, how long to wait before it, what to do."""

    id: str
    wait: Span
    action: Send | GiveTask | Stop
    line: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What the journey exists for; success within the window, counted from entry."""

    heard: tuple[Heard, ...]
    within: Span


@dataclass(frozen=True, slots=True)
class Journey:
    """One version of one journey. `version` is a hash of its text."""

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

    @property
    def watched(self) -> Condition | None:
        """What is watched like a segment: only `enters` starts are, so that segment and `if` fire when both become true together."""
        return self.start.only_if if self.start.kind == "enters" else None


EVERYONE = AllOf(())
