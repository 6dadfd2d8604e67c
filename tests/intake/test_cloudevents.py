from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.intake.samples import ABSENT, EXAMPLE, LEAST, accepted, errors, of_type, parse, vary
from worker.domain.events import EXTERNAL_TYPES, INTERNAL_TYPES
from worker.intake.cloudevents import envelope
from worker.intake.models import DATA


def patient(**fields: Any) -> dict[str, Any]:
    known: dict[str, Any] = accepted(of_type("patient.upserted", patient=fields)).data["patient"]
    return known


def test_the_example_of_the_contract_is_canonical_already() -> None:
    event = accepted(EXAMPLE)
    assert event.time == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert (event.id, event.source, event.type, event.subject) == (
        "e-1",
        "/clinic/athens/book",
        "visit.completed",
        "p-123",
    )
    assert event.data == EXAMPLE["data"]
    assert envelope(event) == EXAMPLE


def test_every_external_type_has_a_shape() -> None:
    assert set(DATA) == EXTERNAL_TYPES == set(LEAST)


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_each_type_passes_with_the_least_it_may_carry(kind: str) -> None:
    event = accepted(of_type(kind))
    assert event.type == kind
    assert accepted(envelope(event)) == event


@pytest.mark.parametrize("kind", sorted(k for k in LEAST if not LEAST[k]))
@pytest.mark.parametrize("data", [ABSENT, None])
def test_a_type_that_needs_no_data_may_come_without(kind: str, data: object) -> None:
    raw = of_type(kind)
    raw["data"] = data
    assert accepted(raw if data is None else {k: v for k, v in raw.items() if k != "data"}).data == {}


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_what_a_type_requires_is_asked_for_when_data_is_missing(kind: str) -> None:
    raw = of_type(kind)
    raw["data"] = {}
    if LEAST[kind]:
        assert [told.split(":")[0] for told in errors(raw)] == [f"data.{key}" for key in LEAST[kind]]


@pytest.mark.parametrize("kind", sorted(INTERNAL_TYPES))
def test_what_revisit_raises_itself_cannot_be_sent(kind: str) -> None:
    (told,) = errors(vary(type=kind))
    assert told == f"type: '{kind}' is raised by Revisit itself and cannot be sent; leave this event out"


def test_time_becomes_utc() -> None:
    event = accepted(vary(time="2026-03-29T11:30:00.25+03:30"))
    assert event.time == datetime(2026, 3, 29, 8, 0, 0, 250000, tzinfo=UTC)
    assert event.time.tzinfo is UTC


def test_starts_at_keeps_its_offset() -> None:
    assert (
        accepted(vary(data__starts_at="2026-03-29t10:00:00-05:00")).data["starts_at"]
        == "2026-03-29T10:00:00-05:00"
    )


def test_time_may_run_a_day_ahead_of_the_clinic_and_no_further() -> None:
    booking = of_type("booking.created", starts_at="2026-06-01T10:00:00Z")
    assert accepted({**booking, "time": "2026-04-02T12:00:00Z"})
    assert "a day ahead" in errors({**booking, "time": "2026-04-02T12:00:01Z"})[0]
    assert accepted({**booking, "time": "2026-04-02T12:00:01Z"}, now=None)


def test_a_completed_visit_starts_at_most_a_day_after_its_event() -> None:
    assert accepted(vary(data__starts_at="2026-03-30T08:00:00Z"))
    (told,) = errors(vary(data__starts_at="2026-03-30T08:00:01Z"))
    assert told.startswith("data.starts_at: 2026-03-30 lies more than a day after the event's time")


def test_a_booking_starts_at_most_five_years_after_its_event() -> None:
    assert accepted(of_type("booking.created", starts_at="2031-03-29T08:00:00Z"))
    (told,) = errors(of_type("booking.created", starts_at="2031-03-29T08:00:01Z"))
    assert (
        told
        == "data.starts_at: 2031-03-29 lies more than 5 years after the event's time; check the date order"
    )


def test_a_missing_offset_is_refused_with_the_clinics_own() -> None:
    (told,) = errors(vary(data__starts_at="2026-03-29T10:00:00"))
    assert told == (
        "data.starts_at: '2026-03-29T10:00:00' has no offset; write 2026-03-29T10:00:00+03:00 "
        "if it is the time of Europe/Athens, or end it with Z if it is UTC"
    )


def test_identifiers_lose_the_space_around_them() -> None:
    event = accepted(vary(subject=" p-1 ", data__appointment_id="a-9\n", data__services=[{"code": " LHR"}]))
    assert (event.subject, event.data["appointment_id"], event.data["services"]) == (
        "p-1",
        "a-9",
        [{"code": "LHR"}],
    )


def test_extension_attributes_and_unknown_keys_are_dropped() -> None:
    raw = vary(traceparent="00-1", data__colour="red", data__patient__height=170, data__net__tax=3)
    raw["data"]["services"][0]["room"] = 4
    raw["data"]["patient"]["consent"]["whatsapp"] = ["marketing"]
    assert accepted(raw) == accepted(EXAMPLE)


def test_a_missing_version_is_zero() -> None:
    assert accepted(of_type("visit.voided")).data["version"] == 0
    assert accepted(of_type("visit.voided", version=None)).data["version"] == 0
    assert "version" not in accepted(of_type("patient.deceased")).data


def test_null_and_empty_text_outside_the_patient_mean_absent() -> None:
    raw = of_type(
        "booking.cancelled",
        location=None,
        practitioner=" ",
        net=None,
        starts_at="",
        cancelled_by="",
        services=None,
    )
    assert accepted(raw).data == {"appointment_id": "a", "version": 0}
    service = {"code": "X", "family": "", "area": ""}
    assert accepted(of_type("visit.voided", services=[service])).data["services"] == [{"code": "X"}]


def test_null_and_empty_text_in_the_patient_clear_the_field() -> None:
    fields = ("first_name", "last_name", "phone", "email", "date_of_birth", "language", "timezone")
    for empty in (None, "", "  "):
        assert patient(**dict.fromkeys(fields, empty)) == dict.fromkeys(fields)
    assert patient(tags=None, consent=None) == {"tags": None, "consent": None}
    assert patient(consent={"sms": None}) == {"consent": {"sms": []}}


def test_a_partial_patient_stays_partial() -> None:
    assert patient(phone="6900000000") == {"phone": "+306900000000"}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("690 000 0000", "+306900000000"),
        ("0030 690-000-0000", "+306900000000"),
        ("+1 (500) 555-0006", "+15005550006"),
        ("+44 (0)7911 123456", "+447911123456"),
    ],
)
def test_phones_become_e164_with_the_clinics_country(given: str, canonical: str) -> None:
    assert patient(phone=given) == {"phone": canonical}


def test_a_phone_with_two_trunk_zeros_loses_both_at_once() -> None:
    event = accepted(of_type("patient.upserted", patient={"phone": "+353 00 1 861 4427"}))
    assert event.data["patient"] == {"phone": "+35318614427"}
    assert accepted(envelope(event)) == event


def test_email_domains_become_lower_case() -> None:
    assert patient(email=" Eleni.P+x@EXAMPLE.Com ") == {"email": "Eleni.P+x@example.com"}
    assert patient(email="ελένη@παράδειγμα.ελ") == {"email": "ελένη@παράδειγμα.ελ"}


@pytest.mark.parametrize(
    ("given", "canonical"), [("el-GR", "el"), ("EN", "en"), ("en_GB", "en"), ("zh-Hant-TW", "zh")]
)
def test_languages_become_two_letters(given: str, canonical: str) -> None:
    assert patient(language=given) == {"language": canonical}


def test_names_keep_to_one_line() -> None:
    assert patient(first_name=" Eleni\n Maria\x00 ", last_name="O’Neill")["first_name"] == "Eleni Maria"


def test_tags_are_told_once_and_blank_ones_not_at_all() -> None:
    assert patient(tags=["vip", "", "vip", " new "]) == {"tags": ["vip", "new"]}


def test_a_birth_date_lies_within_120_years_before_the_event_and_not_in_the_future() -> None:
    assert patient(date_of_birth="1906-03-29") and patient(date_of_birth="2026-04-01")
    for wrong, why in (("1906-03-28", "more than 120 years"), ("2026-04-02", "lies in the future")):
        (told,) = errors(of_type("patient.upserted", patient={"date_of_birth": wrong}))
        assert told.startswith(f"data.patient.date_of_birth: {wrong} ") and why in told


def test_an_erasure_carries_nothing_about_the_person() -> None:
    assert accepted(of_type("patient.erased", patient={"first_name": "Eleni"}, reason="asked")).data == {}


def test_a_hold_ends_on_a_day_at_an_instant_or_not_at_all() -> None:
    assert accepted(of_type("patient.held", reason="complaint", until="2026-12-01")).data == {
        "reason": "complaint",
        "until": "2026-12-01",
    }
    assert (
        accepted(of_type("patient.held", until="2026-12-01T00:00:00+02:00")).data["until"]
        == "2026-12-01T00:00:00+02:00"
    )
    assert "is not a date" in errors(of_type("patient.held", until="01/12/2026"))[0]


def test_a_refund_is_more_than_nothing() -> None:
    for minor in (0, -5):
        raw = of_type("payment.refunded", net={"minor": minor, "currency": "EUR"})
        assert errors(raw) == (f"data.net.minor: {minor} is too small; give more than 0",)


def test_a_patient_is_not_merged_into_herself() -> None:
    (told,) = errors(of_type("patient.merged", into=" p-123 "))
    assert told.startswith("data.into: is the subject itself")


def test_the_text_of_a_consent_is_kept_as_its_hash() -> None:
    text = "Ναι, στείλτε μου προσφορές"
    event = accepted(
        of_type("consent.granted", text=text, basis="written", source="tablet", evidence="form 12")
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert event.data == {
        "channel": "sms",
        "purpose": "marketing",
        "basis": "written",
        "source": "tablet",
        "evidence": "form 12",
        "text_hash": digest,
    }
    assert accepted(envelope(event)) == event


def test_all_errors_of_an_event_come_at_once() -> None:
    raw = vary(
        id="", time="yesterday", data__version="7", data__appointment_id=ABSENT, data__patient__phone="12"
    )
    assert [told.split(":")[0] for told in errors(raw)] == [
        "id", "time", "data.patient.phone", "data.appointment_id", "data.version",
    ]  # fmt: skip


def test_a_flood_of_errors_is_counted() -> None:
    told = errors(of_type("visit.voided", services=[{}] * 100))
    assert len(told) == 21 and told[-1] == "and 80 more errors in this event"


def test_nothing_is_changed_in_what_was_given() -> None:
    raw = vary(data__patient__language="el-GR", data__version=None)
    before = repr(raw)
    parse(raw)
    assert repr(raw) == before
