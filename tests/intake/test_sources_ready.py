"""The mappings that come with the program: each reads a file in the shape of its system, with the dirt that such files have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.intake.exports import CLINIC, NOW, items, ready, source_of, write
from worker.intake.cloudevents import parse_event
from worker.intake.sources.deciding import decide
from worker.intake.sources.export import Export, Item
from worker.intake.sources.reading import Notes
from worker.workspace.config_sources import ready_names

# What each row of a file tells: the event's type, the patient, and some of its data; or why it is refused.
Expected = list[tuple[Any, ...]]
SHAPES: dict[str, tuple[str, str, Expected]] = {
    "cliniko patients": (
        "cliniko",
        ("Id,First name,Last name,Mobile,Email,Date of birth,Archived at,Created at\n"
        '101,Eleni,Papadopoulou,690 000 0001,eleni@example.com,28/02/1990,,2024-01-02 10:00:00 +0200\n'
        "\n"
        "102,Maria,Ioannou,,not an address,,2025-05-05 10:00:00 +0300,\n"),
        [
            ("patient.upserted", "101", {"first_name": "Eleni", "phone": "+306900000001", "date_of_birth": "1990-02-28"}),
            ("patient.upserted", "102", {"consent": {"sms": [], "email": []}}),
        ],
    ),
    "cliniko appointments": (
        "cliniko",
        ("Id,Patient id,Starts at,Ends at,Appointment type,Practitioner,Cancelled at,Did not arrive,Patient arrived,Deleted at,Updated at\n"
        "1,101,2026-03-12 10:00,2026-03-12 11:00,Laser hair removal,Dr K,,false,true,,2026-03-12 11:05\n"
        "2,101,2026-03-13 10:00,,Peel,Dr K,,false,false,,2026-03-01 9:00\n"
        "3,101,2026-03-14 10:00,,Peel,Dr K,2026-03-13 18:00,false,false,,2026-03-13 18:00\n"
        "4,102,2026-03-15 10:00,,Peel,Dr K,,true,false,,2026-03-15 12:00\n"
        "5,102,2026-12-15 10:00,,Peel,Dr K,,false,false,,2026-11-15 12:00\n"
        "6,102,2026-12-15 10:00,,Peel,Dr K,,false,false,2026-11-16 9:00,2026-11-16 9:00\n"),
        [
            ("visit.completed", "101", {"services": [{"code": "LHR"}], "starts_at": "2026-03-12T10:00:00+02:00"}),
            ("visit.completed", "101", {"services": [{"code": "Peel"}]}),
            ("booking.cancelled", "101", {}),
            ("booking.no_show", "102", {}),
            ("booking.created", "102", {}),
            ("visit.voided", "102", {}),
        ],
    ),
    "zenoti appointments": (
        "zenoti",
        ("Invoice No,Guest Code,Guest Name,Guest Phone,Appointment Date,Start Time,Status,Service Name,Net Price,Provider,Center\n"
        'INV1,G1,Eleni P,6900000001,03/12/2026,10:30 AM,Closed,Laser hair removal,"1,200.50",Dr K,Athens\n'
        "INV1,G1,Eleni P,6900000001,03/12/2026,10:30 AM,Closed,Peel,80,Dr K,Athens\n"
        "INV2,G1,Eleni P,6900000001,03/20/2026,10:30 AM,No Show,Peel,0,Dr K,Athens\n"
        "INV3,G2,Maria I,,12/20/2026,10:30 AM,Open,Peel,80,Dr K,Athens\n"
        "INV4,,,,12/20/2026,12:30 PM,Block Out Time,,,Dr K,Athens\n"),
        [
            ("visit.completed", "G1", {"net": {"minor": 128050, "currency": "EUR"}, "services": [{"code": "LHR"}, {"code": "Peel"}]}),
            ("booking.no_show", "G1", {}),
            ("booking.created", "G2", {}),
            (None,),
        ],
    ),
    "zenoti guests": (
        "zenoti",
        ("Guest Code,First Name,Last Name,Mobile Phone,Email,Receive Marketing SMS,Receive Marketing Email,Created On\n"
        "G1,Eleni,P,+30 690 000 0001,eleni@example.com,Yes,No,03/12/2024\n"),
        [("patient.upserted", "G1", {"consent": {"sms": ["marketing", "care"], "email": ["care"]}})],
    ),
    "boulevard appointments": (
        "boulevard",
        ("Appointment ID,Client ID,Client Name,Appointment Start,Appointment State,Service Name,Net Service Sales,Service Staff,Location Name,Booked At\n"
        "a1,c1,Eleni P,03/12/2026 10:00 AM,Final,Laser hair removal,$120.00,Kim,Main,03/01/2026 9:00 AM\n"
        "a1,c1,Eleni P,03/12/2026 10:00 AM,Final,Peel,$80.00,Kim,Main,03/01/2026 9:00 AM\n"
        "a2,c1,Eleni P,12/12/2026 10:00 AM,Confirmed,Peel,$80.00,Kim,Main,11/01/2026 9:00 AM\n"
        "a3,c1,Eleni P,12/13/2026 10:00 AM,Canceled,Peel,$80.00,Kim,Main,11/01/2026 9:00 AM\n"),
        [
            ("visit.completed", "c1", {"net": {"minor": 20000, "currency": "EUR"}}),
            ("booking.created", "c1", {}),
            ("booking.cancelled", "c1", {}),
        ],
    ),
    "pabau clients": (
        "pabau",
        ("Client ID,First Name,Last Name,Mobile,Email,DOB,Opt In SMS,Opt In Email,Archived\n"
        '7,Eleni,"O\'Neil, née P",07700 900123,eleni@example.com,01/02/1990,1,0,0\n'),
        [("patient.upserted", "7", {"last_name": "O'Neil, née P", "consent": {"sms": ["marketing", "care"], "email": ["care"]}})],
    ),
    "pabau appointments": (
        "pabau",
        ("Appointment ID,Client ID,Appointment Date,Start Time,Status,Service,Price,Employee\n"
        "1,7,12/03/2026,10:00,Complete,Laser hair removal,£120.00,Dr K\n"
        "2,7,13/03/2026,10:00,DNA,Peel,,Dr K\n"
        "3,7,14/03/2026,10:00,Cancelled by Clinic,Peel,,Dr K\n"
        "4,7,15/03/2026,10:00,Left a message,Peel,,Dr K\n"
        "5,7,16/03/2026,10:00,Booked,Peel,,Dr K\n"),
        [
            ("visit.completed", "7", {"net": {"minor": 12000, "currency": "GBP"}}),
            ("booking.no_show", "7", {}),
            ("booking.cancelled", "7", {"cancelled_by": "clinic"}),
            ("column `Status`: `Left a message` is not in the mapping's `statuses`",),
            ("booking.created", "7", {}),
        ],
    ),
    "jane appointments": (
        "jane",
        ("Patient Number,Start At,End At,State,Treatment Name,Staff Member Name,Price\n"
        "12,2026-03-29 03:30,2026-03-29 04:30,arrived,Laser hair removal,Dr K,120.00\n"
        '12,"Mar 12, 2026 10:00 AM",,no_show,Peel,Dr K,0\n'
        "12,2026-12-12 10:00,,booked,Peel,Dr K,0\n"
        ",2026-12-12 13:00,,break,,Dr K,\n"),
        [
            ("visit.completed", "12", {"starts_at": "2026-03-29T04:30:00+03:00"}),
            ("booking.no_show", "12", {}),
            ("booking.created", "12", {}),
            (None,),
        ],
    ),
    "square customers": (
        "square",
        ('"First Name","Last Name","Email Address","Phone Number",Birthday,"Email Subscription Status","Square Customer ID"\n'
        '"Eleni","P","eleni@example.com","+306900000001",1990-02-28,"Subscribed","C1"\n'
        '"Maria","I","maria@example.com","\'+306900000002",02-28,"Unknown","C2"\n'),
        [
            ("patient.upserted", "C1", {"consent": {"email": ["marketing", "care"]}, "date_of_birth": "1990-02-28"}),
            ("patient.upserted", "C2", {"consent": {"email": ["care"]}}),
        ],
    ),
    "square appointments": (
        "square",
        ("Booking ID,Square Customer ID,Start At,Status,Service,Staff,Price,Created At\n"
        "b1,C1,2026-03-12T08:00:00Z,ACCEPTED,Laser hair removal,Kim,120.00,2026-03-01T08:00:00Z\n"
        "b2,C1,2026-12-12T08:00:00Z,ACCEPTED,Peel,Kim,80,2026-11-01T08:00:00Z\n"
        "b3,C1,2026-12-13T08:00:00Z,CANCELLED_BY_CUSTOMER,Peel,Kim,80,2026-11-01T08:00:00Z\n"),
        [
            ("visit.completed", "C1", {}),
            ("booking.created", "C1", {}),
            ("booking.cancelled", "C1", {"cancelled_by": "patient"}),
        ],
    ),
    "acuity appointments": (
        "acuity",
        ("Start Time,End Time,First Name,Last Name,Phone,Email,Type,Calendar,Appointment Price,Date Scheduled,Canceled,No Show\n"
        '"March 12, 2026 10:00 am","March 12, 2026 11:00 am",Eleni,P,6900000001,eleni@example.com,Laser hair removal,Kim,120.00,"March 1, 2026",,\n'
        '"March 13, 2026 10:00 am",,eleni,P,+30 690 000 0001,Eleni@example.com,Peel,Kim,0,"March 1, 2026",yes,\n'
        '"March 14, 2026 10:00 am",,,,,,Peel,Kim,0,"March 1, 2026",,\n'),
        [
            ("visit.completed", "h-", {"patient": {"first_name": "Eleni", "last_name": "P", "phone": "+306900000001", "email": "eleni@example.com"}}),
            ("booking.cancelled", "h-", {}),
            ("there is nothing to know the patient by",),
        ],
    ),
    "mindbody clients": (
        "mindbody",
        ("ID,Client,Mobile Phone,Email,Birthdate,Promotional Emails,Inactive\n"
        '100,"Papadopoulou, Eleni",6900000001,eleni@example.com,2/28/1990,True,\n'),
        [("patient.upserted", "100", {"first_name": "Eleni", "last_name": "Papadopoulou", "consent": {"email": ["marketing", "care"]}})],
    ),
    "mindbody appointments": (
        "mindbody",
        ("Client ID,Client,Date,Start Time,Status,Visit Type,Staff,Rev. per Visit\n"
        '100,"Papadopoulou, Eleni",3/12/2026,10:00 am,Completed,Laser hair removal,Kim,$120.00\n'
        '100,"Papadopoulou, Eleni",3/13/2026,10:00 am,Late Cancelled,Peel,Kim,$0.00\n'
        '100,"Papadopoulou, Eleni",12/13/2026,10:00 am,Booked,Peel,Kim,\n'),
        [
            ("visit.completed", "100", {}),
            ("booking.cancelled", "100", {"cancelled_by": "patient"}),
            ("booking.created", "100", {}),
        ],
    ),
    "spreadsheet patients": (
        "spreadsheet",
        "Ονοματεπώνυμο,Κινητό,Email,Συναίνεση SMS\nΕλένη Παπαδοπούλου,6900000001,,Ναι\n,,,\n",
        [("patient.upserted", "h-", {"first_name": "Ελένη", "consent": {"sms": ["marketing", "care"]}})],
    ),
    "spreadsheet visits": (
        "spreadsheet",
        ("Name,Mobile,Date,Treatment,Price,Status\n"
        "Eleni P,6900000001,12/3/2026,Laser hair removal,120,\n"
        "Eleni P,6900000001,13/3/2026,Peel,80,No show\n"),
        [("visit.completed", "h-", {}), ("booking.no_show", "h-", {})],
    ),
}  # fmt: skip

GREEK = """
encoding: cp1253
delimiter: semicolon
decimal: ","
date_order: dmy
files:
  pelates:
    kind: patients
    columns: {id: Κωδικός, name: Ονοματεπώνυμο, phone: [Κινητό, Τηλέφωνο], consent_sms: Συναίνεση}
    name_order: last_first
  rantevou:
    kind: appointments
    columns: {id: Α/Α, patient: Πελάτης, date: Ημ/νία, time: Ώρα, status: Κατάσταση, service: Υπηρεσία, net: Ποσό}
    statuses: {Ολοκληρώθηκε: completed, Κλεισμένο: booked, Ακυρώθηκε: cancelled}
    past_booked_means: no_show
    services: {Αποτρίχωση laser: LHR}
    services_between: +
"""


def check(found: list[Item], expected: Expected) -> None:
    assert len(found) == len(expected)
    in_order = sorted(found, key=lambda item: item.rows[0].number)
    for item, (kind, *rest) in zip(in_order, expected, strict=True):
        if item.told is None:
            assert kind is None if item.error is None else kind is not None and kind in item.error, item
            continue
        subject, data = rest
        assert (item.told.type, item.told.subject.startswith(subject)) == (kind, True), item
        there = {**item.told.data.get("patient", {}), **item.told.data}
        assert {name: there.get(name) for name in data} == data


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_in_the_shape_of_a_system_is_read_by_its_mapping(shape: str, tmp_path: Path) -> None:
    name, text, expected = SHAPES[shape]
    found, _ = items(write(tmp_path / "export.csv", text.replace("\n", "\r\n"), "utf-8-sig"), ready(name))
    check(found, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_rows_tell_are_events_that_are_accepted(shape: str, tmp_path: Path) -> None:
    name, text, _ = SHAPES[shape]
    export = Export(write(tmp_path / "export.csv", text), ready(name))
    context = export.context(CLINIC, NOW, Notes())
    told = [item.told for item in export.items(context) if item.told is not None]
    export.close()
    assert told
    for one in told:
        event = decide(context, one, [], first=True).event
        parsed = parse_event(event, now=NOW, country="GR", timezone="Europe/Athens")
        assert getattr(parsed, "errors", ()) == ()


def test_every_ready_mapping_of_files_has_a_file_of_appointments_in_its_shape() -> None:
    of_files = {name for name in ready_names() if ready(name).sheets}
    assert {shape.split()[0] for shape in SHAPES if shape.split()[1] != "patients"} == of_files


def test_a_greek_file_is_read_by_its_own_ways(tmp_path: Path) -> None:
    people = "Κωδικός;Ονοματεπώνυμο;Κινητό;Τηλέφωνο;Συναίνεση;\n1;Παπαδοπούλου Ελένη;-;2101234567;Ναι;\n;;;;;\n2;Ιωάννου, Μαρία;6900000002;;Όχι;\n"
    found, notes = items(write(tmp_path / "p.csv", people, "cp1253"), source_of(GREEK))
    check(
        found,
        [
            ("patient.upserted", "1", {"first_name": "Ελένη", "last_name": "Παπαδοπούλου", "phone": "+302101234567", "consent": {"sms": ["marketing", "care"]}}),
            ("patient.upserted", "2", {"first_name": "Μαρία", "last_name": "Ιωάννου", "consent": {"sms": ["care"]}}),
        ],
    )  # fmt: skip
    visits = (
        "Α/Α;Πελάτης;Ημ/νία;Ώρα;Κατάσταση;Υπηρεσία;Ποσό;\n"
        "1;1;12/3/2026;10:30;Ολοκληρώθηκε;Αποτρίχωση laser + Peel;1.234,50 €;\n"
        "2;1;31/3/2026;24:00;ολοκληρώθηκε;LHR;80;\n"
        "3;1;1/4/2026;9:30 μ.μ.;Κλεισμένο;LHR;;\n"
        "4;1;1/4/2026;9:30;Κλεισμένο;LHR;1234.50;\n"
    )
    found, notes = items(write(tmp_path / "v.csv", visits, "cp1253"), source_of(GREEK))
    check(
        found,
        [
            ("visit.completed", "1", {"net": {"minor": 123450, "currency": "EUR"}, "services": [{"code": "LHR"}, {"code": "Peel"}]}),
            ("visit.completed", "1", {"starts_at": "2026-04-01T00:00:00+03:00"}),
            ("booking.no_show", "1", {"starts_at": "2026-04-01T21:30:00+03:00"}),
            ("column `Ποσό`: `1234.50` is not an amount with `,` before the cents",),
        ],
    )  # fmt: skip
    assert dict(notes.services) == {"Peel": 1}


def test_one_person_in_two_files_without_ids_is_one_patient(tmp_path: Path) -> None:
    clients = "First Name,Last Name,Phone,Email\nEleni,Papadopoulou,690 000 0001,Eleni@Example.com\n"
    (client,), _ = items(write(tmp_path / "c.csv", clients), ready("acuity"))
    (visit, *_), _ = items(write(tmp_path / "a.csv", SHAPES["acuity appointments"][1]), ready("acuity"))
    assert client.told is not None
    assert visit.told is not None
    assert client.told.subject != visit.told.subject
    same = SHAPES["acuity appointments"][1].replace("Eleni,P,", "Eleni,Papadopoulou,")
    (visit, *_), _ = items(write(tmp_path / "a.csv", same), ready("acuity"))
    assert visit.told is not None
    assert client.told.subject == visit.told.subject


def test_appointments_without_their_status_are_not_taken_for_patients(tmp_path: Path) -> None:
    text = SHAPES["zenoti appointments"][1].replace(",Status,", ",Stat,")
    with pytest.raises(Exception, match=r"As `appointments` \(appointments\) its header lacks `Status"):
        Export(write(tmp_path / "a.csv", text), ready("zenoti"))


CONSENTS = """
date_order: dmy
files:
  consents:
    kind: consents
    columns: {patient: ID, channel: Channel, decision: Agreed, at: Date, text: Words}
    words: {channel: {Viber: sms}}
    always: {purpose: marketing, basis: written}
"""


def test_a_row_of_consents_is_evidence_of_its_own_day(tmp_path: Path) -> None:
    text = "ID,Channel,Agreed,Date,Words\np1,SMS,yes,1/2/2026,I agree\np1,E-mail,withdrawn,2/2/2026,\np1,Viber,no,3/2/2026,\np1,Fax,yes,3/2/2026,\n"
    found, _ = items(write(tmp_path / "c.csv", text), source_of(CONSENTS))
    check(
        found,
        [
            ("consent.granted", "p1", {"channel": "sms", "purpose": "marketing", "basis": "written", "text": "I agree"}),
            ("consent.revoked", "p1", {"channel": "email"}),
            ("consent.revoked", "p1", {"channel": "sms"}),
            ("column `Channel`: `Fax` is not in the mapping's `words`",),
        ],
    )  # fmt: skip
    assert found[0].told is not None
    assert str(found[0].told.own) == "2026-02-01 00:00:00+02:00"
