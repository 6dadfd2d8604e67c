"""A row of patients as an event: `patient.upserted`, or `patient.deceased`.

Whoever the system has deleted or archived is kept with her history and has no consent any more: she may come back, and her next row says so.
"""

from __future__ import annotations

from typing import Any

from worker.intake.sources.people import patient_of, person_of
from worker.intake.sources.reading import Fields, Told, digest_of, hashed


def patient_told(row: Fields) -> Told:
    """What a row says of a patient. Raises Refused."""
    sheet, notes = row.context.sheet, row.context.notes
    subject = patient_of(row, "id", sheet.id_from)
    person = person_of(row)
    deceased = row.flag("deceased")
    if row.flag("gone"):
        notes.counts["gone"] += 1
        person["consent"] = {"sms": [], "email": []}
    _count(row, person)
    kind = "patient.deceased" if deceased else "patient.upserted"
    data: dict[str, Any] = {"patient": person}
    own = row.moment("updated_at")
    said = {**data, "own": own}
    return Told(
        thing=hashed("patient", subject),
        digest=digest_of(kind, subject, said),
        type=kind,
        subject=subject,
        data=data,
        own=own,
        natural=row.moment("created_at"),
    )


def _count(row: Fields, person: dict[str, Any]) -> None:
    counts = row.context.notes.counts
    counts["patients"] += 1
    consent = person.get("consent", {})
    if not any("marketing" in purposes for purposes in consent.values()):
        counts["without consent"] += 1
    if not person.get("phone") and not person.get("email"):
        counts["without address"] += 1
