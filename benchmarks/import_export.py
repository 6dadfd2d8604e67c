"""An export of 200,000 appointments, one in a hundred broken, taken in and taken in once more; against reading the same file with the standard library's CSV reader."""

from __future__ import annotations

import csv
import random
import tempfile
import time
from pathlib import Path

from benchmarks import Measure, benchmark
from tests.intake.exports import take_export
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.intake.sources.error_file import ERRORS
from worker.service.importing import Report
from worker.service.publishing import publish
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.workspace.config_sources import parse_source
from worker.workspace.house import House, wall_clock
from worker.workspace.layout_new import sample_rooms
from worker.workspace.sources import Source

ROWS, PATIENTS = 200_000, 30_000
MAPPING = """
date_order: dmy
files:
  visits:
    kind: appointments
    columns: {id: No, patient: ID, starts_at: Start, status: Status, service: What, net: Paid}
    statuses: {Done: completed}
"""


def _write(path: Path) -> int:
    """The export; returns how many of its rows are broken."""
    dice = random.Random(1)
    broken = set(dice.sample(range(ROWS), ROWS // 100))
    with path.open("w", encoding="utf-8") as stream:
        stream.write("No,ID,Start,Status,What,Paid\n")
        for number in range(ROWS):
            day = "31/02" if number in broken else f"{number % 28 + 1:02}/{number % 12 + 1:02}"
            stream.write(
                f"a{number},p{number % PATIENTS},{day}/{2022 + number % 4} 10:30,Done,HYD,{number % 300}.50\n"
            )
    return len(broken)


def _source() -> Source:
    node, _ = compose(MAPPING, "bench.yaml")
    found = parse_source(Reader(), node, "bench", None)
    if found is None:
        raise ValueError("the mapping of this benchmark is broken")
    return found


def _take(house: House, path: Path) -> tuple[Report, float]:
    began = time.perf_counter()
    with read(house.engine) as conn:
        about = house.rooms(conn, "default").rules.clinic
    report = take_export(house, about, _source(), path, wall_clock())
    return report, time.perf_counter() - began


def _told(path: Path) -> int:
    """How many broken rows stand in the file of errors, each with its reason."""
    with path.with_name(f"{path.name}{ERRORS}").open(encoding="utf-8", newline="") as stream:
        return sum("is not a date" in row["reason"] for row in csv.DictReader(stream))


@benchmark("import_export")
def import_export() -> Measure:
    """Rows a second into a SQLite database; the second time nothing is new."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        broken = _write(path)
        began = time.perf_counter()
        with path.open(encoding="utf-8", newline="") as stream:
            plain = sum(1 for _ in csv.reader(stream))
        reading = time.perf_counter() - began
        engine = make_engine(f"sqlite:///{Path(folder) / 'revisit.db'}")
        upgrade(engine)
        house = House(engine, "secret", "http://127.0.0.1:8000")
        publish(house, sample_rooms())
        first, seconds = _take(house, path)
        again, more = _take(house, path)
        told = _told(path)
        engine.dispose()
    if (first.added, first.refused, told, again.unchanged) != (ROWS - broken, broken, broken, ROWS - broken):
        raise ValueError(f"rows were lost: {first}, {again}")
    return Measure(
        ROWS / seconds,
        "rows/s",
        f"again {ROWS / more:,.0f} rows/s, nothing new; {broken} broken rows told; the CSV reader alone {plain / reading:,.0f} rows/s",
    )
