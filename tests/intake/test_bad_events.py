"""Bad inputs and what a person is told of them: the whole sentence, or its telling part."""

from __future__ import annotations

from typing import Any

import pytest

from tests.intake.samples import ABSENT, EXAMPLE, errors, of_type, put

ID = "text in quotes of at most 256 characters"
BAD: list[tuple[str, Any, str]] = [
    ("specversion", "0.3", "specversion: '0.3' is not known; give \"1.0\""),
    ("specversion", 1.0, 'specversion: 1.0 does not belong here; give "1.0"'),
    ("specversion", ABSENT, 'specversion: is missing; give "1.0"'),
    ("id", ABSENT, f"id: is missing; give the event's own id, {ID}"),
    ("id", 7, f"id: 7 does not belong here; give the event's own id, {ID}"),
    ("id", "x" * 257, "id: is longer than 256 characters; shorten it"),
    ("source", " ", "source: is empty; give where it comes from, such as /clinic/athens/book"),
    ("subject", None, f"subject: is null; give the clinic's id of the patient, {ID}"),
    ("subject", "p\x001", "subject: holds a control character, such as a line break; remove it"),
    ("subject", "p\ud800", "subject: holds a broken character (half of a surrogate pair); send valid UTF-8"),
    ("type", "visit.complete", "type: 'visit.complete' is not known; did you mean 'visit.completed'?"),
    ("type", "Visit.Completed", "type: 'Visit.Completed' is not known; did you mean 'visit.completed'?"),
    ("type", "zzz", "type: 'zzz' is not known; give booking.cancelled, booking.created"),
    ("type", ["visit.completed"], "type: a list does not belong here; give the event's type"),
    ("type", "", "type: is empty; give the event's type, such as visit.completed"),
    ("time", "2026-03-29T08:00:00", "time: '2026-03-29T08:00:00' has no offset; write 2026-03-29T08:00:00+03:00"),
    ("time", "2026-03-29", "time: '2026-03-29' is not an instant; write it like 2026-03-29T10:00:00+03:00"),
    ("time", "2026-02-30T08:00:00Z", "time: '2026-02-30T08:00:00Z' is not an instant"),
    ("time", 1774771200, "time: 1774771200 does not belong here; give an instant with its offset"),
    ("time", "0001-01-01T00:00:00+14:00", "time: 0001-01-01 lies before 1950; check the date order"),
    ("time", "9999-12-31T23:59:59-14:00", "time: 9999-12-31 lies after 2199; check the date order"),
    ("time", "2090-01-01T00:00:00Z",
     "time: 2090-01-01 lies in the future (more than a day ahead of this clinic's clock); check the date"),
    ("data", "text", "data: 'text' does not belong here; give an object"),
    ("data", [], "data: a list does not belong here; give an object"),
    ("data.appointment_id", 9, f"data.appointment_id: 9 does not belong here; give the appointment's id in the clinic's book, {ID}"),
    ("data.appointment_id", None, "data.appointment_id: is null; give the appointment's id"),
    ("data.version", -1, "data.version: -1 is too small; give a whole number from 0 up"),
    ("data.version", 2**63, "data.version: 9223372036854775808 is too large; give a whole number"),
    ("data.version", 10**5000, "data.version: a number of more than 20 digits"),
    ("data.version", "7", "data.version: '7' does not belong here; give a whole number from 0 up, such as 7, without quotes"),
    ("data.version", True, "data.version: true does not belong here"),
    ("data.starts_at", "1890-03-01T10:00:00Z", "data.starts_at: 1890-03-01 lies before 1950; check the date order"),
    ("data.starts_at", ABSENT, "data.starts_at: is missing; give an instant with its offset"),
    ("data.starts_at", "", "data.starts_at: is empty; give an instant with its offset"),
    ("data.historical", 1, "data.historical: 1 does not belong here; give true or false without quotes"),
    ("data.historical", "false", "data.historical: 'false' does not belong here; give true or false without quotes"),
    ("data.services", {"code": "LHR"}, "data.services: an object does not belong here; give a list"),
    ("data.services", ["LHR"], "data.services[0]: 'LHR' does not belong here; give an object such as {\"code\": \"LHR\"}"),
    ("data.services", [{"code": "A"}, {"area": "face"}], "data.services[1].code: is missing; give the code"),
    ("data.services", [{"code": "A", "area": "fase"}], "data.services[0].area: 'fase' is not known; did you mean 'face'?"),
    ("data.services", [{"code": "A", "area": 3}], "data.services[0].area: 3 does not belong here; give face, body or none"),
    ("data.services", [{"code": "A"}] * 101, "data.services: holds more than 100 entries; send fewer"),
    ("data.location", 4, "data.location: 4 does not belong here; give text in quotes, or leave it out"),
    ("data.net", 150.0, "data.net: 150.0 does not belong here; give an object such as"),
    ("data.net.minor", 150.5, "data.net.minor: 150.5 does not belong here; give a whole number of minor units"),
    ("data.net.currency", "eur", "data.net.currency: 'eur' does not belong here; give three capital letters, such as EUR"),
    ("data.net.currency", ABSENT, "data.net.currency: is missing; give three capital letters, such as EUR"),
    ("data.patient", "p-1", "data.patient: 'p-1' does not belong here; give an object of what is known, or leave it out"),
    ("data.patient.first_name", 5, "data.patient.first_name: 5 does not belong here; give text in quotes"),
    ("data.patient.phone", "12",
     ("data.patient.phone: '12' is not a phone number in GR; "
      "give it with its country code, such as +30 690 000 0000, or leave it out")),
    ("data.patient.phone", 6900000000, "data.patient.phone: 6900000000 does not belong here; give text with the country code"),
    ("data.patient.email", "eleni", "data.patient.email: 'eleni' is not an e-mail address; give one address"),
    ("data.patient.email", "a@b", "data.patient.email: 'a@b' is not an e-mail address"),
    ("data.patient.email", "a@b.gr, c@d.gr", "data.patient.email: 'a@b.gr, c@d.gr' is not an e-mail address"),
    ("data.patient.email", "a@b.gr\nBcc: c", "is not an e-mail address"),
    ("data.patient.email", "a@-b.gr", "is not an e-mail address"),
    ("data.patient.date_of_birth", "28/02/1990", "'28/02/1990' is not a date; write it like 1990-02-28 (year, month, day)"),
    ("data.patient.date_of_birth", "1990-02-30", "data.patient.date_of_birth: '1990-02-30' is not a date"),
    ("data.patient.language", "greek", "data.patient.language: 'greek' is not a language code; give two letters"),
    ("data.patient.timezone", "Europe/Athen", "data.patient.timezone: 'Europe/Athen' is not a time zone; did you mean 'Europe/Athens'?"),
    ("data.patient.timezone", "../../etc/passwd", "is not a time zone; give an IANA name, such as Europe/Athens"),
    ("data.patient.tags", "vip", "data.patient.tags: 'vip' does not belong here; give a list of words, or leave it out"),
    ("data.patient.tags", [None], "data.patient.tags[0]: is null; give a word"),
    ("data.patient.consent", True, "data.patient.consent: true does not belong here; give an object such as"),
    ("data.patient.consent.sms", "marketing", "data.patient.consent.sms: 'marketing' does not belong here; give a list"),
    ("data.patient.consent.email", ["marketting"], "data.patient.consent.email[0]: 'marketting' is not known; did you mean 'marketing'?"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "told"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_the_one_error_and_names_its_way_out(path: str, value: Any, told: str) -> None:
    (sentence,) = errors(put(EXAMPLE, {path: value}))
    assert told in sentence and sentence.startswith(f"{path}")
    assert "; " in sentence and "pydantic" not in sentence.lower() and "\n" not in sentence


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (of_type("consent.granted", channel="whatsapp"), "data.channel: 'whatsapp' is not known; give sms or email"),
        (of_type("consent.granted", purpose="market"), "data.purpose: 'market' is not known; did you mean 'marketing'?"),
        (of_type("consent.granted", basis="soft-opt-in"), "data.basis: 'soft-opt-in' is not known; did you mean 'soft_opt_in'?"),
        (of_type("consent.revoked", text_hash="abc"), "data.text_hash: 'abc' does not belong here; give the SHA-256"),
        (of_type("booking.cancelled", cancelled_by="us"), "data.cancelled_by: 'us' is not known; give patient or clinic"),
        (of_type("patient.merged", into=None), "data.into: is null; give the id of the patient that remains"),
        (of_type("patient.held", until=5), "data.until: 5 does not belong here; give a date such as 2026-12-31"),
        (of_type("patient.held", until="1026-12-31"), "data.until: 1026-12-31 lies before 1950 or after 2199"),
        (of_type("payment.refunded", net=None), "data.net: is null; give an object such as"),
    ],
)  # fmt: skip
def test_a_bad_value_of_other_types_is_told_as_well(raw: dict[str, Any], told: str) -> None:
    (sentence,) = errors(raw)
    assert sentence.startswith(told)


@pytest.mark.parametrize(
    ("raw", "what"), [(None, "null"), ([], "a list"), ("x", "'x'"), (3, "3"), (object(), "this")]
)
def test_what_is_no_object_is_no_event(raw: object, what: str) -> None:
    assert errors(raw) == (f"event: {what} is not an event; give a JSON object in CloudEvents 1.0 form",)


def test_a_long_value_is_quoted_in_part() -> None:
    (sentence,) = errors(put(EXAMPLE, {"data.patient.phone": "5" * 200}))
    assert len(sentence) < 220 and "555...'" in sentence
