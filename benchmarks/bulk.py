"""Visits taken in from a file and folded, as `revisit ingest` does, against COPY of the same rows into the same tables without indexes; PostgreSQL that waits for the disk, one process each.

`REVISIT_BENCH_VISITS` is how many; a million takes some minutes, so by default it is a twentieth.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg

from benchmarks import Measure, benchmark, size
from benchmarks.big_base import CLINIC, NOW, VISITS, house_on
from tests.postgres import admin, server, url_of
from worker.intake.lines import read_lines
from worker.service.folding import fold
from worker.service.ingesting import Ingest
from worker.service.loading import PART
from worker.service.publishing import publish
from worker.store.migrate import upgrade
from worker.store.sql import chunks
from worker.workspace.layout_new import sample_rooms

COUNT: Final = size("REVISIT_BENCH_VISITS", 50_000)
TABLES: Final = ("events", "patients", "ledgers", "memberships", "transitions")


def _write(path: Path) -> None:
    """A book of ten visits a patient, patient by patient."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(COUNT):
            patient, visit = divmod(number, VISITS)
            at = (
                NOW - timedelta(days=20 + patient % 60 + (VISITS - visit) * (25 + patient % 40))
            ).isoformat()
            data = {
                "appointment_id": f"a-{number}", "starts_at": at, "services": [{"code": "HYD"}], "net": {"minor": 9000, "currency": "EUR"},
                "historical": True,
            }  # fmt: skip
            event = {
                "specversion": "1.0", "id": f"v-{number}", "source": "/bench", "type": "visit.completed", "subject": f"p-{patient}", "time": at, "data": data,
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")


def _imported(url: str, path: Path) -> float:
    house = house_on(url, NOW)
    upgrade(house.engine)
    publish(house, sample_rooms())
    began = time.perf_counter()
    with Ingest(house, path.name, digest="book") as taking:
        for part in chunks(read_lines(path), PART):
            for job in taking.take(part).jobs:
                fold(house, CLINIC, [int(key) for key in job.ids])
        for _ in taking.fold_rest():
            pass
    seconds = time.perf_counter() - began
    house.engine.dispose()
    return seconds


def _copied(conninfo: str) -> float:
    """Seconds for the rows that came of it, from memory into empty tables."""
    with psycopg.connect(conninfo) as connection:
        held = {}
        for table in TABLES:
            buffer = io.BytesIO()
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT".encode()) as out:
                for block in out:
                    buffer.write(block)
            held[table] = buffer.getvalue()
            connection.execute(f"CREATE TABLE copy_{table} (LIKE {table})".encode())
        done = connection.execute("SELECT count(*) FROM events WHERE state = 'done'").fetchone()
        connection.commit()
        if done != (COUNT,):
            raise RuntimeError(f"{done} of {COUNT} visits were folded")
        began = time.perf_counter()
        for table, rows in held.items():
            with connection.cursor() as cursor, cursor.copy(f"COPY copy_{table} FROM STDIN".encode()) as into:
                into.write(rows)
        connection.commit()
        return time.perf_counter() - began


@benchmark("import_vs_copy")
def import_vs_copy() -> Measure:
    """Visits a second imported and folded, as a share of what COPY of the same output rows does."""
    with server(durable=True) as folder, tempfile.TemporaryDirectory() as scratch:
        admin(folder, "CREATE DATABASE bulk")
        path = Path(scratch) / "book.jsonl"
        _write(path)
        imported = _imported(url_of(folder, "bulk"), path)
        copied = _copied(url_of(folder, "bulk").replace("+psycopg", ""))
    return Measure(
        round(copied / imported, 4),
        "ratio",
        f"{COUNT:,} visits imported and folded at {COUNT / imported:,.0f}/s by one process, copied at {COUNT / copied:,.0f}/s; at least 0.05 wanted",
    )
