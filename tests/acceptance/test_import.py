"""A clinic's exports by `revisit import`, into the running system."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.acceptance.clinic import person
from tests.acceptance.system import System

DAY = timedelta(days=1)
MAPPING = """
date_order: dmy
encoding: cp1253
delimiter: semicolon
decimal: ","
live_from: {live_from}
files:
  patients:
    kind: patients
    columns: {{id: Κωδικός, name: Όνομα, phone: Κινητό, email: Email, consent_sms: SMS, consent_email: Mail}}
  visits:
    kind: appointments
    columns: {{id: Α/Α, patient: Κωδικός, starts_at: Έναρξη, status: Κατάσταση, service: Θεραπεία, net: Ποσό}}
    statuses: {{Έγινε: completed, Κλεισμένο: booked, Ακυρώθηκε: cancelled}}
    full_export: true
"""


def export(house: System, name: str, *lines: str) -> Path:
    path = house.folder / name
    path.write_bytes("\r\n".join(lines).encode("cp1253"))
    return path


def mapping(house: System, name: str, live_from: str) -> None:
    path = house.workspace / "config" / "sources" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(MAPPING.format(live_from=live_from), encoding="utf-8")


def imported(house: System, name: str, *paths: Path, more: tuple[str, ...] = ()) -> CompletedProcess[str]:
    return house.command("import", *map(str, paths), "--source", name, *more)


def test_two_files_of_a_booking_system_become_patients_who_are_written_to_only_for_what_is_new(
    house: System,
) -> None:
    house.live_through(house.now().replace(hour=12, minute=0, second=0, microsecond=0) + DAY)
    now = house.now()
    mapping(house, "book", f"{now - 2 * DAY:%Y-%m-%d}")
    old, new, later = person(), person(), person()
    patients = export(
        house,
        "patients.csv",
        "Κωδικός;Όνομα;Κινητό;Email;SMS;Mail;",
        *(
            f'{who.id};"Παπαδοπούλου, {who.first_name}";{who.phone};{who.email};ναι;όχι;'
            for who in (old, new, later)
        ),
    )
    rows = [
        f"{old.id}-1;{old.id};{now - 40 * DAY:%d/%m/%Y} 10:00;Έγινε;LHR;120,00 €",
        f"{new.id}-1;{new.id};{now:%d/%m/%Y} 10:00;Έγινε;HYD;1.120,50",
        f"{later.id}-1;{later.id};{now + 9 * DAY:%d/%m/%Y} 10:00;Κλεισμένο;LHR;",
        f"{later.id}-2;{later.id};31/02/2026 10:00;Έγινε;LHR;80",
    ]
    visits = export(house, "visits.csv", "Α/Α;Κωδικός;Έναρξη;Κατάσταση;Θεραπεία;Ποσό", *rows)

    dry = imported(house, "book", patients, visits, more=("--dry-run",))
    assert dry.returncode == 1, dry.stderr
    assert "patients.csv (patients): would be added 3, changed 0, unchanged 0, refused 0" in dry.stdout
    assert not house.rows("events", "seq", source="/exports/book")
    assert not (house.folder / "visits.csv.errors.csv").exists()

    done = house.process("import", str(patients), str(visits), "--source", "book")
    assert done.returncode == 1, done.stderr
    assert "patients.csv (patients): added 3, changed 0, unchanged 0, refused 0" in done.stdout
    assert "visits.csv (visits): added 3, changed 0, unchanged 0, refused 1" in done.stdout
    assert (
        "visits.csv, line 5: column `Έναρξη`: `31/02/2026 10:00` is not a date (day/month/year)"
        in done.stderr
    )
    errors = house.folder / "visits.csv.errors.csv"
    header, row = errors.read_bytes().decode("cp1253").splitlines()
    assert header == "Α/Α;Κωδικός;Έναρξη;Κατάσταση;Θεραπεία;Ποσό;reason"
    assert row.startswith(f"{rows[3]};line 5: ")
    house.settle()
    assert (house.segments(old), house.segments(new)) == ({"new", "body_history"}, {"new"})
    assert not [message for who in (old, later) for message in house.messages(who)]
    assert [sms.body for sms in house.texts(new)] == [f"Thank you for coming, {new.first_name}."]
    assert not [row for row in house.rows("imports", "closed_at") if row[0] is None]

    again = imported(house, "book", patients, visits)
    assert "patients.csv (patients): added 0, changed 0, unchanged 3, refused 0" in again.stdout
    assert "visits.csv (visits): added 0, changed 0, unchanged 3, refused 1" in again.stdout

    errors.write_bytes(errors.read_bytes().replace(b"31/02/2026", b"28/02/2026"))
    corrected = imported(house, "book", errors)
    assert corrected.returncode == 0, corrected.stderr
    assert "visits.csv.errors.csv (visits): added 1, changed 0, unchanged 0, refused 0" in corrected.stdout

    house.live_through(now + DAY)
    rows[3] = rows[3].replace("31/02", "28/02")
    gone = export(house, "visits.csv", "Α/Α;Κωδικός;Έναρξη;Κατάσταση;Θεραπεία;Ποσό", *rows[:2], rows[3])
    vanished = imported(house, "book", gone)
    assert vanished.returncode == 0, vanished.stderr
    assert "1 bookings are no longer in it and were cancelled" in vanished.stdout
    house.settle()
    assert house.rows("events", "type", source="/exports/book", subject=later.id)[-1] == (
        "booking.cancelled",
    )


def test_a_ready_mapping_needs_no_file_of_the_clinics(house: System) -> None:
    who = person()
    path = house.folder / "acuity.csv"
    path.write_text(
        "Start Time,End Time,First Name,Last Name,Phone,Email,Type,Calendar\n"
        f'"March 12, 2024 10:00 am",,{who.first_name},P,{who.phone},{who.email},LHR,Dr K\n'
    )
    done = imported(house, "acuity", path)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "acuity.csv (appointments): added 1" in done.stdout
    house.settle()


@pytest.mark.parametrize(
    ("name", "content", "source", "said"),
    [
        ("a.csv", b"Id,First name,Last name\n", "clinico", "did you mean `cliniko`?"),
        ("missing.csv", None, "cliniko", "there is no such file"),
        ("a.csv", "Id,First name,Last name\n1,Ελένη,P\n".encode("cp1253"), "cliniko", "line 2: the byte 0xC5 is none of utf-8"),
        ("a.csv", b"Id,First name,Surname\n1,Eleni,P\n", "cliniko", "its header lacks `Last name or Last Name` (did you mean `First name`?)"),
        ("a.csv", b"PK\x03\x04", "cliniko", "save it as CSV"),
        ("a.csv", b"", "cliniko", "is empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told_with_the_way_out(
    house: System, name: str, content: bytes | None, source: str, said: str
) -> None:
    path = house.folder / name
    if content is not None:
        path.write_bytes(content)
    found = imported(house, source, path)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    dated = imported(house, "cliniko", path, more=("--exported", "yesterday"))
    assert dated.returncode == 2


def test_a_draft_of_the_mapping_is_written_once_somebody_agreed_and_then_reads_the_files(
    house: System,
) -> None:
    who = person()
    visits = house.folder / "drafted.csv"
    visits.write_text(
        "Booking ID,Client ID,Client Name,Date,Time,Status,Treatment,Price\n"
        f'{who.id}-1,{who.id},"{who.first_name} P",03/02/2026,10:00,Completed,Chemical peel,"80.00"\n'
        f'{who.id}-2,{who.id},"{who.first_name} P",04/02/2026,10:00,Booked,Laser hair removal,"80.00"\n'
    )
    mapping, catalogue = (
        house.workspace / "config" / name for name in ("sources/drafted.yaml", "services.yaml")
    )
    before = catalogue.read_text()
    asked = house.command(
        "import", str(visits), "--source", "drafted", "--guess", answers="dmy\nno_show\nn\n"
    )
    assert asked.returncode == 0, asked.stderr
    assert "past_booked_means: no_show" in asked.stdout
    assert "Nothing was written." in asked.stdout
    assert not mapping.exists()

    dry = imported(house, "drafted", visits, more=("--guess", "--yes", "--dry-run"))
    assert dry.returncode == 0, dry.stderr
    assert "would be added 2" in dry.stdout
    assert not mapping.exists()

    written = imported(house, "drafted", visits, more=("--guess", "--yes"))
    assert written.returncode == 0, written.stderr
    assert "drafted.csv (visits): added 2, changed 0, unchanged 0, refused 0" in written.stdout
    assert "once they are in force" in written.stdout
    assert 'CHEMICAL_PEEL: {name: "Chemical peel", family: peel, area: face}' in catalogue.read_text()
    assert house.command("check").returncode == 0
    codes = [data["services"] for (data,) in house.rows("events", "data", source="/exports/drafted")]
    assert [{"code": "CHEMICAL_PEEL"}] in codes
    twice = imported(house, "drafted", visits)
    assert "added 0, changed 0, unchanged 2, refused 0" in twice.stdout
    again = imported(house, "drafted", visits, more=("--guess",))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    catalogue.write_text(before)
    mapping.unlink()
