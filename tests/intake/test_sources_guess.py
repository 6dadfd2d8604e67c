"""A mapping drafted from the files themselves reads them as the one does that was made for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.intake.exports import items, source_of, write
from tests.intake.test_sources_ready import GREEK, SHAPES
from worker.intake.sources.guess import Draft, draft, encoding_of
from worker.intake.sources.guess_asking import answered, questions
from worker.intake.sources.guess_names import order_of_names
from worker.intake.sources.guess_text import mapping_text, service_entries
from worker.intake.sources.guess_words import family_of, status_of
from worker.intake.sources.rows import totals
from worker.intake.sources.survey import Unreadable


def drafted(*drafts: Draft, order: str = "mdy", past: str = "completed") -> str:
    return mapping_text(drafts, order, past)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_draft_of_a_systems_file_is_right_and_reads_its_rows(shape: str, tmp_path: Path) -> None:
    name, text, expected = SHAPES[shape]
    path = write(tmp_path / "export.csv", text)
    found = draft(path)
    assert found.kind == ("appointments" if "appointments" in shape or "visits" in shape else "patients")
    order = "dmy" if name in ("cliniko", "pabau", "spreadsheet") else "mdy"
    past = "unknown" if name in ("zenoti", "boulevard", "pabau", "jane", "mindbody") else "completed"
    source = source_of(drafted(found, order=order, past=past))
    told, _ = items(path, source)
    wanted = [kind for kind, *_ in expected if kind is not None and "." in kind and " " not in kind]
    got = sorted((item for item in told if item.told is not None), key=lambda item: item.rows[0].number)
    assert [item.told.type for item in got if item.told is not None] == wanted


def test_a_greek_file_is_known_by_its_bytes_and_words(tmp_path: Path) -> None:
    people = "Κωδικός;Ονοματεπώνυμο;Κινητό;Τηλέφωνο;Συναίνεση SMS;\n1;Ελένη Παπαδοπούλου;-;2101234567;Ναι;\n"
    visits = (
        "Α/Α;Κωδικός;Ημ/νία;Ώρα;Κατάσταση;Υπηρεσία;Ποσό;\n"
        "1;1;12/3/2026;10:30;Ολοκληρώθηκε;Αποτρίχωση laser;1.234,50 €;\n"
        "2;1;31/3/2026;9:30;Δεν ήρθε;Μπότοξ;80;\n"
        "3;1;1/4/2026;9:30;Θα δούμε;Μπότοξ;;\n"
    )
    paths = [write(tmp_path / "p.csv", people, "cp1253"), write(tmp_path / "v.csv", visits, "cp1253")]
    drafts = [draft(path) for path in paths]
    assert [(one.encoding, one.delimiter, one.decimal, one.order) for one in drafts] == [
        ("cp1253", ";", ".", "iso"),
        ("cp1253", ";", ",", "dmy"),
    ]
    assert drafts[1].statuses == {"Ολοκληρώθηκε": "completed", "Δεν ήρθε": "no_show", "Θα δούμε": None}
    text = drafted(*drafts)
    assert '# "Θα δούμε": what does it mean?' in text
    (patient,), _ = items(paths[0], source_of(text))
    assert patient.told is not None
    assert patient.told.data["patient"]["phone"] == "+302101234567"
    told, _ = items(paths[1], source_of(text))
    assert [item.told.type if item.told else item.error for item in told] == [
        "visit.completed",
        "booking.no_show",
        "column `Κατάσταση`: `Θα δούμε` is not in the mapping's `statuses`",
    ]
    assert source_of(GREEK).sheets


def test_dates_that_may_be_read_in_two_ways_are_asked_for(tmp_path: Path) -> None:
    for day, order in (
        ("13/02/2026", "dmy"),
        ("02/13/2026", "mdy"),
        ("02/03/2026", None),
        ("2026-02-03", "iso"),
    ):
        path = write(tmp_path / "a.csv", f"Booking ID,Client ID,Date,Status\n1,1,{day},Done\n")
        assert draft(path).order == order


def test_where_one_file_has_no_id_of_patients_the_same_fields_make_it_in_all(tmp_path: Path) -> None:
    people = write(tmp_path / "p.csv", "Client ID,Name,Mobile,Email\n1,Eleni P,6900000001,e@example.com\n")
    visits = write(
        tmp_path / "v.csv", "Date,Name,Mobile,Treatment\n2026-03-12,Eleni P,+30 690 000 0001,Peel\n"
    )
    source = source_of(drafted(draft(people), draft(visits)))
    (patient,), _ = items(people, source)
    (visit,), _ = items(visits, source)
    assert patient.told is not None
    assert visit.told is not None
    assert patient.told.subject == visit.told.subject


def test_files_that_say_too_little_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="do not say whether these are patients or appointments"):
        draft(write(tmp_path / "a.csv", "Colour,Shape\nred,round\n"))
    with pytest.raises(Unreadable, match="no delimiter"):
        draft(write(tmp_path / "b.csv", "just words\nmore words\n"))
    people = draft(write(tmp_path / "p.csv", "Client ID,Email\n1,e@example.com\n"))
    visits = draft(write(tmp_path / "v.csv", "Date,Name,Treatment\n2026-03-12,Eleni P,Peel\n"))
    with pytest.raises(Unreadable, match=r"v\.csv has no column by which a patient is known"):
        drafted(people, visits)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1253", "cp1252"])
def test_an_encoding_is_known_by_the_bytes(tmp_path: Path, encoding: str) -> None:
    text = (
        "ID,Name\n1,Ελένη Παπαδοπούλου\n" if encoding != "cp1252" else "ID,Name\n1,Amélie Müller, née Böll\n"
    )
    known = encoding_of(write(tmp_path / "a.csv", text, encoding))
    assert known == encoding.removesuffix("-sig")


@pytest.mark.parametrize(
    ("treatment", "family"),
    [
        ("Laser Hair Removal - full legs", "laser_hair"),
        ("Αποτρίχωση με laser, πόδια", "laser_hair"),
        ("Botox 3 areas", "toxin"),
        ("Μπότοξ μετώπου", "toxin"),
        ("Lip filler 1ml", "filler"),
        ("Υαλουρονικό χειλιών", "filler"),
        ("Initial consultation", "consultation"),
        ("Χημική απολέπιση", "peel"),
        ("Μεσοθεραπεία προσώπου", "mesotherapy"),
        ("HydraFacial deluxe", "hydra_facial"),
        ("Gift card", None),
    ],
)
def test_a_treatment_is_known_by_its_name(treatment: str, family: str | None) -> None:
    found = family_of(treatment)
    assert (found[0] if found else None) == family


def test_a_status_is_known_by_its_words() -> None:
    said = {
        "Completed": "completed",
        "ΑΚΥΡΩΘΗΚΕ": "cancelled",
        "No-Show": "no_show",
        "επιβεβαιωμένο": "booked",
        "?": None,
    }
    assert {word: status_of(word) for word in said} == said


def test_entries_for_the_catalogue_have_codes_of_their_own() -> None:
    entries = service_entries({"Μπότοξ": 5, "Peel": 3, "peel!": 1, 'Say "hi"': 1}, ["PEEL"])
    assert entries["MPOTOX"] == 'MPOTOX: {name: "Μπότοξ", family: toxin, area: face, rx_only: true}'
    assert list(entries) == ["MPOTOX", "PEEL_2", "SAY_HI", "PEEL_3"]


def test_two_appointments_of_a_day_and_hour_of_their_own_are_two(tmp_path: Path) -> None:
    rows = "Client ID,Date,Time,Treatment\n1,2026-03-12,10:00,Peel\n1,2026-04-12,10:00,Peel\n1,2026-04-12,11:00,Peel\n"
    path = write(tmp_path / "v.csv", rows)
    told, _ = items(path, source_of(drafted(draft(path))))
    assert len({item.told.thing for item in told if item.told is not None}) == 3


def test_a_number_that_was_rounded_makes_nobody_the_same_patient(tmp_path: Path) -> None:
    rows = "Date,Name,Mobile,Treatment\n2026-03-12,Eleni P,3.06912E+11,Peel\n2026-03-13,Maria P,3.06912E+11,Peel\n2026-03-14,Eleni P,,Peel\n"
    path = write(tmp_path / "v.csv", rows)
    one, other, again = (
        item.told.subject for item in items(path, source_of(drafted(draft(path))))[0] if item.told
    )
    assert one == again != other


def test_rows_of_one_appointment_are_its_services(tmp_path: Path) -> None:
    rows = "Booking ID,Client ID,Date,Status,Treatment,Price\n1,7,2026-03-12,Done,Peel,10\n1,7,2026-03-12,Done,Botox,20\n2,7,2026-03-13,Done,Peel,10\n"
    path = write(tmp_path / "v.csv", rows)
    text = drafted(draft(path))
    assert "one_row_per: service" in text
    first, second = (item.told.data["net"]["minor"] for item in items(path, source_of(text))[0] if item.told)
    assert (first, second) == (3000, 1000)


@pytest.mark.parametrize(
    ("names", "order"),
    [("Papadopoulou Eleni\nIoannou Maria", "last_first"), ("Ελένη Παπαδοπούλου\nIoannou Maria\nΜαρία Ιωάννου", "first_last"), ("Quix Zorb", "first_last")],
)  # fmt: skip
def test_the_order_of_names_is_known_by_first_names(names: str, order: str) -> None:
    assert order_of_names(names.splitlines()) == order


def test_what_the_files_show_is_not_asked(tmp_path: Path) -> None:
    closed = draft(
        write(
            tmp_path / "a.csv",
            "Booking ID,Client ID,Date,Status\n1,1,13/02/2026,Done\n2,1,14/02/2026,Cancelled\n",
        )
    )
    assert questions([closed], "GR") == []
    assert answered([closed], "US", {}) == ("dmy", "unknown")
    unclear = draft(
        write(
            tmp_path / "b.csv",
            "Booking ID,Client ID,Date,Status\n1,1,03/02/2026,Done\n2,1,04/02/2026,Booked\n",
        )
    )
    assert [question.key for question in questions([unclear], "GR")] == ["order", "past"]
    assert answered([unclear], "US", {"past": "no_show"}) == ("mdy", "no_show")
    assert [question.key for question in questions([closed, unclear], "GR")] == ["past"]


@pytest.mark.parametrize(
    ("cells", "is_total"),
    [
        (("Total", "", "", "120"), True),
        (("", "Σύνολο:", "", "120"), True),
        (("Γενικό σύνολο", "", "120,00 €"), True),
        (("Records: 12", "", ""), True),
        (("Total", "Maria", "Ioannou", "6900000001"), False),
        (("Totaleva", "", "", ""), False),
        (("1", "", "", "Total"), False),
    ],
)
def test_a_row_of_totals_is_nobodys(cells: tuple[str, ...], is_total: bool) -> None:
    assert totals(cells) is is_total
