"""`python -m benchmarks.scale`: a month of an agency with 10,000 clinics of 20,000 patients on paper, hour by hour, from what one event, one message and one changed patient were measured to cost.

Rules
1. Nothing is run: it adds up. What a clinic's month is like is assumed (`Habits`), what work costs was measured (`COSTS`), and both are printed.
2. A seed gives the same month. Clinics differ in size (log-normal), in their time zones and in the day of their large mailing; as many patients more are as much load more.
3. A machine that is full has no room for a bad minute: cores are reckoned at `BUSY` of their time.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import quantiles
from typing import Final

from rich.console import Console
from rich.table import Table

HOURS: Final = 28 * 24
BUSY: Final = 0.6
CORES_OF_A_SERVER, BYTES_OF_A_SERVER = 32, 4e12
"""What one large PostgreSQL server is taken to be."""


@dataclass(frozen=True)
class Costs:
    """What work takes: milliseconds of a core, of our processes and of PostgreSQL, and bytes that stay."""

    event_ms: float
    event_pg_ms: float
    change_ms: float
    change_pg_ms: float
    send_ms: float
    send_pg_ms: float
    patient_bytes: int
    event_bytes: int
    send_bytes: int


COSTS: Final = Costs(
    event_ms=0.5, event_pg_ms=0.35, change_ms=1.3, change_pg_ms=0.9, send_ms=2.5, send_pg_ms=1.4, patient_bytes=1820, event_bytes=600, send_bytes=2400,
)  # fmt: skip
"""Measured on 2026-11-24, two cores of a shared machine, PostgreSQL that waits for the disk; good to a third. Bytes are those of tables just packed: a table in use takes up to twice as much."""


@dataclass(frozen=True)
class Habits:
    """A clinic's life: of each patient and year, but for `mailing`, the share of all patients that one large mailing a month goes to."""

    visits: float = 4.0
    events_of_a_visit: float = 2.2
    sends_of_a_visit: float = 1.5
    changes: float = 4.0
    sends_of_a_change: float = 0.5
    mailing: float = 0.05


HABITS: Final = Habits()
ZONES: Final[Sequence[tuple[int, float]]] = (
    (-8, 0.1),
    (-5, 0.2),
    (0, 0.15),
    (1, 0.25),
    (2, 0.15),
    (4, 0.05),
    (8, 0.1),
)
"""Hours east of UTC, and the share of clinics there."""
OPEN: Final = range(9, 20)
REMINDERS, NIGHT, MARKETING, MAILING = 18, 0, 10, 11
"""Local hours: reminders of tomorrow's visits; segments change with the date; what that brings may leave; the large mailing, spread over two hours."""
SPREAD: Final = 0.6
"""The deviation of the logarithm of a clinic's size."""


@dataclass(frozen=True)
class Load:
    """What comes in one hour, of all clinics."""

    events: float = 0.0
    changes: float = 0.0
    sends: float = 0.0

    def cores(self, costs: Costs) -> tuple[float, float]:
        """Cores of our processes, and of PostgreSQL."""
        ours = self.events * costs.event_ms + self.changes * costs.change_ms + self.sends * costs.send_ms
        theirs = (
            self.events * costs.event_pg_ms
            + self.changes * costs.change_pg_ms
            + self.sends * costs.send_pg_ms
        )
        return ours / 3_600_000 / BUSY, theirs / 3_600_000 / BUSY


def month(clinics: int, patients: int, seed: int, habits: Habits = HABITS) -> list[Load]:
    """Four weeks hour by hour, beginning on a Monday at midnight UTC."""
    die = random.Random(seed)
    zones, shares = zip(*ZONES, strict=True)
    kinds: dict[tuple[int, int], float] = {}
    for _ in range(clinics):
        size = patients * die.lognormvariate(-SPREAD * SPREAD / 2, SPREAD)
        kind = (die.choices(zones, shares)[0], die.randrange(20))
        kinds[kind] = kinds.get(kind, 0.0) + size
    events, changes, sends = [0.0] * HOURS, [0.0] * HOURS, [0.0] * HOURS
    for (zone, mailing_day), size in kinds.items():
        for hour in range(HOURS):
            day, local = divmod((hour + zone) % HOURS, 24)
            working = day % 7 < 6
            visits = size * habits.visits / (52 * 6) if working else 0.0
            if local in OPEN:
                events[hour] += visits * habits.events_of_a_visit / len(OPEN)
                sends[hour] += visits * (habits.sends_of_a_visit - 1) / len(OPEN)
            if local == REMINDERS:
                sends[hour] += visits
            changed = size * habits.changes / 364
            if local == NIGHT:
                changes[hour] += changed
            if local == MARKETING:
                sends[hour] += changed * habits.sends_of_a_change
            if day == mailing_day // 5 * 7 + mailing_day % 5 and local in (MAILING, MAILING + 1):
                sends[hour] += size * habits.mailing / 2
    return [Load(*each) for each in zip(events, changes, sends, strict=True)]


def main() -> None:
    """Print the month."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="A month on paper.")
    options.add_argument("--clinics", type=int, default=10_000)
    options.add_argument("--patients", type=int, default=20_000, help="of a clinic, on average")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    if asked.clinics < 1 or asked.patients < 1:
        options.error("give at least one clinic and one patient")
    loads = month(asked.clinics, asked.patients, asked.seed)
    table = Table("an hour of", "half of them", "one in twenty", "the worst")
    for name, values in (
        ("events a second", [one.events / 3600 for one in loads]),
        ("patients changed a second", [one.changes / 3600 for one in loads]),
        ("messages a second", [one.sends / 3600 for one in loads]),
        ("cores of workers", [one.cores(COSTS)[0] for one in loads]),
        ("cores of PostgreSQL", [one.cores(COSTS)[1] for one in loads]),
    ):
        cut = quantiles(values, n=20)
        table.add_row(name, *(f"{each:,.1f}" for each in (cut[9], cut[18], max(values))))
    console = Console()
    console.print(f"{asked.clinics:,} clinics of {asked.patients:,} patients, seed {asked.seed}")
    console.print(HABITS, COSTS, sep="\n")
    console.print(table)
    people = asked.clinics * asked.patients * COSTS.patient_bytes
    grown = sum(one.events * COSTS.event_bytes + one.sends * COSTS.send_bytes for one in loads) * 13
    worst = max(one.cores(COSTS)[1] for one in loads)
    servers = max(ceil(worst / CORES_OF_A_SERVER), ceil(2 * (people + grown) / BYTES_OF_A_SERVER))
    console.print(
        f"patients {people / 1e9:,.0f} GB; events and messages of a year {grown / 1e9:,.0f} GB; "
        f"servers of PostgreSQL ({CORES_OF_A_SERVER} cores, {BYTES_OF_A_SERVER / 1e12:.0f} TB, tables twice as large as packed): {servers}"
    )


if __name__ == "__main__":
    main()
