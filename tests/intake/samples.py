"""The example of the contract and short ways to vary it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from worker.domain.events import Event
from worker.intake.cloudevents import Rejected, parse_event

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)

EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/clinic/athens/book",
    "type": "visit.completed",
    "subject": "p-123",
    "time": "2026-03-29T08:00:00Z",
    "data": {
        "appointment_id": "a-9",
        "version": 7,
        "starts_at": "2026-03-29T10:00:00+03:00",
        "historical": False,
        "services": [{"code": "LHR"}],
        "location": "athens",
        "practitioner": "dr-k",
        "net": {"minor": 15000, "currency": "EUR"},
        "patient": {
            "first_name": "Eleni",
            "last_name": "P.",
            "phone": "+306900000000",
            "email": "eleni@example.com",
            "date_of_birth": "1990-02-28",
            "language": "el",
            "timezone": "Europe/Athens",
            "tags": [],
            "consent": {"sms": ["marketing", "care"], "email": ["marketing", "care"]},
        },
    },
}

ABSENT = object()
"""As a value of `vary`: the key is left out."""

LEAST: dict[str, dict[str, Any]] = {
    "visit.completed": {"appointment_id": "a", "starts_at": "2026-03-29T10:00:00+03:00"},
    "visit.voided": {"appointment_id": "a"},
    "booking.created": {"appointment_id": "a", "starts_at": "2026-05-29T10:00:00+03:00"},
    "booking.rescheduled": {"appointment_id": "a", "starts_at": "2026-05-29T10:00:00+03:00"},
    "booking.cancelled": {"appointment_id": "a"},
    "booking.no_show": {"appointment_id": "a"},
    "payment.refunded": {"appointment_id": "a", "net": {"minor": 1, "currency": "EUR"}},
    "patient.upserted": {},
    "patient.merged": {"into": "p-9"},
    "patient.erased": {},
    "patient.deceased": {},
    "patient.held": {},
    "patient.released": {},
    "consent.granted": {"channel": "sms", "purpose": "marketing"},
    "consent.revoked": {"channel": "sms", "purpose": "marketing"},
}
"""The least `data` that each type may carry."""


def vary(**changes: Any) -> dict[str, Any]:
    """The example with values put at dotted paths (`data__patient__phone=…`)."""
    return put(EXAMPLE, {name.replace("__", "."): value for name, value in changes.items()})


def put(event: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    event = copy.deepcopy(event)
    for path, value in changes.items():
        *steps, last = path.split(".")
        node = event
        for step in steps:
            node = node[step]
        if value is ABSENT:
            del node[last]
        else:
            node[last] = value
    return event


def of_type(kind: str, **data: Any) -> dict[str, Any]:
    """The least event of a type, with more data."""
    event = {key: value for key, value in EXAMPLE.items() if key != "data"}
    return {**event, "type": kind, "data": {**copy.deepcopy(LEAST[kind]), **data}}


def parse(raw: object, now: datetime | None = NOW) -> Event | Rejected:
    return parse_event(raw, now=now, country="GR", timezone="Europe/Athens")


def accepted(raw: object, now: datetime | None = NOW) -> Event:
    event = parse(raw, now)
    assert isinstance(event, Event), event
    return event


def errors(raw: object, now: datetime | None = NOW) -> tuple[str, ...]:
    rejected = parse(raw, now)
    assert isinstance(rejected, Rejected), rejected
    return rejected.errors
