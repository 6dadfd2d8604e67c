"""Rows of the database as the domain's values, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from worker.domain.history import Enrollment, Message, Task, Trace, Transition, row
from worker.store.schema import enrollments, messages

_PATIENT: Final = "patient"

ENROLLMENT: Final = [
    enrollments.c["patient_id" if name == _PATIENT else name].label(name) for name in Enrollment.__slots__
]
"""The columns of an Enrollment, in the order of its fields."""

MESSAGE: Final = [
    messages.c["patient_id" if name == _PATIENT else name].label(name) for name in Message.__slots__
]
"""The columns of a Message, in the order of its fields."""

_RUN_EXCUSED: Final = Enrollment.__slots__.index("excused")
_EXCUSED, _CHANNELS = Message.__slots__.index("excused"), Message.__slots__.index("channels")


def enrollment_of(values: Sequence[Any]) -> Enrollment:
    """An Enrollment from a row of `ENROLLMENT`."""
    found = list(values)
    found[_RUN_EXCUSED] = timedelta(seconds=found[_RUN_EXCUSED])
    return Enrollment(*found)


def message_of(values: Sequence[Any]) -> Message:
    """A Message from a row of `MESSAGE`."""
    found = list(values)
    found[_EXCUSED] = timedelta(seconds=found[_EXCUSED])
    found[_CHANNELS] = tuple(found[_CHANNELS])
    return Message(*found)


def enrollment_row(clinic: str, run: Enrollment) -> dict[str, Any]:
    """A row of `enrollments`, free to be taken. `excused` is kept in whole seconds."""
    return {
        **_plain(clinic, run),
        "excused": int(run.excused.total_seconds()),
        "heard": dict(run.heard),
        "queued_until": None,
        "tries": 0,
    }


def message_row(clinic: str, message: Message) -> dict[str, Any]:
    """The fields of a Message as columns of `messages`. `excused` is kept in whole seconds."""
    return {
        **_plain(clinic, message),
        "excused": int(message.excused.total_seconds()),
        "channels": list(message.channels),
    }


def transition_row(clinic: str, transition: Transition, now: datetime) -> dict[str, Any]:
    """A row of `transitions`."""
    return {**_plain(clinic, transition), "recorded_at": now}


def trace_row(clinic: str, trace: Trace, now: datetime) -> dict[str, Any]:
    """A row of `traces`."""
    return {**_plain(clinic, trace), "recorded_at": now}


def task_row(clinic: str, task: Task) -> dict[str, Any]:
    """A row of `tasks`, open."""
    return {**_plain(clinic, task), "state": "open"}


def _plain(clinic: str, value: Any) -> dict[str, Any]:
    fields = row(value)
    fields["patient_id"] = fields.pop(_PATIENT)
    fields["clinic_id"] = clinic
    return fields
