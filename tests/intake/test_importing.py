"""Exports into a clinic's database, night after night: what is new in them is told once, and nothing else."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.intake.desk import DAY, HEADER, MAPPING, MONDAY, Desk, told, visits
from tests.intake.exports import CLINIC, source_of, write
from worker.service.folding import fold
from worker.service.importing import Import
from worker.service.sweeping import sweep
from worker.store import rooms, schema
from worker.store.engine import read
from worker.store.ledgers import ledger_of


def test_the_same_file_twice_changes_nothing_weeks_later_too(desk: Desk) -> None:
    text = visits(
        "a1,p1,12/3/2024 10:00,Done,LHR", "a2,p1,1/12/2026 10:00,Booked,LHR", "a3,p2,2/2/2026 9:00,Booked,LHR"
    )
    assert told(desk.take(text)) == (3, 0, 0, 0, 0)
    events = desk.events()
    assert told(desk.take(text)) == (0, 0, 3, 0, 0)
    desk.now += 30 * DAY
    again = desk.take(text)
    assert told(again) == (0, 0, 3, 0, 0)
    assert again.seen_before == MONDAY
    assert desk.events() == events
    # By its own date the booking is over now; by the file it never was told so.
    assert desk.status("p1") == {"a1": "completed", "a2": "booked"}
    assert desk.open_imports() == 0


def test_a_later_export_wins_and_an_older_one_again_undoes_nothing(desk: Desk) -> None:
    monday = visits(
        "a1,p1,24/11/2026 10:00,Booked,LHR",
        "a2,p1,25/11/2026 10:00,Booked,LHR",
        "a3,p1,20/11/2026 10:00,Done,LHR",
    )
    tuesday = visits(
        "a1,p1,24/11/2026 10:00,Done,LHR",
        "a2,p1,27/11/2026 10:00,Booked,LHR",
        "a3,p1,20/11/2026 10:00,Missed,LHR",
    )
    desk.take(monday)
    desk.now += DAY
    assert told(desk.take(tuesday)) == (0, 3, 0, 0, 0)
    after = {"a1": "completed", "a2": "booked", "a3": "no_show"}
    assert desk.status("p1") == after
    assert {event.type for event in desk.events()[3:]} == {
        "booking.rescheduled",
        "booking.no_show",
        "visit.completed",
    }
    desk.now += DAY
    assert told(desk.take(monday)) == (0, 0, 0, 3, 0)
    assert desk.status("p1") == after


def test_what_is_so_again_is_told_again(desk: Desk) -> None:
    booked, cancelled = "a1,p1,1/12/2026 10:00,Booked,LHR", "a1,p1,1/12/2026 10:00,Cancelled,LHR"
    desk.take(visits(booked))
    desk.now += DAY
    desk.take(visits(cancelled))
    desk.now += DAY
    assert told(desk.take(visits(booked, "a2,p2,1/12/2026 11:00,Booked,LHR"))) == (1, 1, 0, 0, 0)
    assert desk.status("p1") == {"a1": "booked"}


def test_an_export_that_was_late_is_told_its_day_and_undoes_nothing(desk: Desk) -> None:
    desk.now += DAY
    desk.take(visits("a1,p1,1/12/2026 10:00,Cancelled,LHR"))
    late = desk.take(
        visits("a1,p1,1/12/2026 10:00,Booked,LHR", "a2,p1,2/12/2026 10:00,Booked,LHR"), exported=MONDAY - DAY
    )
    assert told(late) == (1, 0, 0, 1, 0)
    assert desk.status("p1") == {"a1": "cancelled", "a2": "booked"}


def test_the_moment_of_the_last_change_decides_where_the_system_tells_it(desk: Desk) -> None:
    source = source_of(MAPPING.replace("status: Status", "status: Status, updated_at: Changed"))
    header = f"{HEADER},Changed\n"
    old = header + "a1,p1,1/12/2026 10:00,Booked,LHR,20/11/2026 9:00\n"
    new = header + "a1,p1,1/12/2026 10:00,Cancelled,LHR,21/11/2026 9:00\n"
    assert told(desk.take(new, source)) == (1, 0, 0, 0, 0)
    assert told(desk.take(old, source)) == (0, 0, 0, 1, 0)
    assert desk.status("p1") == {"a1": "cancelled"}
    assert desk.events()[0].time == datetime(2026, 11, 21, 7, tzinfo=UTC)


def test_of_two_rows_of_one_appointment_the_later_one_counts(desk: Desk) -> None:
    text = visits("a1,p1,1/12/2026 10:00,Booked,LHR", "a1,p1,1/12/2026 10:00,Cancelled,LHR")
    assert told(desk.take(text)) == (1, 1, 0, 0, 0)
    assert desk.status("p1") == {"a1": "cancelled"}
    assert told(desk.take(text)) == (0, 0, 1, 1, 0)
    assert desk.status("p1") == {"a1": "cancelled"}


def test_another_mapping_tells_the_same_file_anew(desk: Desk) -> None:
    text = visits("a1,p1,1/12/2026 10:00,Booked,Laser legs", "a2,p1,1/3/2026 10:00,Done,Laser legs")
    assert dict(desk.take(text).notes.services) == {"Laser legs": 2}
    known = source_of(MAPPING.replace("    past_booked", "    services: {Laser legs: LHR}\n    past_booked"))
    for _ in range(2):
        report = desk.take(text, known)
        assert not report.notes.services
    assert told(report) == (0, 0, 2, 0, 0)
    with read(desk.house.engine) as conn:
        ledger = ledger_of(conn, "default", "p1") or {}
    assert {key: one[0]["services"] for key, one in ledger["appointments"].items()} == {
        "a1": [{"code": "LHR"}],
        "a2": [{"code": "LHR"}],
    }


def test_a_booking_that_vanished_from_a_full_export_is_cancelled(desk: Desk) -> None:
    full = source_of(MAPPING.replace("    past_booked", "    full_export: true\n    past_booked"))
    ahead = [f"b{n},p{n},{n + 1}/12/2026 10:00,Booked,LHR" for n in range(8)]
    desk.take(visits("a1,p9,24/11/2026 10:00,Booked,LHR", *ahead), full)
    desk.now += DAY
    # The first has had its day, and an export of what lies ahead no longer has it.
    report = desk.take(visits(*ahead[2:], "b9,p9,9/12/2026 10:00,Booked,LHR"), full)
    assert (told(report), report.vanished, report.kept) == ((1, 0, 6, 0, 0), 2, "")
    assert desk.status("p0") == {"b0": "cancelled"}
    assert desk.status("p9") == {"a1": "booked", "b9": "booked"}
    assert [event.subject for event in desk.events() if event.type == "booking.cancelled"] == ["p0", "p1"]
    assert desk.messages() == [("gone", "p0"), ("gone", "p1")]
    assert desk.take(visits(*ahead[2:], "b9,p9,9/12/2026 10:00,Booked,LHR"), full).vanished == 0
    desk.now += DAY
    back = desk.take(visits(*ahead, "b9,p9,9/12/2026 10:00,Booked,LHR"), full)
    assert (told(back), back.vanished) == ((0, 2, 7, 0, 0), 0)
    assert desk.status("p0") == {"b0": "booked"}


def test_a_full_export_may_come_in_several_files_of_one_run(desk: Desk) -> None:
    full = source_of(MAPPING.replace("    past_booked", "    full_export: true\n    past_booked"))
    athens, patras = "b1,p1,1/12/2026 10:00,Booked,LHR", "b2,p2,2/12/2026 10:00,Booked,LHR"
    for text in (athens, "b3,p3,2/12/2026 10:00,Booked,LHR"):
        paths = [
            write(desk.folder / "athens.csv", visits(text)),
            write(desk.folder / "patras.csv", visits(patras)),
        ]
        reports = desk.run(paths, full)
        desk.settle()
        desk.now += DAY
    assert [report.vanished for report in reports] == [0, 1]
    assert [desk.status(patient) for patient in ("p1", "p2", "p3")] == [
        {"b1": "cancelled"},
        {"b2": "booked"},
        {"b3": "booked"},
    ]


def test_an_old_full_export_cancels_nothing_that_was_booked_since(desk: Desk) -> None:
    full = source_of(MAPPING.replace("    past_booked", "    full_export: true\n    past_booked"))
    monday = visits("b1,p1,1/12/2026 10:00,Booked,LHR")
    desk.take(monday, full)
    desk.now += DAY
    desk.take(visits("b1,p1,1/12/2026 10:00,Booked,LHR", "b2,p2,1/12/2026 11:00,Booked,LHR"), full)
    desk.now += DAY
    assert desk.take(monday, full).vanished == 0
    assert desk.status("p2") == {"b2": "booked"}


def test_half_an_export_cancels_nothing_unless_that_is_asked_for(desk: Desk) -> None:
    full = source_of(MAPPING.replace("    past_booked", "    full_export: true\n    past_booked"))
    ahead = [f"b{n},p{n},{n + 1}/12/2026 10:00,Booked,LHR" for n in range(20)]
    desk.take(visits(*ahead), full)
    desk.now += DAY
    report = desk.take(visits(*ahead[:3]), full)
    assert report.vanished == 0
    assert "17 of 20 bookings" in report.kept
    assert desk.take(visits(*ahead[:3]), full, cancel_vanished=True).vanished == 17
    assert desk.status("p19") == {"b19": "cancelled"}


def test_a_row_that_was_refused_is_no_booking_that_vanished(desk: Desk) -> None:
    full = source_of(MAPPING.replace("    past_booked", "    full_export: true\n    past_booked"))
    desk.take(visits("b1,p1,1/12/2026 10:00,Booked,LHR", "b2,p2,2/12/2026 10:00,Booked,LHR"), full)
    desk.now += DAY
    report = desk.take(visits("b1,p1,41/12/2026 10:00,Booked,LHR", "b2,p2,2/12/2026 10:00,Booked,LHR"), full)
    assert (report.refused, report.vanished, report.kept) == (1, 0, "")
    desk.now += DAY
    report = desk.take(visits("b1,p1,broken", "b2,p2,2/12/2026 10:00,Booked,LHR"), full)
    assert (report.refused, report.vanished) == (1, 0)
    assert "may be they" in report.kept
    corrected = desk.take(visits("b3,p3,2/12/2026 10:00,Booked,LHR"), full, name="visits.csv.errors.csv")
    assert (corrected.added, corrected.vanished, corrected.kept) == (1, 0, "")


def test_history_fires_nothing_and_what_is_new_does(desk: Desk) -> None:
    people = "ID,Name,Mobile,SMS\n" + "".join(f"p{n},Eleni P,690000000{n},yes\n" for n in range(6))
    paths = [
        write(desk.folder / "patients.csv", people),
        write(
            desk.folder / "visits.csv",
            visits(
                "a1,p1,12/3/2024 10:00,Done,LHR",
                "a2,p2,19/11/2026 10:00,Done,LHR",
                "a3,p3,22/11/2026 10:00,Done,LHR",
                "a4,p4,1/12/2026 10:00,Booked,LHR",
            ),
        ),
    ]
    patients, visited = desk.run(paths)
    assert (patients.historical, visited.historical, visited.added) == (6, 3, 4)
    assert desk.open_imports() == 1
    desk.settle()
    assert desk.open_imports() == 0
    assert desk.messages() == [("hello", "p3")]
    desk.now += DAY
    desk.take(
        visits(
            "a1,p1,12/3/2024 10:00,Done,LHR",
            "a4,p4,1/12/2026 10:00,Cancelled,LHR",
            "a5,p5,24/11/2026 9:00,Done,LHR",
        )
    )
    assert desk.messages() == [("gone", "p4"), ("hello", "p3"), ("hello", "p5")]


def test_without_live_from_all_is_history(desk: Desk) -> None:
    source = source_of(MAPPING.replace("live_from: 2026-11-20\n", ""))
    assert desk.take(visits("a3,p3,22/11/2026 10:00,Done,LHR"), source).historical == 1
    assert desk.messages() == []


def test_a_dry_run_says_the_same_and_changes_nothing(desk: Desk) -> None:
    text = visits("a1,p1,12/3/2024 10:00,Done,LHR", "a2,p1,31/2/2024 10:00,Done,LHR")
    dry = desk.take(text, dry_run=True)
    assert told(dry) == (1, 0, 0, 0, 1)
    assert (desk.events(), desk.open_imports()) == ([], 0)
    with read(desk.house.engine) as conn:
        assert conn.execute(select(schema.imports.c.id)).all() == []
    assert told(desk.take(text)) == told(dry)
    assert told(desk.take(text, dry_run=True)) == (0, 0, 1, 0, 1)


def test_an_import_that_broke_off_is_gone_on_with(desk: Desk) -> None:
    text = visits(*(f"a{n},p{n},1/12/2026 10:00,Booked,LHR" for n in range(2500)))
    path = write(desk.folder / "visits.csv", text)
    run = Import(desk.house, "default", CLINIC, source_of(MAPPING), desk.now)

    def take_a_part() -> None:
        with run:
            export = run.open(path)
            run.begin()
            next(run.take(export, run.report(export)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        take_a_part()
    desk.settle()
    assert desk.open_imports() == 1
    desk.now += DAY
    report = desk.take(text)
    # What became of the rows before is known, and they are not looked up again.
    assert (told(report), report.since_line) == ((2500, 0, 0, 0, 0), 2001)
    # The first import went on: what it tells of the future is no news yet.
    assert report.historical == 2500
    assert len(desk.events()) == 2500
    assert desk.open_imports() == 0


def test_a_night_without_news_is_a_sign_of_life(desk: Desk) -> None:
    text = visits("a1,p1,12/3/2024 10:00,Done,LHR")
    desk.take(text)
    desk.now += DAY
    desk.take(text)
    with read(desk.house.engine) as conn:
        row = rooms.clinic_row(conn, "default")
    assert row is not None
    assert row.feed_seen_at == MONDAY + DAY + timedelta(seconds=1)


def test_who_was_deleted_in_the_system_has_no_consent_until_she_comes_back(desk: Desk) -> None:
    mapping = MAPPING.replace("SMS}", "SMS}\n    flags: {gone: Archived}", 1)
    head = "ID,Name,Mobile,SMS,Archived\n"
    for archived, allowed in (("", True), ("2026-11-24", False), ("no", True)):
        desk.take(f"{head}p1,Eleni P,6900000001,yes,{archived}\n", source_of(mapping), name="patients.csv")
        assert desk.facts("p1").allows("sms", "marketing") is allowed
        assert desk.facts("p1").allows("sms", "care")
        desk.now += DAY


def test_consent_that_is_missing_is_none_and_shared_telephones_are_kept(desk: Desk) -> None:
    people = "ID,Name,Mobile,SMS\np1,Eleni P,6900000001,yes\np2,Maria P,+30 690 000 0001,\np3,Anna,,maybe\n"
    report = desk.take(people, name="patients.csv")
    assert told(report) == (3, 0, 0, 0, 0)
    counts = report.notes.counts
    assert (counts["without consent"], counts["without address"], report.shared_phones) == (2, 1, 1)
    assert [desk.facts(name).allows("sms", "marketing") for name in ("p1", "p2", "p3")] == [
        True,
        False,
        False,
    ]
    assert sum(report.notes.left_out.values()) == 1


def test_every_broken_row_of_many_is_told_with_its_reason_and_every_other_one_is_in(desk: Desk) -> None:
    dice = random.Random(7)
    broken = set(dice.sample(range(4_000), 40))
    spoil = [
        ("{n},p{n},31/02/2026 10:00,Done,LHR,10", "is not a date"),
        (",p{n},1/2/2026 10:00,Done,LHR,10", "column `No` is empty"),
        ("{n},,1/2/2026 10:00,Done,LHR,10", "column `ID` is empty"),
        ("{n},p{n},1/2/2026 10:00,Done,LHR,ten", "column `Paid`"),
        ("{n},p{n},1/2/2026 10:00,Done", "the line breaks off"),
        ('{n},p{n},1/2/2026 10:00,Done,"LHR,10', "never closed"),
        ("{n},p{n},1/2/2126 10:00,Done,LHR,10", "more than a day after"),
        ("{n},p{n},1/2/2126 10:00,Booked,LHR,10", "more than 5 years after"),
    ]
    lines, expected = [f"{HEADER},Paid"], {}
    for n in range(4_000):
        form, why = spoil[n % len(spoil)] if n in broken else ("{n},p{n},1/2/2026 10:00,Done,LHR,10", "")
        lines.append(form.format(n=n))
        if why:
            expected[n + 2] = why
    report = desk.take("\n".join(lines) + "\n", settle=False)
    assert told(report) == (3_960, 0, 0, 0, 40)
    assert {number: why for number, why in desk.refused if expected[number] not in why} == {}
    assert [number for number, _ in desk.refused] == sorted(expected)
    assert len(desk.events()) == 3_960


def test_sweeping_does_not_wait_for_an_import_that_is_done(desk: Desk) -> None:
    desk.take(visits("a1,p1,12/3/2024 10:00,Done,LHR"), settle=False)
    assert desk.open_imports() == 1
    desk.now += timedelta(minutes=1)
    for job in sweep(desk.house).jobs:
        if job.kind == "fold":
            fold(desk.house, "default", [int(key) for key in job.ids])
    sweep(desk.house)
    assert desk.open_imports() == 0
