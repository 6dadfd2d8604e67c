"""Resources of FHIR R4 (http://hl7.org/fhir/R4/) as rows: Appointment, Encounter and Patient, alone or in a Bundle. From there on each is read as a row of a file is.

Rules
1. An appointment is what its status says, by the mapping; `entered-in-error` was never one. What is proposed or on a waiting list is no booking yet.
2. An encounter that is finished is a visit: that of its appointment, else one of its own. It counts for more than the appointment's status, which often stays `arrived` (version 1 against 0).
3. Of two versions the later `meta.lastUpdated` holds; one version is one message, by `meta.versionId`.
4. A patient's telephone is the first that is in use now: `mobile` or SMS, then by `rank`. `old` and ended ones count for nothing. A name likewise: `usual`, then `official`, never `old` or `maiden`.
5. A patient whose link says `replaced-by` is the same person as that one. One who is not `active` is kept, without consent.
6. FHIR's Consent is not read: its provisions do not say which channel may be used. A patient without consent from elsewhere is not written to for marketing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from worker.domain.clinic import Clinic
from worker.intake.checks import shown
from worker.intake.sources.fhir_people import person_cells, referred, replaced_by
from worker.intake.sources.messages import Cells, Said, text_of
from worker.intake.sources.reading import Context, Fields, Notes, Refused, Told, digest_of, hashed
from worker.intake.sources.row_told import told_of
from worker.workspace.config_webhooks import BETWEEN
from worker.workspace.paths import found_at
from worker.workspace.sources import Fhir, Sheet

KINDS: Final = ("Appointment", "Encounter", "Patient")
_BY: Final = {"pat": "cancelled_by_patient", "prov": "cancelled_by_clinic"}
"""The groups of http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason."""


def resources_said(fhir: Fhir, source: str, clinic: Clinic, body: Any, now: datetime) -> list[Said]:
    """What a resource, a Bundle, or a list of them tells. `now` is when it came in."""
    found: list[Said] = []
    for one in body if isinstance(body, list) else [body]:
        if isinstance(one, dict) and one.get("resourceType") == "Bundle":
            found += _bundle(fhir, source, clinic, one, now)
        else:
            found.append(_said(fhir, source, clinic, one, {}, now))
    return found


def _bundle(fhir: Fhir, source: str, clinic: Clinic, bundle: Mapping[str, Any], now: datetime) -> list[Said]:
    ids = {
        entry["fullUrl"]: str(entry["resource"].get("id") or entry["fullUrl"].removeprefix("urn:uuid:"))
        for entry in _entries(bundle)
        if isinstance(entry.get("fullUrl"), str)
    }
    found = []
    for entry in _entries(bundle):
        resource = entry["resource"]
        # A Bundle brings what belongs to it: practitioners, places. They tell nothing of a patient.
        if resource.get("resourceType") in KINDS:
            named = {"id": ids.get(entry.get("fullUrl"), ""), **resource}
            found.append(_said(fhir, source, clinic, named, ids, now))
    return found


def _entries(bundle: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield entry


def _said(fhir: Fhir, source: str, clinic: Clinic, resource: Any, ids: Mapping[str, str], now: datetime) -> Said:  # fmt: skip
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind not in KINDS:
        return Said(resource, why=f"the resource is {shown(kind)}; an Appointment, an Encounter, a Patient or a Bundle of them is read")  # fmt: skip
    own = resource.get("id")
    if not isinstance(own, str) or not own:
        return Said(resource, why=f"the {kind} has no `id`")
    reading = _Reading(resource, ids, now)
    try:
        version = _one(resource, "meta.versionId")
        delivery = f"{kind}/{own}/_history/{version}" if version else ""
        sheet, values, means = _read(fhir, reading, kind)
        context = Context(sheet, clinic, source, now, Notes())
        cells = _cells(kind, values)
        row = Fields(context, cells.places, cells.names, cells.values, means=means, spoken=True)
        into = replaced_by(resource, ids) if kind == "Patient" else ""
        told = _merged(own, into, row) if into else told_of(row)
    except Refused as error:
        return Said(resource, why=str(error))
    return Said(resource, (told,) if told is not None else (), "", delivery, context, cells)


def _cells(kind: str, values: Mapping[str, tuple[str, str]]) -> Cells:
    """`values` are a path within the resource and a text for each field."""
    return Cells(
        {field: (place,) for place, field in enumerate(values)},
        tuple(f"{kind}.{path}" for path, _ in values.values()),
        tuple(text for _, text in values.values()),
    )


def _merged(own: str, into: str, row: Fields) -> Told:
    data = {"into": into}
    at = row.moment("updated_at")
    digest = digest_of("patient.merged", own, {**data, "own": at})
    return Told(hashed("patient", own), digest, "patient.merged", own, data, at, None)


def _one(resource: Mapping[str, Any], path: str) -> str:
    return next((text for value in found_at(resource, path) if (text := text_of(value, path))), "")


class _Reading:
    """One resource; `ids` are those of the resources that its Bundle brings, by the addresses that it calls them by."""

    def __init__(self, resource: Mapping[str, Any], ids: Mapping[str, str], now: datetime) -> None:
        self.resource, self.ids, self.now = resource, ids, now

    def at(self, path: str) -> tuple[str, str]:
        """A path with the first text there."""
        return path, _one(self.resource, path)

    def to(self, path: str, kind: str) -> tuple[str, str]:
        """A path of references with the id of the first that leads to a resource of this kind."""
        for value in found_at(self.resource, path):
            if found := referred(value, kind, self.ids):
                return path, found
        return path, ""

    def services(self, path: str, system: str) -> tuple[str, str]:
        """A path of concepts, with each one's code of the system, else its name."""
        found: list[str] = []
        for concept in found_at(self.resource, path):
            if not isinstance(concept, dict):
                continue
            codings = [one for one in concept.get("coding") or () if isinstance(one, dict)]
            codes = [one["code"] for one in codings if one.get("code") and system in ("", one.get("system"))]
            named = [concept.get("text"), *(one.get("display") for one in codings)]
            words = codes or [name for name in named if name]
            found += [text_of(words[0], path)] if words else []
        return path, BETWEEN.join(found)


def _read(fhir: Fhir, reading: _Reading, kind: str) -> tuple[Sheet, dict[str, tuple[str, str]], str | None]:
    """The sheet that a resource is read by, its fields, and what it means where the status alone does not say it."""
    common = {"updated_at": reading.at("meta.lastUpdated")}
    if kind == "Patient":
        return fhir.patients, {**common, **person_cells(reading.resource, reading.now)}, None
    if kind == "Encounter":
        appointment = reading.to("appointment[].reference", "Appointment")
        own = ("id", f"encounter-{reading.resource['id']}")
        return (
            fhir.encounters,
            {
                **common,
                "id": appointment if appointment[1] else own,
                "patient": reading.to("subject.reference", "Patient"),
                "status": reading.at("status"),
                "starts_at": reading.at("period.start"),
                "ends_at": reading.at("period.end"),
                "service": reading.services("type[]", fhir.service_system),
                "practitioner": reading.to("participant[].individual.reference", "Practitioner"),
                "location": reading.to("location[].location.reference", "Location"),
                "version": ("status", "1"),
            },
            None,
        )
    fields = {
        **common,
        "id": reading.at("id"),
        "patient": reading.to("participant[].actor.reference", "Patient"),
        "status": reading.at("status"),
        "starts_at": reading.at("start"),
        "ends_at": reading.at("end"),
        "service": reading.services("serviceType[]", fhir.service_system),
        "practitioner": reading.to("participant[].actor.reference", "Practitioner"),
        "location": reading.to("participant[].actor.reference", "Location"),
        "created_at": reading.at("created"),
    }
    return fhir.appointments, fields, _cancelled(fhir, reading)


def _cancelled(fhir: Fhir, reading: _Reading) -> str | None:
    """Who cancelled, where the reason says it."""
    if fhir.appointments.statuses.get(reading.at("status")[1].casefold()) != "cancelled":
        return None
    code = reading.at("cancelationReason.coding[].code")[1]
    return _BY.get(code.partition("-")[0])
