"""Messages of a clinic's systems: what each tells, that files and messages are read by the same rules, and what is refused in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.exports import CLINIC, NOW, items, ready, source_of, write
from worker.domain.events import Event
from worker.domain.ledger import Ledger, empty, fold
from worker.intake.cloudevents import parse_event
from worker.intake.sources.deciding import decide
from worker.intake.sources.messages import Said, messages_of
from worker.intake.sources.reading import Context, Notes
from worker.workspace.paths import found_at
from worker.workspace.sources import Source

BOOK = """
date_order: dmy
webhook:
  signature: none
  event: what
  id: delivery
  messages:
    bookings:
      kind: appointments
      events: {made: booking.created, moved: booking.rescheduled, off: booking.cancelled, missed: booking.no_show, came: visit.completed, wrong: visit.voided, changed: by_status, note: left_out}
      columns: {id: it.id, patient: it.who, starts_at: it.start, status: it.state, service: "it.items[].name", net: it.paid, updated_at: at, phone: it.phone, consent_sms: it.sms, tags: "it.tags[]"}
      statuses: {Done: completed, Booked: booked, Cancelled: cancelled_by_patient, Blocked: left_out}
    people:
      kind: patients
      events: {person: patient.upserted}
      columns: {id: it.id, name: it.name, email: it.email, consent_email: it.mail}
      flags: {deceased: it.dead}
    leaves:
      kind: consents
      events: {yes: consent.granted, no: consent.revoked}
      columns: {patient: it.who, at: at}
      always: {channel: sms}
"""


def a_booking(what: str = "made", **it: Any) -> dict[str, Any]:
    told = {"id": "a-1", "who": "p-1", "start": "2026-12-01T10:00:00Z", "state": "Booked", "items": [{"name": "LHR"}]}  # fmt: skip
    return {"what": what, "delivery": "d-1", "at": "2026-11-20T08:00:00.250Z", "it": {**told, **it}}


def said(source: Source, body: Any, headers: Mapping[str, str] | None = None) -> list[Said]:
    assert source.webhook is not None
    return messages_of(source.webhook, source.uri, CLINIC, body, headers or {}, NOW)


def events(source: Source, *bodies: Any) -> list[dict[str, Any]]:
    return [event for body in bodies for one in said(source, body) for event in one.events({})]


def event(source: Source, body: Any) -> dict[str, Any]:
    (only,) = events(source, body)
    assert getattr(parse_event(only, now=NOW, country="GR", timezone="Europe/Athens"), "errors", ()) == ()
    return only


def why(source: Source, body: Any) -> str:
    (only,) = said(source, body)
    if only.why:
        return only.why
    return next(text for one in only.events({}) if (text := only.refusal(one, NOW)) is not None)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("made", "booking.created"),
        ("moved", "booking.rescheduled"),
        ("off", "booking.cancelled"),
        ("missed", "booking.no_show"),
        ("came", "visit.completed"),
        ("wrong", "visit.voided"),
    ],
)
def test_a_type_of_event_says_what_came_about(what: str, kind: str) -> None:
    told = event(source_of(BOOK), a_booking(what, start="2026-11-20T07:00:00Z"))
    assert (told["type"], told["subject"], told["data"]["appointment_id"]) == (kind, "p-1", "a-1")
    assert told["time"] == "2026-11-20T08:00:00.250000Z"
    assert told["data"]["historical"] is False


@pytest.mark.parametrize(
    ("state", "kind", "by"),
    [("Done", "visit.completed", None), ("booked", "booking.created", None), ("Cancelled", "booking.cancelled", "patient")],
)  # fmt: skip
def test_by_status_is_what_the_status_says(state: str, kind: str, by: str | None) -> None:
    told = event(source_of(BOOK), a_booking("changed", state=state, start="2026-11-23T07:00:00Z"))
    assert (told["type"], told["data"].get("cancelled_by")) == (kind, by)


def test_what_is_left_out_tells_nothing_and_is_not_refused() -> None:
    book = source_of(BOOK)
    for body in (a_booking("note"), a_booking("changed", state="Blocked")):
        (only,) = said(book, body)
        assert (only.told, only.why) == ((), "")


def test_a_message_says_nothing_of_what_it_leaves_out() -> None:
    told = event(source_of(BOOK), a_booking())
    assert "patient" not in told["data"]
    told = event(source_of(BOOK), a_booking(sms=None, tags=["vip", "vip", "late"], phone="690 000 0001"))
    assert told["data"]["patient"] == {"phone": "+306900000001", "tags": ["vip", "late"], "consent": {"sms": ["care"]}}  # fmt: skip


def test_lists_of_treatments_are_all_of_them_and_unknown_ones_are_kept_as_they_are_written() -> None:
    told = event(source_of(BOOK), a_booking(items=[{"name": "laser hair removal"}, {"name": "Peel, deep"}]))
    assert told["data"]["services"] == [{"code": "LHR"}, {"code": "Peel, deep"}]


def test_a_cancellation_may_leave_out_the_start_and_a_booking_may_not() -> None:
    book = source_of(BOOK)
    assert "starts_at" not in event(book, a_booking("off", start=None))["data"]
    assert why(book, a_booking("made", start=None)) == "field `it.start` is empty"


def test_patients_and_consents_come_by_their_own_messages() -> None:
    book = source_of(BOOK)
    person = {"what": "person", "delivery": "d-2", "it": {"id": "p-1", "name": "Maria Ioannou", "mail": True}}
    told = event(book, person)
    assert told["data"]["patient"] == {"first_name": "Maria", "last_name": "Ioannou", "consent": {"email": ["marketing", "care"]}}  # fmt: skip
    assert told["time"] == "2026-11-23T20:00:00Z"
    assert event(book, {**person, "it": {"id": "p-1", "dead": True}})["type"] == "patient.deceased"
    revoked = event(book, {"what": "no", "delivery": "d-3", "at": "2026-11-22T10:00:00Z", "it": {"who": "p-1"}})  # fmt: skip
    assert (revoked["type"], revoked["data"]["channel"]) == ("consent.revoked", "sms")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (7, "a message is an object, and this is 7"),
        ({"what": "made"}, "its own id, `delivery`, is not in it"),
        ({"delivery": "d"}, "the type of event, `what`, is not in it"),
        (a_booking("sang"), "the type of event 'sang' is not in the mapping's `events`"),
        (a_booking("changed", state="Maybe"), "field `it.state`: `Maybe` is not in the mapping's `statuses`"),
        (a_booking("changed", state=None), "field `it.state` is empty, and the mapping's `statuses` has no `empty`"),
        (a_booking(id=None), "field `it.id` is empty"),
        (a_booking(id={"a": 1}), "field `it.id` holds an object, and no value"),
        (a_booking(start="soon"), "field `it.start`: `soon` is not a date (day/month/year)"),
        (a_booking(start="2036-01-01T10:00:00Z"), "field `it.start`: 2036-01-01 lies more than 5 years after the event's time; check the date order"),
        (a_booking("came"), "field `it.start`: 2026-12-01 lies more than a day after the event's time, but a completed visit is over; check the date, or send booking.created"),
        (a_booking(paid="lots"), "field `it.paid`: `lots` is not an amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_refused_in_words(body: Any, words: str) -> None:
    assert why(source_of(BOOK), body) == words


def test_many_messages_may_come_in_one_call_and_each_stands_for_itself() -> None:
    many = source_of(BOOK.replace("  event: what", "  each: data.rows[]\n  event: what"))
    found = said(many, {"data": {"rows": [a_booking(), a_booking("sang"), a_booking("off")]}})
    assert [bool(one.why) for one in found] == [False, True, False]
    assert said(many, {"data": {"rows": []}}) == []
    assert why(many, {"data": {}}) == "there is no list of messages at `data.rows[]`"


def test_types_and_ids_may_stand_in_headers() -> None:
    text = BOOK.replace("event: what", "event: header X-Event").replace(
        "id: delivery", "id: header X-Delivery"
    )
    (only,) = said(source_of(text), {"it": a_booking()["it"]}, {"x-event": "made", "x-delivery": "d-9"})
    assert (only.why, only.delivery, len(only.told)) == ("", "d-9", 1)


def test_a_message_that_comes_again_has_the_same_id_and_another_one_has_not() -> None:
    book, unnamed = source_of(BOOK), source_of(BOOK.replace("  id: delivery\n", ""))
    again = {**a_booking(), "delivery": "d-2"}
    for source, same in ((book, False), (unnamed, True)):
        first, second = event(source, a_booking()), event(source, again)
        assert first["id"] == event(source, a_booking())["id"]
        assert (first["id"] == second["id"]) is same
    assert event(unnamed, a_booking())["id"] != event(unnamed, a_booking(start="2026-12-02T10:00:00Z"))["id"]


def folded(told: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Ledger:
    ledger = empty()
    for one in told:
        parsed = parse_event(one, now=NOW, country="GR", timezone="Europe/Athens")
        assert isinstance(parsed, Event)
        ledger = fold(ledger, parsed)
    return ledger


@given(st.permutations(["made", "moved", "off", "changed"]))
@settings(max_examples=12, deadline=None)
def test_the_order_in_which_messages_come_makes_no_difference(order: list[str]) -> None:
    moments = {name: f"2026-11-20T08:00:00.{number}00Z" for number, name in enumerate(["made", "moved", "changed", "off"])}  # fmt: skip
    bodies = [{**a_booking(what), "delivery": what, "at": moments[what]} for what in order]
    ledger = folded(events(source_of(BOOK), *bodies))
    assert ledger["appointments"]["a-1"][0]["status"] == "cancelled"
    assert ledger == folded(events(source_of(BOOK), *sorted(bodies, key=lambda body: body["at"])))


# -- one core ----------------------------------------------------------------------------------------------------------------------

COLUMNS = "id: No, patient: ID, starts_at: Start, status: Status, service: What, net: Paid, updated_at: Changed, phone: Mobile, name: Name, consent_sms: SMS"
RULES = "    statuses: {Done: completed, Booked: booked, Off: cancelled_by_clinic, Missed: no_show}\n    past_booked_means: no_show\n    services: {Laser: LHR}\n"
BOTH = f"""
date_order: dmy
decimal: ","
files:
  visits:
    kind: appointments
    live_from: 2026-11-01
    columns: {{{COLUMNS}}}
{RULES}
webhook:
  signature: none
  live_from: 2026-11-01
  messages:
    visits:
      kind: appointments
      events: {{otherwise: by_status}}
      columns: {{{COLUMNS}}}
{RULES.replace("    ", "      ")}
"""
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)
ROWS = st.fixed_dictionaries(
    {
        "No": st.sampled_from(["", "a-1", "a-2"]),
        "ID": st.sampled_from(["", "p-1"]),
        "Start": st.sampled_from(["soon", "01/12/2026 10:00", "2026-11-20T10:00:00Z", "29/02/2026", "20/10/2026 9:30 am"]),
        "Status": st.sampled_from(["", "Done", "booked", "Off", "MISSED", "?"]),
        "What": st.sampled_from(["", "Laser", "lhr", "Peel"]) | TEXTS,
        "Paid": st.sampled_from(["", "1.234,50 €", "12.5", "(20,00)"]),
        "Changed": st.sampled_from(["", "2026-11-19T10:00:00.5Z", "20/11/2026 10:00", "never"]),
        "Mobile": st.sampled_from(["", "690 000 0001", "x"]),
        "Name": TEXTS,
        "SMS": st.sampled_from(["", "yes", "no", "όχι", "perhaps"]),
    }
)  # fmt: skip


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_a_row_of_a_file_and_a_message_of_the_same_booking_are_the_same_event_but_for_its_id(
    tmp_path_factory: pytest.TempPathFactory, row: dict[str, str]
) -> None:
    source = source_of(BOTH)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerows([list(row), list(row.values())])
    (item,), _ = items(write(tmp_path_factory.mktemp("row") / "v.csv", text.getvalue()), source)
    (message,) = said(source, row)
    assert (message.why or None) == (item.error.replace("column `", "field `") if item.error else None)
    if item.told is None:
        assert message.told == ()
        return
    context = Context(source.sheets[0], CLINIC, source.uri, NOW, Notes())
    by_file = decide(context, item.told, [], first=False).event
    (by_message,) = message.events({})
    assert by_file is not None
    assert {**by_message, "id": ""} == {**by_file, "id": ""}


# -- ready mappings ----------------------------------------------------------------------------------------------------------------


def cal(
    what: str = "BOOKING_CREATED", at: str = "2026-11-20T09:30:00.538Z", **payload: Any
) -> dict[str, Any]:
    """As the example of Cal.com's documentation, as far as it is read."""
    return {
        "triggerEvent": what,
        "createdAt": at,
        "payload": {
            "type": "LHR",
            "title": "60min between Pro Example and John Doe",
            "startTime": "2026-12-05T09:30:00Z",
            "endTime": "2026-12-05T10:30:00Z",
            "organizer": {"id": 5, "name": "Pro Example", "email": "pro@example.com", "username": "pro", "language": {"locale": "en"}},
            "responses": {"name": {"label": "your_name", "value": "John Doe"}, "attendeePhoneNumber": {"value": "+306900000009"}},
            "attendees": [{"email": "john.doe@example.com", "name": "John Doe", "timeZone": "Asia/Kolkata", "language": {"locale": "en"}}],
            "uid": "bFJeNb2uX8ANpT3JL5EfXw",
            "bookingId": 91,
            "status": "ACCEPTED",
            **payload,
        },
    }  # fmt: skip


def test_cal_com_tells_of_bookings() -> None:
    told = event(ready("cal_com"), cal())
    assert (told["type"], told["time"], told["source"]) == ("booking.created", "2026-11-20T09:30:00.538000Z", "/exports/cal_com")  # fmt: skip
    assert told["data"] == {
        "appointment_id": "bFJeNb2uX8ANpT3JL5EfXw",
        "starts_at": "2026-12-05T09:30:00+00:00",
        "services": [{"code": "LHR"}],
        "practitioner": "pro",
        "patient": {"first_name": "John", "last_name": "Doe", "phone": "+306900000009", "email": "john.doe@example.com", "language": "en"},
        "historical": False,
    }  # fmt: skip
    assert event(ready("cal_com"), cal("BOOKING_CANCELLED", cancellationReason="ill"))["type"] == "booking.cancelled"  # fmt: skip
    assert [one.told or one.why for one in said(ready("cal_com"), cal("RECORDING_READY"))] == [""]


def test_a_booking_that_cal_com_moves_takes_the_place_of_the_one_before_in_any_order() -> None:
    source = ready("cal_com")
    made = cal(at="2026-11-20T09:00:00.100Z", uid="old")
    moved = cal("BOOKING_RESCHEDULED", "2026-11-20T09:00:00.200Z", uid="new", rescheduleUid="old", startTime="2026-12-06T09:30:00Z")  # fmt: skip
    told = events(source, moved)
    assert [(one["type"], one["data"]["appointment_id"]) for one in told] == [("booking.rescheduled", "new"), ("visit.voided", "old")]  # fmt: skip
    for order in ((made, moved), (moved, made)):
        ledger = folded(events(source, *order))
        assert {key: records[0]["status"] for key, records in ledger["appointments"].items()} == {"old": "voided", "new": "booked"}  # fmt: skip


def test_cal_com_tells_of_visits_and_of_who_did_not_come() -> None:
    source = ready("cal_com")
    over = cal("MEETING_ENDED", "2026-11-20T10:31:00Z", startTime="2026-11-20T09:30:00Z", endTime="2026-11-20T10:30:00Z")  # fmt: skip
    assert event(source, over)["type"] == "visit.completed"
    payload = {"message": "marked as no-show", "bookingUid": "bFJeNb2uX8ANpT3JL5EfXw", "attendees": [{"email": "John.Doe@example.com", "noShow": True}]}  # fmt: skip
    missed = {
        "triggerEvent": "BOOKING_NO_SHOW_UPDATED",
        "createdAt": "2026-11-20T11:00:00Z",
        "payload": payload,
    }
    told = event(source, missed)
    assert (told["type"], told["data"]["appointment_id"]) == ("booking.no_show", "bFJeNb2uX8ANpT3JL5EfXw")
    assert told["subject"] == event(source, over)["subject"]
    ledger = folded(events(source, over, missed))
    assert ledger["appointments"]["bFJeNb2uX8ANpT3JL5EfXw"][0]["status"] == "no_show"


def square(
    status: str = "ACCEPTED", version: int = 0, kind: str = "booking.created", **booking: Any
) -> dict[str, Any]:
    """As the example of Square's reference of booking.created and booking.updated."""
    return {
        "merchant_id": "C4HGCXVCZ2J2D",
        "location_id": "L9R0X9X5SGDBJ",
        "type": kind,
        "event_id": f"de33fbac-{version}",
        "created_at": "2026-11-20T12:24:50Z",
        "data": {
            "type": "booking",
            "id": "i2id2g3enyspi7:0",
            "object": {
                "booking": {
                    "appointment_segments": [
                        {"duration_minutes": 30, "service_variation_id": "T3WUWYFJOVW2", "service_variation_version": 1605808735978, "team_member_id": "_4GsfYnqGH"},
                        {"duration_minutes": 30, "service_variation_id": "LHR", "team_member_id": "_4GsfYnqGH"},
                    ],
                    "created_at": "2026-11-18T19:56:53Z",
                    "customer_id": "SSKBT02ECWZXK6W3",
                    "id": "i2id2g3enyspi7",
                    "location_id": "L9R0X9X5SGDBJ",
                    "start_at": "2026-12-17T16:00:00Z",
                    "status": status,
                    "updated_at": f"2026-11-19T19:56:5{version}Z",
                    "version": version,
                    **booking,
                }
            },
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind", "by"),
    [
        ("PENDING", "booking.created", None),
        ("ACCEPTED", "booking.created", None),
        ("DECLINED", "booking.cancelled", "clinic"),
        ("CANCELLED_BY_CUSTOMER", "booking.cancelled", "patient"),
        ("CANCELLED_BY_SELLER", "booking.cancelled", "clinic"),
        ("NO_SHOW", "booking.no_show", None),
    ],
)
def test_square_tells_of_bookings_by_their_status(status: str, kind: str, by: str | None) -> None:
    starts = "2026-11-19T16:00:00Z" if status == "NO_SHOW" else "2026-12-17T16:00:00Z"
    told = event(ready("square"), square(status, 3, "booking.updated", start_at=starts))
    assert (told["type"], told["data"].get("cancelled_by"), told["time"]) == (kind, by, "2026-11-19T19:56:53Z")  # fmt: skip
    assert told["data"]["services"] == [{"code": "T3WUWYFJOVW2"}, {"code": "LHR"}]
    assert told["data"]["location"] == "L9R0X9X5SGDBJ"


def test_square_tells_of_customers_and_of_no_consent() -> None:
    customer = {"id": "SSKBT02ECWZXK6W3", "given_name": "Amelia", "family_name": "Earhart", "email_address": "amelia@example.com", "phone_number": "+306900000002",
                "birthday": "1990-07-24", "created_at": "2026-11-18T01:23:44Z", "updated_at": "2026-11-19T01:23:44Z", "preferences": {"email_unsubscribed": False}, "version": 7}  # fmt: skip
    body = {"type": "customer.updated", "event_id": "c-1", "created_at": "2026-11-19T01:23:45Z", "data": {"type": "customer", "object": {"customer": customer}}}  # fmt: skip
    told = event(ready("square"), body)
    assert told["subject"] == event(ready("square"), square())["subject"]
    assert told["data"]["patient"] == {"first_name": "Amelia", "last_name": "Earhart", "phone": "+306900000002", "email": "amelia@example.com", "date_of_birth": "1990-07-24"}  # fmt: skip


# -- paths -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", [{"b": [{"c": 1}, {"c": 2}, {}]}]),
        ("a.b[].c", [1, 2]),
        ("a.b[1].c", [2]),
        ("a.b[7].c", []),
        ("a.b.c", []),
        ("a[].b", []),
        ("x.y", []),
        ("header X-Id", ["h"]),
    ],
)
def test_a_path_leads_to_its_values_or_nowhere(path: str, found: list[Any]) -> None:
    assert found_at({"a": {"b": [{"c": 1}, {"c": 2}, {}]}}, path, {"x-id": "h"}) == found


def test_what_is_older_than_live_from_is_history_and_nothing_is_told_of_tomorrow() -> None:
    late = event(source_of(BOOK), {**a_booking(), "at": (NOW + timedelta(hours=3)).isoformat()})
    assert late["time"] == "2026-11-23T20:00:00Z"
    since = source_of(BOOK.replace("  event: what", "  live_from: 2026-11-22\n  event: what"))
    assert event(since, a_booking())["data"]["historical"] is True
