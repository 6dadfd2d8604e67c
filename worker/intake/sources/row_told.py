"""What one row tells, whatever it came in: a line of a file, or a message. And why its event would not be accepted, in the words of its sender."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from worker.domain.clinic import Clinic
from worker.domain.events import Event
from worker.intake.cloudevents import Rejected, parse_event
from worker.intake.sources.appointments import appointment_told
from worker.intake.sources.consents import consent_told
from worker.intake.sources.header import Places
from worker.intake.sources.patients import patient_told
from worker.intake.sources.reading import Fields, Told


def told_of(row: Fields) -> Told | None:
    """What a row tells, by the kind of its sheet; None where it tells nothing of a patient. Raises Refused."""
    kind = row.context.sheet.kind
    if kind == "patients":
        return patient_told(row)
    return appointment_told(row) if kind == "appointments" else consent_told(row)


def event_of(
    event: Mapping[str, Any],
    clinic: Clinic,
    now: datetime,
    places: Places,
    headers: tuple[str, ...],
    noun: str = "column",
) -> Event | str:
    """The event as it is accepted; or why it would not be, by the names of its headers."""
    checked = parse_event(event, now=now, country=clinic.country, timezone=clinic.timezone)
    if not isinstance(checked, Rejected):
        return checked
    return "; ".join(_by_header(error, places, headers, noun) for error in checked.errors)


_PLACES: Final = (
    (r"subject", ("patient", "id")),
    (r"time", ("updated_at", "at", "created_at", "starts_at")),
    (r"data\.appointment_id", ("id",)),
    (r"data\.starts_at", ("starts_at", "date")),
    (r"data\.services\S*", ("service",)),
    (r"data\.net\S*", ("net", "currency")),
    (r"data\.patient\.(?P<field>\w+)\S*", ()),
    (r"data\.source", ("origin",)),
    (r"data\.(?P<field>\w+)\S*", ()),
)


def _by_header(error: str, places: Places, headers: tuple[str, ...], noun: str) -> str:
    where, _, why = error.partition(": ")
    for pattern, fields in _PLACES:
        match = re.fullmatch(pattern, where)
        if match is None:
            continue
        names = fields or (match["field"], *(("name",) if match["field"].endswith("_name") else ()))
        for name in names:
            if name in places:
                return f"{noun} `{headers[places[name][0]]}`: {why}"
        break
    return error
