"""The fixed corpus: a clinic's book as JSON, the same on every machine, at a fixed moment.

Rules
1. The rooms are the shipped sample's, all seventeen journeys.
2. `NOW` is when everything happens; whoever runs it gives the house this clock.
3. A patient's book holds 0 to `DEPTH - 1` past visits before the live event, as many patients with each number; so a ledger holds up to `DEPTH` appointments.
4. One live event a patient; 20 % of them enroll. They come in the order of their times, all within the hour before `NOW`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 5, 12, 9, tzinfo=UTC)
DEPTH = 10
ENROLLS = 0.20
_SERVICES = ("HYD", "TOX1", "LHR", "PEEL", "FIL-L", "CONT", "MIC", "LED")
_PURPOSES = ["marketing", "care", "health_profiling"]


def history(patients: int) -> Iterator[dict[str, Any]]:
    """What the book told long ago: each patient's record, then the past visits; patient by patient, all historical."""
    for number in range(patients):
        told = NOW - timedelta(days=800)
        record = {
            "first_name": "Ada",
            "phone": f"+3069{number:08d}",
            "email": f"p{number}@example.com",
            "language": ("en", "el")[number % 2],
            "consent": {"sms": _PURPOSES[: 1 + number % 3], "email": _PURPOSES},
        }
        yield _event(f"r-{number}", "patient.upserted", number, told, {"patient": record, "historical": True})
        for visit in range(number % DEPTH):
            day = 20 + number % 60 + visit * (25 + number % 40)
            at = (NOW - timedelta(days=day)).replace(hour=8 + number % 9, minute=15 * (number % 4))
            yield _event(
                f"h-{number}-{visit}",
                "visit.completed",
                number,
                at,
                {**_appointment(f"a-{number}-{visit}", at, number + visit), "historical": True},
            )


def live(patients: int) -> Iterator[dict[str, Any]]:
    """What the book tells within the hour before `NOW`: one event of each patient, in the order of time."""
    for turn in range(patients):
        number = turn * 7919 % patients
        at = NOW - timedelta(seconds=3600) + timedelta(seconds=3000 * turn / patients)
        key, kind = f"n-{number}", number // DEPTH % 20
        soon = NOW + timedelta(days=3 + number % 40)
        if kind < 9:
            name, data = "booking.created", _appointment(key, soon, number)
        elif kind < 12:
            name, data = "booking.rescheduled", {**_appointment(key, soon, number), "version": 2}
        elif kind < 15:
            name, data = "patient.upserted", {"patient": {"first_name": "Ada", "last_name": "Lovelace"}}
        elif kind < 17:
            name, data = "booking.cancelled", {**_appointment(key, soon, number), "cancelled_by": "patient"}
        elif kind < 18:
            name, data = "booking.no_show", _appointment(key, at - timedelta(hours=1), number)
        else:
            name, data = "visit.completed", _appointment(key, at - timedelta(hours=1), number)
        yield _event(f"l-{number}", name, number, at, data)


def _appointment(key: str, at: datetime, number: int) -> dict[str, Any]:
    return {
        "appointment_id": key,
        "starts_at": at.isoformat(),
        "services": [{"code": _SERVICES[number % len(_SERVICES)]}],
        "practitioner": f"dr-{number % 3}",
        "net": {"minor": 9000 + number % 5 * 4000, "currency": "EUR"},
    }


def _event(key: str, name: str, number: int, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": key, "source": "/corpus", "type": name, "subject": f"p-{number}", "time": at.isoformat(), "data": data,
    }  # fmt: skip
