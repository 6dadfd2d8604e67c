"""One patient as the planner sees it, and what it decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.domain import ledger as ledgers
from worker.domain.conditions.circuit import Seen
from worker.domain.facts import Facts
from worker.domain.history import Contact, Enrollment, Message, Task, Trace, Transition


@dataclass(frozen=True, slots=True)
class Kept:
    """A patient as the database keeps her, so that what has not changed need not be written. `changes` counts those of her ledger."""

    ledger: ledgers.Ledger
    seen: Seen | None
    changes: int
    members: frozenset[str]
    as_of: datetime | None
    next_change_at: datetime | None
    rules_version: int | None


@dataclass(slots=True)
class Patient:
    """Everything that is known of one patient. `as_of` is the patient's own clock: the moment that `members` is true for.

    `facts` are those that were computed last, kept so that appointments need not be read again; they are never stored. `seen` is what was last decided of
    the segments' conditions under the rules of `rules_version`, so that only what may have changed is decided anew.
    """

    id: str
    ledger: ledgers.Ledger = field(default_factory=ledgers.empty)
    members: frozenset[str] = frozenset()
    as_of: datetime | None = None
    next_change_at: datetime | None = None
    rules_version: int | None = None
    enrollments: dict[str, Enrollment] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    contacts: Sequence[Contact] = ()
    facts: Facts | None = field(default=None, repr=False, compare=False)
    seen: Seen | None = field(default=None, repr=False, compare=False)
    kept: Kept | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Plan:
    """What was decided, in order. `enrollments` and `messages` name what changed."""

    transitions: list[Transition] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    enrollments: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
