"""A night: segments change with the calendar. The whole sweep (find, decide, commit) of one process, on a PostgreSQL that waits for the disk.

Against itself on a base of a hundredth the size, and against the plain nightly script: a scan of all visits, and one commit a message.
`REVISIT_BENCH_PATIENTS` is the size of the large base; a million takes some minutes and 8 GB of disk. Both figures come of one run.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

import psycopg

from benchmarks import Measure, benchmark, size
from benchmarks.big_base import CHANGE, NOW, VISITS, build, bytes_of, wake
from tests.postgres import admin, server, url_of
from worker.service.sweeping import sweep
from worker.workspace.house import House

LARGE: Final = size("REVISIT_BENCH_PATIENTS", 1_000_000)
SMALL: Final = LARGE // 100
ROUNDS: Final = 5
_MAKE: Final = """
CREATE TABLE visitors (id text PRIMARY KEY, name text NOT NULL, phone text NOT NULL, may_write boolean NOT NULL);
CREATE TABLE visits (visitor text NOT NULL, at timestamptz NOT NULL);
CREATE TABLE outbox (visitor text NOT NULL, night date NOT NULL, body text NOT NULL, PRIMARY KEY (visitor, night));
INSERT INTO visitors SELECT 'p' || lpad(n::text, 8, '0'), 'Ada', '+3069' || lpad(n::text, 8, '0'), true FROM generate_series(0, {last}) n;
INSERT INTO visits SELECT 'p' || lpad(n::text, 8, '0'), timestamptz '2026-02-13 10:00Z' - v * interval '40 days'
  + CASE WHEN n < {changing} THEN (n / {change}) * interval '1 day' ELSE (20 + n % 40) * interval '1 day' END
  FROM generate_series(0, {visits} - 1) v, generate_series(0, {last}) n;
"""
_DUE: Final = """
SELECT v.id, v.name, v.phone FROM visitors v JOIN (SELECT visitor, max(at) AS last FROM visits GROUP BY visitor) s ON s.visitor = v.id
WHERE v.may_write AND (s.last AT TIME ZONE 'Europe/Athens')::date = date '2026-02-13' + %s
"""


@dataclass(frozen=True)
class _Night:
    """Seconds: our sweep on the small and on the large base, the script on as many patients, and its scan alone; and bytes per patient."""

    small: float
    large: float
    script: float
    scan: float
    bytes_a_patient: float


@cache
def _night() -> _Night:
    with ExitStack() as stack:
        folder = stack.enter_context(server(durable=True))
        for name in ("small", "large", "script"):
            admin(folder, f"CREATE DATABASE {name}")
        # What is due may be more than half of the small base, when it is made small for a try.
        small = build(url_of(folder, "small"), max(SMALL, ROUNDS * CHANGE), ROUNDS)
        large = build(url_of(folder, "large"), LARGE, ROUNDS)
        plain = url_of(folder, "script").replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(
                _MAKE.format(last=LARGE - 1, changing=ROUNDS * CHANGE, change=CHANGE, visits=VISITS).encode()
            )
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        rounds = [
            (_swept(small, group), _swept(large, group), *_scripted(plain, group)) for group in range(ROUNDS)
        ]
        size = sum(bytes_of(large.engine).values()) / LARGE
        for house in (small, large):
            house.engine.dispose()
    # The first round reads from the disk what the others find in memory, on all three alike.
    in_small, in_large, script, scan = (median(column) for column in zip(*rounds[1:], strict=True))
    return _Night(in_small, in_large, script, scan, size)


def _swept(house: House, group: int) -> float:
    wake(house.engine, group)
    began = time.perf_counter()
    swept = sweep(house, inline=True)
    seconds = time.perf_counter() - began
    if swept.changed != CHANGE:
        raise RuntimeError(f"{swept.changed} patients changed; {CHANGE} were to")
    return seconds


def _scripted(conninfo: str, group: int) -> tuple[float, float]:
    """Seconds of the script, and of its scan."""
    with psycopg.connect(conninfo) as connection:
        began = time.perf_counter()
        due = connection.execute(_DUE, (group,)).fetchall()
        scanned = time.perf_counter()
        connection.commit()
        for visitor, name, _phone in due:
            body = f"Hello {name}, it has been three months. Book at https://example.com/book. Reply STOP to opt out."
            connection.execute(
                "INSERT INTO outbox (visitor, night, body) VALUES (%s, %s, %s)", (visitor, NOW.date(), body)
            )
            connection.commit()
        ended = time.perf_counter()
    if len(due) != CHANGE:
        raise RuntimeError(f"the script found {len(due)}; {CHANGE} were due")
    return ended - began, scanned - began


@benchmark("night_flatness")
def night_flatness() -> Measure:
    """Seconds of a sweep in which a thousand patients change, at a million ÷ at ten thousand."""
    night = _night()
    return Measure(
        round(night.large / night.small, 3),
        "ratio",
        f"{CHANGE} changes in {night.large:.2f} s at {LARGE:,} patients, {night.small:.2f} s at {max(SMALL, ROUNDS * CHANGE):,}; "
        f"{night.bytes_a_patient:,.0f} bytes a patient with {VISITS} visits; at most 1.3 wanted",
    )


@benchmark("night_vs_script")
def night_vs_script() -> Measure:
    """Seconds of the plain script ÷ seconds of the sweep, for the same thousand at a million patients."""
    night = _night()
    return Measure(
        round(night.script / night.large, 3),
        "ratio",
        f"sweep {night.large:.2f} s; script {night.script:.2f} s, {night.scan:.2f} s of it the scan; at least 1 wanted",
    )
