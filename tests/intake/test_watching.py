"""Exports that arrive in a folder by themselves: taken once they are whole, once, together, and put away with what was wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.intake.desk import DAY, FILES, MAPPING, Desk, visits
from tests.intake.exports import source_of
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.service.watching import Watcher
from worker.store import schema
from worker.store.engine import read
from worker.workspace.config_sources import parse_source
from worker.workspace.sources import Watch

PEOPLE = "ID,Name,Mobile,SMS\n" + "".join(f"p{n},Eleni P,690000000{n},yes\n" for n in range(8))
FULL = MAPPING.replace("    past_booked_means", "    full_export: true\n    past_booked_means")
MOMENT = timedelta(seconds=11)


class Front:
    """The folder of a clinic's exports, and the program that looks into it."""

    def __init__(self, desk: Desk, watch: str, mapping: str = FULL) -> None:
        self.desk = desk
        self.root = desk.folder / "exports"
        self.folder = self.root / "default" / "book"
        publish(desk.house, {**FILES, "config/sources/book.yaml": f"{mapping}watch: {watch}\n"})
        self.begin()

    def begin(self, put: Callable[[Sequence[Job]], object] = lambda jobs: None) -> None:
        """Another process, that remembers nothing."""
        self.watcher = Watcher(self.desk.house, self.root, put)

    def arrives(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        """A file comes into the folder now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        os.utime(path, (self.desk.now.timestamp(),) * 2)
        return path

    def look(self) -> int:
        """Look, and once more a moment later; how many runs were made."""
        runs = self.watcher.look()
        self.desk.now += MOMENT
        return runs + self.watcher.look()

    def lie(self, where: str) -> list[str]:
        """The files below `done`, `failed` or `taking`, and the waiting ones for ""."""
        folder = self.folder / where if where else self.folder
        found = folder.glob("*/*" if where else "*.csv*")
        return sorted(path.name for path in found)

    def tasks(self) -> list[tuple[str, str, str]]:
        """Name, state and words of the tasks for people."""
        c = schema.tasks.c
        with read(self.desk.house.engine) as conn:
            return [(name, state, note) for name, state, note in conn.execute(select(c.step, c.state, c.note).order_by(c.id))]  # fmt: skip


def test_night_after_night_what_is_new_is_news_and_what_vanished_is_cancelled(desk: Desk) -> None:
    front = Front(desk, "{}")
    front.arrives("patients.csv", PEOPLE)
    rows = [
        "a1,p1,12/3/2024 10:00,Done,LHR", "a2,p2,22/11/2026 10:00,Done,LHR",
        "b1,p3,1/12/2026 10:00,Booked,LHR", "b2,p4,2/12/2026 10:00,Booked,LHR", "b3,p5,3/12/2026 10:00,Booked,LHR",
    ]  # fmt: skip
    front.arrives("visits.csv", visits(*rows))
    assert front.look() == 1
    desk.settle()
    assert desk.open_imports() == 0
    assert front.lie("done") == ["patients.csv", "visits.csv"]
    # What happened since `live_from` is news, the booking that is seen for the first time is not.
    assert desk.messages() == [("hello", "p2")]

    desk.now += DAY
    front.arrives("patients.csv", PEOPLE)
    front.arrives("visits.csv", visits(rows[0], rows[1], rows[3], rows[4], "a3,p6,24/11/2026 9:00,Done,LHR"))
    assert front.look() == 1
    desk.settle()
    assert desk.status("p3") == {"b1": "cancelled"}
    assert desk.status("p4") == {"b2": "booked"}
    assert desk.messages() == [("gone", "p3"), ("hello", "p2"), ("hello", "p6")]

    events = desk.events()
    desk.now += DAY
    front.arrives("visits.csv", visits(rows[0], rows[1], rows[3], rows[4], "a3,p6,24/11/2026 9:00,Done,LHR"))
    assert front.look() == 1
    assert desk.events() == events
    assert front.lie("failed") == front.lie("taking") == front.lie("") == []
    assert front.tasks() == []


def test_a_file_is_taken_once_it_no_longer_grows_or_its_marker_is_there(desk: Desk) -> None:
    front = Front(desk, "{files: 'visits*.csv'}")
    front.arrives("visits.csv", visits("a1,p1,12/3/2024 10:00,Done,LHR"))
    front.arrives("other.csv", "not ours")
    assert front.watcher.look() == 0
    desk.now += MOMENT
    whole = visits("a1,p1,12/3/2024 10:00,Done,LHR", "a2,p1,13/3/2024 10:00,Done,LHR")
    front.arrives("visits.csv", whole)
    # It has grown since; and the second one is not whole yet, so the first waits for it.
    assert front.watcher.look() == 0
    desk.now += MOMENT
    front.arrives("visits-2.csv", visits("a3,p1,14/3/2024 10:00,Done,LHR"))
    assert front.watcher.look() == 0
    stale = front.arrives("visits-2.csv.done", "")
    os.utime(stale, (desk.now.timestamp() - 60,) * 2)
    assert front.watcher.look() == 0
    front.arrives("visits-2.csv.done", "")
    assert front.watcher.look() == 1
    assert front.lie("done") == ["visits-2.csv", "visits.csv"]
    assert front.lie("") == ["other.csv"]
    assert len(desk.events()) == 3


def test_what_arrives_is_taken_at_the_times_of_the_clinics_day(desk: Desk) -> None:
    front = Front(desk, '{at: ["06:00", "24:00"]}')
    # 23:00 in Athens.
    front.arrives("visits.csv", visits("a1,p1,12/3/2024 10:00,Done,LHR"))
    assert front.look() == 0
    desk.now = datetime(2026, 11, 23, 22, 0, 30, tzinfo=UTC)
    assert front.look() == 1
    front.arrives("visits.csv", visits("a2,p1,12/3/2024 10:00,Done,LHR"))
    desk.now = datetime(2026, 11, 24, 3, 59, tzinfo=UTC)
    assert front.look() == 0
    desk.now = datetime(2026, 11, 24, 4, 1, tzinfo=UTC)
    front.arrives("late.csv", visits("a3,p1,12/3/2024 10:00,Done,LHR"))
    assert front.look() == 1
    assert front.lie("") == ["late.csv"]


def test_refused_rows_lie_beside_their_file_and_a_person_is_told_once(desk: Desk) -> None:
    front = Front(desk, "{}")
    text = visits("a1,p1,12/3/2024 10:00,Done,LHR", "a2,p1,31/2/2024 10:00,Done,LHR")
    for _ in range(2):
        front.arrives("visits.csv", text)
        assert front.look() == 1
        desk.now += DAY
    assert front.lie("done") == ["visits.csv", "visits.csv", "visits.csv.errors.csv", "visits.csv.errors.csv"]
    ((name, state, words),) = front.tasks()
    assert (name.startswith("export/book/rows/"), state) == (True, "open")
    assert "1 rows were refused" in words
    errors = next((front.folder / "done").glob("*/*.errors.csv"))
    assert errors.read_text().splitlines()[1].endswith("is not a date (day/month/year)")
    assert "line 3: " in errors.read_text()

    front.arrives("visits.csv.errors.csv", errors.read_text().replace("31/2", "28/2"))
    front.arrives("visits.csv", visits("a9,p9,12/3/2024 10:00,Done,LHR"))
    assert front.look() == 1
    assert front.lie("") == ["visits.csv.errors.csv"]
    assert front.look() == 1
    desk.settle()
    assert set(desk.status("p1")) == {"a1", "a2"}


def test_what_cannot_be_read_is_put_aside_and_told_and_over_once_one_comes(desk: Desk) -> None:
    front = Front(desk, "{}")
    front.arrives("visits.csv", "PK\x03\x04 a workbook")
    assert front.look() == 1
    assert front.lie("failed") == ["visits.csv"]
    ((name, state, words),) = front.tasks()
    assert (name.startswith("export/book/failed/"), state) == (True, "open")
    assert "save it as CSV" in words
    assert (desk.events(), desk.open_imports()) == ([], 0)
    front.arrives("visits.csv", visits("a1,p1,12/3/2024 10:00,Done,LHR"))
    assert front.look() == 1
    assert [state for _, state, _ in front.tasks()] == ["done"]


@pytest.mark.parametrize(("expect", "late"), [("daily", timedelta(hours=30)), ("weekly", timedelta(days=8))])
def test_an_export_that_does_not_come_is_missed_once(desk: Desk, expect: str, late: timedelta) -> None:
    front = Front(desk, f"{{expect: {expect}}}")
    desk.now += late
    front.look()
    ((name, state, words),) = front.tasks()
    assert (name.startswith("export/book/missing/"), state) == (True, "open")
    assert "No export of `book` came since 2026-11-23 23:00." in words
    desk.now += DAY
    front.look()
    assert len(front.tasks()) == 1
    front.arrives("visits.csv", visits("a1,p1,12/3/2024 10:00,Done,LHR"))
    front.look()
    assert [state for _, state, _ in front.tasks()] == ["done"]
    desk.now += late
    front.look()
    assert [state for _, state, _ in front.tasks()] == ["done", "open"]


def test_whoever_is_killed_in_the_middle_or_before_the_move_has_lost_and_doubled_nothing(desk: Desk) -> None:
    front = Front(desk, "{}")

    def killed(jobs: Sequence[Job]) -> object:
        raise SystemExit

    front.begin(killed)
    rows = [f"a{n},p{n},1/12/2026 10:00,Booked,LHR" for n in range(1200)]
    front.arrives("one.csv", visits(*rows[:600]))
    front.arrives("two.csv", visits(*rows[600:]))
    with pytest.raises(SystemExit):
        front.look()
    assert (len(desk.events()), desk.open_imports()) == (600, 1)
    assert front.lie("taking") == ["one.csv", "two.csv"]
    front.begin()
    assert front.watcher.look() == 1
    assert (len(desk.events()), front.lie("done")) == (1200, ["one.csv", "two.csv"])

    # The import was whole, and the files were not put away yet.
    (done,) = (front.folder / "done").iterdir()
    done.rename(front.folder / "taking" / done.name)
    events = desk.events()
    front.begin()
    assert front.watcher.look() == 1
    assert (desk.events(), front.lie("done")) == (events, ["one.csv", "two.csv"])
    assert front.tasks() == []

    # The files were being gathered: one was there, one was not yet.
    part = front.folder / "taking" / "2026-11-30T00-00-00.part"
    part.mkdir()
    front.arrives("one.csv", visits(*rows[:600])).rename(part / "one.csv")
    front.arrives("two.csv", visits(*rows[600:]))
    front.begin()
    assert front.look() == 1
    assert (desk.events(), front.lie("done")) == (events, ["one.csv", "one.csv", "two.csv", "two.csv"])


def test_a_program_that_is_asked_to_end_leaves_the_run_to_the_next_one(desk: Desk) -> None:
    front = Front(desk, "{}")
    ends: list[bool] = []
    front.watcher = Watcher(desk.house, front.root, ends.append, lambda: bool(ends))  # type: ignore[arg-type]
    front.arrives("visits.csv", visits(*(f"a{n},p{n},1/12/2026 10:00,Booked,LHR" for n in range(600))))
    assert front.look() == 0
    assert front.lie("taking") == ["visits.csv"]
    front.begin()
    assert front.watcher.look() == 1
    assert len(desk.events()) == 600


def test_two_programs_do_not_take_one_folder_at_a_time(desk: Desk) -> None:
    front = Front(desk, "{}")
    front.arrives("visits.csv", visits("a1,p1,12/3/2024 10:00,Done,LHR"))
    other = Watcher(desk.house, front.root, lambda jobs: None)
    inside: list[int] = []
    front.begin(lambda jobs: inside.append(other.look()))
    assert front.look() == 1
    assert set(inside) == {0}


def test_a_mapping_says_where_and_when_and_a_folder_is_always_the_clinics_own() -> None:
    watch = source_of(
        f"{MAPPING}watch: {{folder: in/book, files: 'v*.csv', at: 06:00, expect: daily}}\n"
    ).watch
    assert watch == Watch("in/book", "v*.csv", (360,), "daily")
    assert source_of(f"{MAPPING}watch: {{}}\n", "book").watch == Watch("book")
    for wrong in (
        "folder: ../other",
        "folder: /etc",
        "folder: a//b",
        "files: a/b.csv",
        "at: 25:00",
        "expect: hourly",
    ):
        assert problems(f"{MAPPING}watch: {{{wrong}}}\n"), wrong
    assert "`files` is missing" in problems("watch: {}\nwebhook: {}\n")[0].message


def problems(text: str) -> list[Any]:
    node, _ = compose(text, "book.yaml")
    reader = Reader()
    parse_source(reader, node, "book", None)
    return sorted(reader.problems, key=lambda problem: "`watch`" not in problem.message)
