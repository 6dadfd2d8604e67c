"""The door for events: CloudEvents 1.0 JSON in, canonical events out.

Rules
1. `parse_event` never raises, whatever it is given; it returns an Event, or Rejected with every error at
   once.
2. The canonical form is a fixed point: parsing `envelope(event)` gives an equal event.
3. Only external types enter. What Revisit raises itself cannot be sent, or anyone with a token could answer
   for a patient.
4. A consent's text is replaced by its hash: the wording is evidence, and evidence needs no copy of what was
   said.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from worker.domain.events import APPOINTMENT_STATUS, EXTERNAL_TYPES, INTERNAL_TYPES, Event
from worker.intake.checks import Door, shown
from worker.intake.models import DATA, ENVELOPE
from worker.intake.sentences import capped, one_of, sentences

_TYPES = tuple(sorted(EXTERNAL_TYPES))


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why an event was refused: one sentence per error, each naming the field by its JSON path and the way
    out.
    """

    errors: tuple[str, ...]


def parse_event(raw: object, *, now: datetime | None, country: str, timezone: str) -> Event | Rejected:
    """The canonical event of one decoded JSON value.

    `now` is the clinic's clock (aware); without it nothing is too far ahead. `country` (ISO 3166, capitals)
    reads phone numbers
    that lack a country code; `timezone` (IANA) is the clinic's and serves dates of birth and hints.
    """
    if not isinstance(raw, dict):
        return Rejected((f"event: {shown(raw)} is not an event; give a JSON object in CloudEvents 1.0 form",))
    door = Door(country, timezone, now)
    errors: list[str] = []
    head: Any = {}
    try:
        head = ENVELOPE.validate_python(raw, context=door)
        kind, door.time = head["type"], head["time"]
    except ValidationError as error:
        errors += sentences(error)
        kind = raw["type"].strip() if isinstance(raw.get("type"), str) else ""
    if kind not in DATA:
        # A type that is empty, too long or no text has its sentence already.
        if not any(told.startswith("type: ") for told in errors):
            errors.append(_unknown(kind))
        return Rejected(capped(errors))
    data: Any = raw.get("data")
    if data is None:
        data = {}
    if isinstance(data, dict):
        try:
            data = _canonical(kind, DATA[kind].validate_python(data, context=door))
        except ValidationError as error:
            errors += sentences(error, "data")
        else:
            if kind == "patient.merged" and data["into"] == head.get("subject"):
                errors.append("data.into: is the subject itself; give the id of the patient that remains")
    if errors:
        return Rejected(capped(errors))
    return Event(head["id"], head["source"], head["type"], head["subject"], head["time"], data)


def envelope(event: Event) -> dict[str, Any]:
    """The event as CloudEvents 1.0 JSON, its time in UTC with `Z`."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": dict(event.data),
    }


def _unknown(kind: str) -> str:
    if kind in INTERNAL_TYPES:
        return f"type: '{kind}' is raised by Revisit itself and cannot be sent; leave this event out"
    return f"type: {shown(kind)} is not known; {one_of(kind, _TYPES)}"


def _canonical(kind: str, valid: dict[str, Any]) -> dict[str, Any]:
    data = _present(valid)
    if kind in APPOINTMENT_STATUS:
        data.setdefault("version", 0)
        if "services" in data:
            data["services"] = [_present(service) for service in data["services"]]
    elif "text" in data:
        data["text_hash"] = hashlib.sha256(data.pop("text").encode("utf-8")).hexdigest()
    if "patient" in data:
        data["patient"] = {key: None if value == "" else value for key, value in data["patient"].items()}
    return data


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None and value != ""}
