"""Files whose taking in is killed with -9 at points nobody chose, and that are given again: gone on with, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.eventually import eventually
from tests.intake.desk import FILES, MAPPING, MONDAY, Desk, told, visits
from tests.intake.exports import CLINIC, source_of, take_export, write
from worker.intake.lines import read_lines
from worker.intake.sources.error_file import ERRORS
from worker.service import importing
from worker.service.folding import fold
from worker.service.importing import Report
from worker.service.ingesting import Ingest
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.store import schema
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.store.sql import chunks
from worker.workspace.house import House

ROWS, PART = 1_500, 50
SOURCE = source_of(MAPPING)


def _export(folder: Path, order: random.Random) -> Path:
    """A book by date, as exports are: what is told of one patient lies all over it; and some of it by patient."""
    rows = []
    for n in range(ROWS):
        patient = n // 10 if n < ROWS // 2 else order.randrange(200)
        start = "31/2/2026 9:00" if n % 97 == 5 else f"{n % 28 + 1}/{n % 12 + 1}/{2020 + n % 6} 9:00"
        rows.append(f"a{n},p{patient},{start},Done,LHR")
    return write(folder / "visits.csv", visits(*rows))


def _book(folder: Path, order: random.Random) -> Path:
    lines = []
    for n in range(ROWS):
        patient = n // 10 if n < ROWS // 2 else order.randrange(200)
        start = f"{2020 + n % 6}-{n % 12 + 1:02}-{n % 28 + 1:02}T09:00:00Z"
        data = {
            "appointment_id": f"a{n}",
            "starts_at": start,
            "services": [{"code": "LHR"}],
            "historical": True,
        }
        event = {"specversion": "1.0", "id": f"e{n}", "source": "/book", "type": "visit.completed", "subject": f"p{patient}", "time": start, "data": data}  # fmt: skip
        lines.append("{broken" if n % 97 == 5 else json.dumps(event))
    path = folder / "book.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _take_export(house: House, path: Path, now: Any) -> Report:
    return take_export(house, CLINIC, SOURCE, path, now, lambda jobs: _fold(house, jobs))


def _take_book(house: House, path: Path, _now: Any) -> Ingest:
    with Ingest(house, path.name, "default", digest="book") as taking:
        for part in chunks(read_lines(path, after=taking.line), PART):
            _fold(house, taking.take(part).jobs)
        for _, jobs in taking.fold_rest():
            _fold(house, jobs)
    return taking


def _fold(house: House, jobs: Any) -> None:
    for job in jobs:
        assert isinstance(job, Job)
        if job.kind == "fold":
            fold(house, job.clinic, [int(key) for key in job.ids])


def _killed(desk: Desk, take: Callable[[House, Path, Any], object], path: Path, line: int) -> int:
    """Take a file in another process and kill that at the line, or a little behind it; the line that is in."""
    url = desk.house.engine.url
    child = os.fork()
    if not child:
        own = House(make_engine(url), "secret", "http://127.0.0.1:8000", wall=lambda: desk.now)
        try:
            take(own, path, desk.now)
        finally:
            os._exit(0)
    try:
        eventually(lambda: _line(desk) >= line, timeout=60)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _line(desk)


def _line(desk: Desk) -> int:
    with read(desk.house.engine) as conn:
        return conn.execute(select(schema.files_under_way.c.line)).scalar_one_or_none() or 0


def _facts(desk: Desk) -> dict[str, list[Any]]:
    """All that is known of the patients, but for when it was written down."""
    found = {}
    with read(desk.house.engine) as conn:
        for table, names in (
            (schema.events, ("source", "event_id", "type", "subject", "time", "data", "state")),
            (schema.patients, ("patient_id", "stage", "members", "as_of", "next_change_at")),
            (schema.ledgers, ("patient_id", "data")),
            (schema.memberships, ("patient_id", "segment")),
            (schema.transitions, ("patient_id", "segment", "change", "at")),
        ):
            rows = conn.execute(select(*(table.c[name] for name in names))).all()
            found[table.name] = sorted(json.dumps(list(row), default=str, sort_keys=True) for row in rows)
    return found


@pytest.fixture
def undisturbed(tmp_path: Path) -> Iterator[Desk]:
    """The same clinic in a database of its own."""
    (tmp_path / "other").mkdir()
    engine = make_engine(f"sqlite:///{tmp_path / 'other' / 'revisit.db'}")
    upgrade(engine)
    found = Desk(House(engine, "secret", "http://127.0.0.1:8000", wall=lambda: MONDAY), tmp_path / "other")
    publish(found.house, FILES)
    yield found
    engine.dispose()


def _twice(desk: Desk, take: Callable[[House, Path, Any], object], path: Path, order: random.Random) -> None:
    """Kill it twice. The second run begins behind what the first has reached, and what is in is never taken in again."""
    first = _killed(desk, take, path, order.randrange(100, 600))
    before = len(desk.events())
    second = _killed(desk, take, path, order.randrange(750, 1300))
    assert first < second < ROWS
    assert 0 < before < len(desk.events()) < ROWS
    assert desk.open_imports() == 1


def test_an_import_that_is_killed_twice_leaves_what_an_undisturbed_one_does(
    desk: Desk, undisturbed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", PART)
    order = random.Random(1)
    paths = [_export(one.folder, random.Random(1)) for one in (desk, undisturbed)]
    whole = _take_export(undisturbed.house, paths[1], MONDAY)
    _twice(desk, _take_export, paths[0], order)
    reached = _line(desk)
    last = _take_export(desk.house, paths[0], desk.now)
    assert (told(last), last.since_line) == (told(whole), reached)
    assert (last.notes, last.historical) == (whole.notes, whole.historical)
    assert _facts(desk) == _facts(undisturbed)
    errors = [path.with_name(f"{path.name}{ERRORS}").read_bytes() for path in paths]
    assert errors[0] == errors[1]
    assert _line(desk) == 0
    again = _take_export(desk.house, paths[0], desk.now)
    assert (again.added, again.unchanged) == (0, whole.added)


def test_events_whose_taking_in_is_killed_twice_are_what_they_are_undisturbed(
    desk: Desk, undisturbed: Desk
) -> None:
    order = random.Random(3)
    paths = [_book(one.folder, random.Random(3)) for one in (desk, undisturbed)]
    whole = _take_book(undisturbed.house, paths[1], MONDAY)
    _twice(desk, _take_book, paths[0], order)
    last = _take_book(desk.house, paths[0], desk.now)
    assert (last.accepted, last.duplicates, last.rejected) == (whole.accepted, 0, whole.rejected)
    assert _facts(desk) == _facts(undisturbed)
    with read(desk.house.engine) as conn:
        kept = conn.execute(select(schema.quarantine.c.id)).all()
    assert len(kept) == whole.rejected > 0
    again = _take_book(desk.house, paths[0], desk.now)
    assert (again.accepted, again.duplicates) == (0, whole.accepted)
