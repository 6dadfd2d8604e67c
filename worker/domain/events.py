"""Events: facts from outside, as the domain sees them.

An event has passed the door (`worker/intake`): its shape is known, its time is aware, its phone numbers are E.164. Two events with the same
`(source, id)` are the same event for ever. The greatest `(version, time, id)` is what an appointment says; a missing version is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

APPOINTMENT_STATUS: Final[Mapping[str, str]] = {
    "visit.completed": "completed",
    "visit.voided": "voided",
    "booking.created": "booked",
    "booking.rescheduled": "booked",
    "booking.cancelled": "cancelled",
    "booking.no_show": "no_show",
}
"""What each appointment event says of its appointment."""

EXTERNAL_TYPES: Final = frozenset(APPOINTMENT_STATUS) | {
    "payment.refunded",
    "patient.upserted",
    "patient.merged",
    "patient.erased",
    "patient.deceased",
    "patient.held",
    "patient.released",
    "consent.granted",
    "consent.revoked",
}
"""Types that a clinic's systems may send."""

INTERNAL_TYPES: Final = frozenset({"message.replied", "link.clicked", "link.answered", "task.done"})
"""Types that Revisit raises itself; journeys hear them by the same names."""

EVENT_TYPES: Final = EXTERNAL_TYPES | INTERNAL_TYPES

CHANNELS: Final = ("sms", "email")
PURPOSES: Final = ("marketing", "care", "health_profiling")


@dataclass(frozen=True, slots=True)
class Event:
    """One canonical event. `data` is the contract's JSON, validated: instants in it are ISO 8601 strings with offset."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any]

    @property
    def order(self) -> tuple[datetime, str, str]:
        """The one order in which a patient's events are folded."""
        return (self.time, self.id, self.source)

    @property
    def historical(self) -> bool:
        """True where the event changes facts and fires nothing."""
        return bool(self.data.get("historical", False))
