"""Figures for a monitoring system go by indexes: asking costs the same whatever is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from tests.store.samples import NOW
from worker.store import figures, rooms
from worker.store.engine import make_engine, read, write
from worker.store.schema import events, patients

BIG = {"patients", "ledgers", "enrollments", "messages", "events", "receipts", "quarantine", "tasks", "traces", "transitions"}  # fmt: skip


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Engine]:
    found = make_engine(sqlite_url)
    yield found
    found.dispose()


def ask_everything(engine: Engine) -> None:
    with read(engine) as conn:
        clinics, since = ["default", "other"], NOW - timedelta(minutes=15)
        figures.due(conn, NOW, NOW)
        figures.backlog(conn)
        figures.quarantined(conn, clinics, since)
        figures.in_doubt(conn, clinics, NOW)
        figures.decided(conn, clinics, since)
        figures.reports(conn, since)
        figures.report_lags(conn, since)
        figures.feeds(conn)
        figures.paused_senders(conn)
        figures.paused_journeys(conn)
        figures.shut_doors(conn)
        figures.open_imports(conn)
        figures.late_tasks(conn, clinics, NOW)


def plans(engine: Engine) -> list[str]:
    """What SQLite means to do for every statement."""
    found: list[tuple[str, object]] = []

    def noted(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", noted)
    try:
        ask_everything(engine)
    finally:
        event.remove(engine, "before_cursor_execute", noted)
    lines: list[str] = []
    raw = engine.raw_connection()
    try:
        for statement, parameters in found:
            if statement.lstrip().upper().startswith("SELECT"):
                cursor = raw.cursor()
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                lines += [str(row[3]) for row in cursor.fetchall()]
    finally:
        raw.close()
    return lines


def test_no_figure_scans_a_table_that_grows(sqlite: Engine) -> None:
    told = plans(sqlite)
    assert len(told) > 20
    scans = [line for line in told if (match := re.match(r"SCAN (\w+)(?! USING)", line)) and match[1] in BIG and "INDEX" not in line]  # fmt: skip
    assert scans == []
    # An index that is walked whole is as dear as the table, unless it is one of what waits alone.
    walked = {
        match[1] for line in told if (match := re.match(r"SCAN \w+ USING (?:COVERING )?INDEX (\w+)", line))
    }
    assert walked <= {
        "ix_events_new", "ix_events_queued", "ix_messages_claimed", "ix_messages_due", "ix_messages_unknown", "ix_enrollments_due", "ix_imports_open", "ix_pauses_open",
    }  # fmt: skip


def test_a_count_stops_at_its_limit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with write(engine) as conn:
        for number in range(9):
            conn.execute(
                events.insert().values(
                    clinic_id="default", source="s", event_id=str(number), type="x", subject="p", time=NOW, data={}, received_at=NOW + timedelta(seconds=number),
                    state="new", tries=0,
                )
            )  # fmt: skip
    with read(engine) as conn:
        assert figures.backlog(conn) == figures.Waiting(9, NOW)
        monkeypatch.setattr(figures, "MOST", 5)
        assert figures.backlog(conn) == figures.Waiting(5, NOW)


def test_what_somebody_is_at_work_on_does_not_wait_and_an_open_import_holds_its_clinic(
    engine: Engine,
) -> None:
    def patient(
        name: str, clinic: str = "default", *, minutes: int, queued: int | None = None
    ) -> dict[str, object]:
        until = NOW + timedelta(minutes=queued) if queued is not None else None
        due = NOW - timedelta(minutes=minutes)
        return {
            "clinic_id": clinic,
            "patient_id": name,
            "members": [],
            "next_change_at": due,
            "queued_until": until,
            "tries": 0,
        }

    rows = [
        patient("waits", minutes=3), patient("waits longer", minutes=7), patient("taken", minutes=30, queued=1), patient("lost", minutes=9, queued=-1),
        patient("later", minutes=-5), patient("held", "importing", minutes=60),
    ]  # fmt: skip
    with write(engine) as conn:
        conn.execute(patients.insert(), rows)
        rooms.open_import(conn, "importing", NOW, "a history")
    with read(engine) as conn:
        found = figures.due(conn, NOW, NOW)
        assert figures.open_imports(conn) == 1
    assert found["patients"] == figures.Waiting(3, NOW - timedelta(minutes=9))
    assert found["steps"] == found["messages"] == figures.Waiting(0, None)
