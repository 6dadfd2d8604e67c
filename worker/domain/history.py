"""What happened between Revisit and a patient: the runs through journeys and the messages. Plain values that the store keeps as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

Change = Literal["entered", "left"]
Cause = Literal["event", "time", "rules", "merge"]

SETTLED: Final = frozenset({"sent", "failed", "dropped", "unknown", "rehearsed"})
"""States after which an enrollment goes on. A receipt may still move `sent` on; a receipt or a person may settle `unknown`."""

COUNTED: Final = frozenset({"claimed", "sent", "unknown"})
"""States that take a place under a frequency cap: whoever may have been reached counts, whoever was refused does not."""


EXISTING: Final = "existing"
"""What started a run of a patient who stood in the segment already: its steps count from the day on which the patient had come there."""
ROLLOUT: Final = "rollout"
"""The same of a rollout in two halves: its steps count from its turn."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A patient entered or left a segment. `silent` ones change facts and fire nothing."""

    patient: str
    segment: str
    change: Change
    cause: Cause
    at: datetime
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """Why something was done, or was not; kept for people to read."""

    patient: str
    journey: str
    step: str
    at: datetime
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One patient's run through one journey version.

    `id` is `journey/patient/anchor`, so the same reason can't enroll twice. `position` is the id of the step that comes next, "" at the end; `due_at` the moment at which
    it is due, None while a message is under way (`waiting_for`), while it waits for its turn, or when the run has ended. `based_at` is the moment from which the next wait
    counts; `hears_from` the moment from which a `listen_for` hears: when the last message or task was due (would have been, for one who is held out), or just after what was
    heard last; at first the entry. `excused` is the lateness that does not count towards `expires`. `started_by` is the event or segment that started it, `appointment` the
    appointment, if any. `listening_until` is the end of a `listen_for` under way; `heard` maps what was answered since `hears_from` to its instant, the first of each type.
    `held_out`: nothing is done to this patient, so that the effect can be measured. `lot` and `turn_at` are of a journey with a pace: who goes first, and when this one may begin (None: not given yet).
    """

    id: str
    patient: str
    journey: str
    version: str
    anchor: str
    entered_at: datetime
    started_by: str
    appointment: str | None
    position: str
    based_at: datetime
    hears_from: datetime
    due_at: datetime | None
    excused: timedelta = timedelta()
    waiting_for: str | None = None
    outcome: str | None = None
    reason: str = ""
    ended_at: datetime | None = None
    reached: int = 0
    reached_at: datetime | None = None
    listening_until: datetime | None = None
    heard: Mapping[str, str] = field(default_factory=dict)
    held_out: bool = False
    lot: int | None = None
    turn_at: datetime | None = None

    @property
    def waits_for_turn(self) -> bool:
        """Whether the journey's pace has not let it begin yet."""
        return self.lot is not None and self.turn_at is None and self.active

    @property
    def of_backlog(self) -> bool:
        """Whether the patient had come to where the journey starts long before, and a person let her begin."""
        return self.started_by in (EXISTING, ROLLOUT)

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.outcome is None

    def end(self, outcome: str, reason: str, at: datetime) -> Enrollment:
        """The same, ended."""
        return replace(
            self,
            outcome=outcome,
            reason=reason,
            ended_at=at,
            due_at=None,
            waiting_for=None,
            listening_until=None,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox.

    `key` is clinic/journey/patient/anchor/step and unique for ever. `step_due_at` is when the step fell due; `due_at` the first moment at which it may leave, as far as is known.
    `excused` is the part of the wait that caps and holds caused (`expires` does not count it, for up to seven days).
    """

    key: str
    patient: str
    enrollment: str
    journey: str
    version: str
    step: str
    template: str
    purpose: str
    channels: tuple[str, ...]
    step_due_at: datetime
    due_at: datetime
    expires_at: datetime
    state: str = "scheduled"
    excused: timedelta = timedelta()
    channel: str | None = None
    address: str | None = None
    reason: str = ""
    decided_at: datetime | None = None

    @property
    def settled(self) -> bool:
        """Whether its enrollment may go on."""
        return self.state in SETTLED


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a person at the clinic."""

    patient: str
    enrollment: str
    journey: str
    step: str
    assignee: str
    note: str
    due_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """One message that counts towards a cap: when, for what, through what, to where."""

    at: datetime
    purpose: str
    channel: str
    address: str
    journey: str
    patient: str = ""


def row(value: Any) -> dict[str, Any]:
    """The fields of one of these as a dictionary, for the store."""
    return {name: getattr(value, name) for name in value.__slots__}
