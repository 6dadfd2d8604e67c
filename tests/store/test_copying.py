"""Many rows at once are the rows that one by one would be, whatever they say."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, StatementError

from tests.store.samples import CLINIC, NOW, an_event
from worker.store import events, loading
from worker.store.copying import FEW, copy
from worker.store.engine import read, write
from worker.store.schema import events as stored
from worker.store.schema import patients, quarantine, transitions
from worker.store.sql import add, add_missing, upsert

MANY = 2 * FEW
ODD = ["\\", "\\N", "a\tb", "line\nline\r\n", "'\"", "Ελένη", "😀", "\\.", "", " ", "{}", "\\\\n", "\x7f"]


def _told(number: int) -> str:
    return f"{ODD[number % len(ODD)]}{number if number >= len(ODD) else ''}"


def test_whatever_a_row_says_is_kept_as_it_is(engine: Engine) -> None:
    rows = [
        {"clinic_id": CLINIC, "at": NOW, "via": _told(n), "raw": _told(n + 1), "errors": [_told(n), None, 1.5, {_told(n): True}]}
        for n in range(MANY)
    ]  # fmt: skip
    with write(engine) as conn:
        add(conn, quarantine, rows)
    c = quarantine.c
    with read(engine) as conn:
        found = (
            conn.execute(select(c.clinic_id, c.at, c.via, c.raw, c.errors).order_by(c.id)).mappings().all()
        )
    assert [dict(row) for row in found] == rows


def test_instants_of_any_zone_flags_numbers_and_what_is_missing_are_kept(engine: Engine) -> None:
    east = timezone(timedelta(hours=3))
    changes = [
        {"clinic_id": CLINIC, "patient_id": f"p{n}", "segment": "s", "change": "entered", "cause": "time",
         "at": (NOW + timedelta(microseconds=n)).astimezone(east), "silent": n % 2 == 0, "recorded_at": NOW}
        for n in range(MANY)
    ]  # fmt: skip
    people = [_patient(n, as_of=None if n % 3 else NOW, tries=n) for n in range(MANY)]
    with write(engine) as conn:
        add(conn, transitions, changes)
        add_missing(conn, patients, people)
    c, p = transitions.c, patients.c
    with read(engine) as conn:
        kept = conn.execute(select(c.at, c.silent).order_by(c.id)).all()
        there = conn.execute(select(p.as_of, p.tries, p.stage, p.members).order_by(p.tries)).all()
    assert [tuple(row) for row in kept] == [(row["at"], row["silent"]) for row in changes]
    assert [tuple(row) for row in there] == [
        (row["as_of"], row["tries"], None, row["members"]) for row in people
    ]


def test_what_is_there_is_left_or_overwritten_and_of_two_rows_the_later_one_holds(engine: Engine) -> None:
    c = patients.c
    with write(engine) as conn:
        add_missing(conn, patients, [_patient(n, stage="old", queued_until=NOW) for n in range(MANY)])
        add_missing(conn, patients, [_patient(n, stage="other") for n in range(MANY + 1)])
        assert set(conn.execute(select(c.stage).where(c.patient_id != f"p{MANY}")).scalars()) == {"old"}
        changed = [_patient(n, stage="new", next_change_at=NOW if n else None) for n in range(MANY)]
        upsert(
            conn,
            patients,
            [*changed, _patient(1, stage="newest")],
            wakes=("next_change_at",),
            keep=("tries",),
        )
        rows = {row.patient_id: row for row in conn.execute(select(patients))}
    assert (rows["p0"].stage, rows["p1"].stage, rows["p2"].stage) == ("new", "newest", "new")
    # Only who has another time to change at is free to be taken again.
    assert (rows["p0"].queued_until, rows["p2"].queued_until) == (NOW, None)
    assert len(rows) == MANY + 1


def test_what_a_statement_would_refuse_is_refused_as_a_statement_does(engine: Engine) -> None:
    rows = [_patient(n) for n in range(MANY)]
    with pytest.raises(IntegrityError), write(engine) as conn:
        copy(conn, patients, [*rows, rows[0]])
    naive = [_patient(n, as_of=NOW.replace(tzinfo=None)) for n in range(MANY)]
    with pytest.raises((TypeError, StatementError), match="no time zone"), write(engine) as conn:
        copy(conn, patients, naive)
    with read(engine) as conn:
        assert conn.execute(select(patients.c.patient_id)).all() == []


def test_a_part_of_a_file_is_accepted_once_and_what_was_known_is_told(engine: Engine) -> None:
    batch = [an_event(number % 70) for number in range(80)]
    later = NOW + timedelta(minutes=1)
    with write(engine) as conn:
        events.accept(conn, CLINIC, [an_event(3), an_event(5)], NOW)
        found = loading.load(conn, CLINIC, batch, NOW, folded={3, 0, 1}, queued_until=[later] * 80)
    assert found.known == {3, 5, *range(70, 80)}
    assert set(found.waiting) == set(range(70)) - {0, 1, 3, 5}
    c = stored.c
    with read(engine) as conn:
        rows = {row.seq: row for row in conn.execute(select(stored))}
        states = [row.state for row in rows.values()]
        assert conn.execute(select(c.seq).where(c.state == "done", c.done_at.is_(None))).all() == []
    assert (len(rows), states.count("done")) == (70, 2)
    assert {rows[seq].event_id for seq in found.waiting.values()} == {
        batch[index].id for index in found.waiting
    }
    assert all(rows[seq].queued_until == later for seq in found.waiting.values())


def test_what_waits_is_given_out_patient_by_patient_and_none_is_torn(engine: Engine) -> None:
    batch = [an_event(number, subject=f"p{number % 7}") for number in range(70)]
    with write(engine) as conn:
        loading.load(conn, CLINIC, batch, NOW, folded=(), queued_until=[NOW] * 70)
    after, parts = "", []
    while True:
        with read(engine) as conn:
            part = loading.unfolded(conn, CLINIC, after, 25)
        if not part:
            break
        after = part[-1][0]
        parts.append(part)
    subjects = [subject for part in parts for subject in sorted({one for one, _ in part})]
    assert subjects == sorted(f"p{n}" for n in range(7))
    assert len({seq for part in parts for _, seq in part}) == 70


def _patient(number: int, **given: Any) -> dict[str, Any]:
    plain = {"stage": None, "members": [f"m{number}"], "as_of": None, "next_change_at": None, "queued_until": None, "tries": 0}  # fmt: skip
    return {"clinic_id": CLINIC, "patient_id": f"p{number}", **plain, **given}
