"""FHIR R4: what Appointment, Encounter and Patient tell, in the shapes of the specification's examples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.intake.exports import CLINIC, NOW, source_of
from tests.intake.test_sources_messages import folded
from worker.intake.cloudevents import parse_event
from worker.intake.sources.fhir import resources_said
from worker.intake.sources.messages import Said

SYSTEM = "https://clinic.example/treatments"
MAPPING = f"""
webhook:
  kind: fhir
  signature: none
  service_system: {SYSTEM}
  services: {{"394": LHR}}
"""


def appointment(status: Any = "booked", version: str = "1", **more: Any) -> dict[str, Any]:
    """After http://hl7.org/fhir/R4/appointment-example.json.html."""
    return {
        "resourceType": "Appointment",
        "id": "example",
        "meta": {"versionId": version, "lastUpdated": f"2026-11-20T09:00:0{version}.239+02:00"},
        "text": {"status": "generated", "div": "<div>Brian MRI results discussion</div>"},
        "status": status,
        "serviceType": [{"coding": [{"system": "http://other.example", "code": "9"}, {"system": SYSTEM, "code": "394", "display": "Laser"}]}],
        "start": "2026-12-10T09:00:00Z",
        "end": "2026-12-10T11:00:00Z",
        "created": "2026-10-10",
        "participant": [
            {"actor": {"reference": "Practitioner/dr-k"}, "status": "accepted"},
            {"actor": {"reference": "https://ehr.example/fhir/Patient/p-1/_history/2", "display": "Peter"}, "status": "accepted"},
            {"actor": {"reference": "Location/athens"}, "status": "accepted"},
        ],
        **more,
    }  # fmt: skip


def encounter(status: str = "finished", **more: Any) -> dict[str, Any]:
    """After http://hl7.org/fhir/R4/encounter-example-f001-heart.json.html."""
    return {
        "resourceType": "Encounter",
        "id": "f001",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-20T12:00:00Z"},
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [{"coding": [{"system": SYSTEM, "code": "LHR"}]}],
        "subject": {"reference": "Patient/p-1"},
        "appointment": [{"reference": "Appointment/example"}],
        "participant": [{"individual": {"reference": "Practitioner/dr-k"}}],
        "period": {"start": "2026-11-20T10:00:00+02:00", "end": "2026-11-20T11:00:00+02:00"},
        "location": [{"location": {"reference": "Location/athens"}}],
        **more,
    }


def patient(**more: Any) -> dict[str, Any]:
    """After http://hl7.org/fhir/R4/patient-example.json.html."""
    return {
        "resourceType": "Patient",
        "id": "p-1",
        "meta": {"versionId": "3", "lastUpdated": "2026-11-20T12:00:00Z"},
        "active": True,
        "name": [
            {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
            {"use": "usual", "given": ["Jim"], "family": "Chalmers"},
            {"use": "maiden", "family": "Windsor", "given": ["Peter", "James"], "period": {"end": "2002"}},
        ],
        "telecom": [
            {"use": "home"},
            {"system": "phone", "value": "2101111111", "use": "work", "rank": 1},
            {"system": "phone", "value": "6900000004", "use": "mobile", "rank": 3},
            {"system": "phone", "value": "6900000003", "use": "mobile", "rank": 2},
            {"system": "phone", "value": "6900000002", "use": "mobile", "rank": 1, "period": {"end": "2014"}},
            {"system": "phone", "value": "6900000001", "use": "old"},
            {"system": "email", "value": "second@example.com", "rank": 2},
            {"system": "email", "value": "first@example.com", "rank": 1, "period": {"start": "2020-01-01", "end": "2026-11-23"}},
            {"system": "email", "value": "past@example.com", "period": {"end": "2026-11-22"}},
        ],
        "gender": "male",
        "birthDate": "1974-12-25",
        "communication": [{"language": {"coding": [{"code": "en"}]}}, {"language": {"coding": [{"code": "el-GR"}]}, "preferred": True}],
        "deceasedBoolean": False,
        **more,
    }  # fmt: skip


def bundle(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def said(body: Any, mapping: str = MAPPING) -> list[Said]:
    source = source_of(mapping, "fhir")
    assert source.webhook is not None and source.webhook.fhir is not None
    return resources_said(source.webhook.fhir, source.uri, CLINIC, body, NOW)


def events(*bodies: Any, mapping: str = MAPPING) -> list[dict[str, Any]]:
    found = [event for body in bodies for one in said(body, mapping) for event in one.events({})]
    for event in found:
        parsed = parse_event(event, now=NOW, country="GR", timezone="Europe/Athens")
        assert getattr(parsed, "errors", ()) == ()
    return found


def event(body: Any, mapping: str = MAPPING) -> dict[str, Any]:
    (only,) = events(body, mapping=mapping)
    return only


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("proposed", None),
        ("waitlist", None),
        ("pending", "booking.created"),
        ("booked", "booking.created"),
        ("arrived", "booking.created"),
        ("checked-in", "booking.created"),
        ("fulfilled", "visit.completed"),
        ("cancelled", "booking.cancelled"),
        ("noshow", "booking.no_show"),
        ("entered-in-error", "visit.voided"),
    ],
)
def test_an_appointment_is_what_its_status_says(status: str, kind: str | None) -> None:
    past = {"start": "2026-11-20T06:00:00Z"} if status in ("fulfilled", "noshow") else {}
    assert [one["type"] for one in events(appointment(status, **past))] == ([kind] if kind else [])


def test_an_appointment_brings_its_patient_treatment_and_place() -> None:
    told = event(appointment())
    assert (told["subject"], told["time"]) == ("p-1", "2026-11-20T07:00:01.239000Z")
    assert told["data"] == {
        "appointment_id": "example",
        "starts_at": "2026-12-10T09:00:00+00:00",
        "services": [{"code": "LHR"}],
        "location": "athens",
        "practitioner": "dr-k",
        "historical": False,
    }


def test_a_cancellation_may_lack_a_start_and_says_who_did_it() -> None:
    reason = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason", "code": "pat-cpp"}]}  # fmt: skip
    bare = {name: value for name, value in appointment("cancelled", cancelationReason=reason).items() if name not in ("start", "end")}  # fmt: skip
    told = event(bare)
    assert told["data"]["cancelled_by"] == "patient"
    assert "starts_at" not in told["data"]


def test_a_status_means_what_the_mapping_says() -> None:
    mine = MAPPING + "  statuses: {arrived: completed, proposed: booked}\n"
    came = appointment("arrived", start="2026-11-20T06:00:00Z", end="2026-11-20T07:00:00Z")
    assert event(came, mine)["type"] == "visit.completed"
    assert event(appointment("proposed"), mine)["type"] == "booking.created"
    assert said(appointment("dreamt"))[0].why == "field `Appointment.status`: `dreamt` is not in the mapping's `statuses`"  # fmt: skip


def test_a_finished_encounter_is_the_visit_of_its_appointment_whatever_the_appointment_says_later() -> None:
    visit = event(encounter())
    assert (visit["type"], visit["data"]["appointment_id"], visit["data"]["starts_at"]) == ("visit.completed", "example", "2026-11-20T10:00:00+02:00")  # fmt: skip
    later = event(appointment("arrived", "9", start="2026-11-20T08:00:00Z"))
    for order in ([visit, later], [later, visit]):
        record = folded(order)["appointments"]["example"][0]
        assert record["status"] == "completed"


def test_an_encounter_of_no_appointment_is_a_visit_of_its_own_and_one_under_way_is_none() -> None:
    assert event(encounter(appointment=[]))["data"]["appointment_id"] == "encounter-f001"
    for status in ("planned", "arrived", "triaged", "in-progress", "onleave", "cancelled", "unknown"):
        assert events(encounter(status)) == []
    assert event(encounter("entered-in-error"))["type"] == "visit.voided"
    assert said(encounter(period={}))[0].why == "field `Encounter.period.start` is empty"


def test_of_two_versions_the_later_one_holds_in_any_order_and_a_replay_is_the_same() -> None:
    first, second = event(appointment("booked", "1")), event(appointment("cancelled", "2"))
    assert folded([first, second]) == folded([second, first])
    assert folded([second, first])["appointments"]["example"][0]["status"] == "cancelled"
    assert event(appointment("booked", "1"))["id"] == first["id"] != second["id"]


def test_a_patient_is_written_to_at_the_address_that_is_in_use() -> None:
    assert event(patient())["data"]["patient"] == {
        "first_name": "Jim",
        "last_name": "Chalmers",
        "phone": "+306900000003",
        "email": "first@example.com",
        "date_of_birth": "1974-12-25",
        "language": "el",
    }


@pytest.mark.parametrize("deceased", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-11-01"}])
def test_who_has_died_is_told(deceased: dict[str, Any]) -> None:
    dead = {name: value for name, value in patient().items() if name != "deceasedBoolean"} | deceased
    assert event(dead)["type"] == "patient.deceased"


def test_who_is_not_active_has_no_consent_and_nobody_has_it_by_fhir() -> None:
    assert event(patient(active=False))["data"]["patient"]["consent"] == {"sms": [], "email": []}
    assert "consent" not in event(patient())["data"]["patient"]


def test_a_patient_who_was_replaced_is_merged() -> None:
    """After http://hl7.org/fhir/R4/patient-example-xds / `link`."""
    link = [{"other": {"reference": "Patient/p-2"}, "type": "replaced-by"}]
    told = event(patient(active=False, link=link))
    assert (told["type"], told["subject"], told["data"]["into"]) == ("patient.merged", "p-1", "p-2")
    other = [{"other": {"reference": "Patient/p-2"}, "type": "seealso"}]
    assert event(patient(link=other))["type"] == "patient.upserted"
    nowhere = [{"other": {"display": "Jim"}, "type": "replaced-by"}]
    assert "names no Patient" in said(patient(link=nowhere))[0].why


def test_a_bundle_brings_resources_that_call_each_other_by_its_own_addresses() -> None:
    unnamed = {name: value for name, value in patient().items() if name != "id"}
    booked = appointment(participant=[{"actor": {"reference": "urn:uuid:61ebe359"}, "status": "accepted"}])
    body = bundle(
        {"fullUrl": "urn:uuid:61ebe359", "resource": unnamed},
        {"fullUrl": "https://ehr.example/fhir/Appointment/example", "resource": booked},
        {"resource": {"resourceType": "Practitioner", "id": "dr-k"}},
        {"request": {"method": "DELETE", "url": "Patient/7"}},
    )
    assert [(one["type"], one["subject"]) for one in events(body)] == [
        ("patient.upserted", "61ebe359"),
        ("booking.created", "61ebe359"),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (7, "the resource is null; an Appointment"),
        ({"resourceType": "Observation", "id": "x"}, "the resource is 'Observation'; an Appointment"),
        ({"resourceType": "Patient"}, "the Patient has no `id`"),
        (appointment(participant=[]), "field `Appointment.participant[].actor.reference` is empty"),
        (appointment(start=None), "field `Appointment.start` is empty"),
        (appointment(status={"a": 1}), "field `status` holds an object"),
        (encounter(subject={"reference": "Group/1"}), "field `Encounter.subject.reference` is empty"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_words(body: Any, words: str) -> None:
    (only,) = said(body)
    assert only.why.startswith(words)


def test_resources_in_lines_are_each_their_own() -> None:
    assert [one["type"] for one in events([patient(), appointment(), encounter()])] == ["patient.upserted", "booking.created", "visit.completed"]  # fmt: skip


def test_what_began_before_live_from_is_history() -> None:
    since = MAPPING + "  live_from: 2026-12-01\n"
    assert event(appointment("fulfilled", start="2026-11-20T06:00:00Z"), since)["data"]["historical"] is True
    assert event(appointment(), MAPPING + "  live_from: 2026-11-01\n")["data"]["historical"] is False
