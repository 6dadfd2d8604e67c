"""The lifecycle of 23,570 real customers: `revisit replay` against `lifecycle_oracle`, line by line.

The two lines of one move (left, entered) may come in either order; all else about the order is checked.
"""

from __future__ import annotations

import csv
import functools
import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests import commands
from tests.acceptance.lifecycle_oracle import (
    Move,
    Visit,
    days_that_matter,
    every_day,
    moves,
)
from tests.lifecycle import LIFECYCLE

PURCHASES = Path(__file__).parent.parent / "data" / "cdnow" / "purchases.csv.gz"
REVISIT = Path(sys.executable).with_name("revisit")
ATHENS, AUCKLAND, LOS_ANGELES = "Europe/Athens", "Pacific/Auckland", "America/Los_Angeles"
STAGES = {"prospect", "new", "regular", "returning", "inactive_6", "inactive_12"}
# Eleven is prime, so no customer keeps meeting the same time. 02:30 and 03:30 fall into the clock changes.
TIMES_OF_DAY = [
    *(time(12), time(0), time(23, 59), time(9, 15), time(2, 30), time(18, 45)),
    *(time(0, 30), time(23, 30), time(3, 30), time(13), time(23, 59, 59)),
]


# ---- the data, as events and as the oracle's visits ------------------------------------------------------


class Purchase(NamedTuple):
    row: int
    patient: str
    day: date
    minor: int
    local: datetime


@functools.cache
def purchases(zone_name: str) -> list[Purchase]:
    """All rows in order of instants, each at the time of day that its position gives it in that zone."""
    zone, found = ZoneInfo(zone_name), []
    with gzip.open(PURCHASES, "rt", encoding="ascii", newline="") as file:
        for row, record in enumerate(csv.DictReader(file), start=1):
            day = date.fromisoformat(record["date"])
            wall = datetime.combine(day, TIMES_OF_DAY[row % len(TIMES_OF_DAY)], zone)
            # By way of UTC: a time that the clock change skips becomes one that exists.
            local = wall.astimezone(UTC).astimezone(zone)
            minor = int(record["dollars"].replace(".", ""))
            found.append(Purchase(row, record["customer_id"], day, minor, local))
    return sorted(found, key=lambda one: (one.local.astimezone(UTC), one.row))


def event(one: Purchase) -> dict[str, Any]:
    """A `visit.completed`; `time` in UTC on even rows, with the clinic's offset on odd ones."""
    at = one.local if one.row % 2 else one.local.astimezone(UTC)
    return {
        "specversion": "1.0",
        "id": f"e-{one.row}",
        "source": "/cdnow",
        "type": "visit.completed",
        "subject": one.patient,
        "time": at.isoformat().replace("+00:00", "Z"),
        "data": {
            "appointment_id": f"a-{one.row}",
            "starts_at": one.local.isoformat(),
            "services": [{"code": "CD"}],
            "net": {"minor": one.minor, "currency": "USD"},
        },
    }


def expected(rows: Iterable[Purchase], zone_name: str, last_day: date) -> Counter[Move]:
    """What the oracle says of these rows, through the end of `last_day`."""
    zone, visits = ZoneInfo(zone_name), defaultdict(list)
    for one in rows:
        if one.day <= last_day:
            visits[one.patient].append(Visit(one.local.astimezone(UTC), one.day))
    return Counter(
        move
        for patient, his in visits.items()
        for move in moves(patient, his, zone, days_that_matter(his, last_day))
    )


# ---- the program -----------------------------------------------------------------------------------------


def lay_out(folder: Path, zone_name: str) -> Path:
    """A workspace with the least that the contract names, no rules of policy and no journeys."""
    files = {
        "clinic": f"""
id: default
name: Record Shop
timezone: {zone_name}
country: US
language: en
languages: [en]
mode: live
currency: USD
phone: "+12025550100"
address: 1 Sample Street, Springfield
booking_url: https://example.com/book
opening_hours: {{mon-fri: 10:00 - 20:00, sat: 10:00 - 15:00, closed: [2026-12-25]}}
""",
        "services": """
services:
  CD: {name: Compact disc, family: records, area: none, counts_as_treatment: true}
families:
  records: {complements: []}
""",
        "segments": f"{LIFECYCLE}segments: {{}}\n",
        "policy": "{}\n",
        "channels": """
sms: {provider: console, from: "+15005550006", rate: 10 per second, two_way: true}
email: {provider: console, from: hello@example.com, rate: 50 per second}
""",
        "offers": "{}\n",
    }
    for name in ("config", "journeys", "templates"):
        (folder / name).mkdir(parents=True)
    for name, text in files.items():
        (folder / "config" / f"{name}.yaml").write_text(text.lstrip(), encoding="utf-8")
    return folder


def write(folder: Path, events: Iterable[dict[str, Any]], repeat: int = 1) -> Path:
    path = folder / "events.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for one in events:
            file.write((json.dumps(one) + "\n") * repeat)
    return path


def command(events: Path, folder: Path, *options: str) -> list[str]:
    assert REVISIT.exists(), f"{REVISIT} is missing: install the project into this environment"
    return [
        str(REVISIT),
        "replay",
        str(events),
        "--emit",
        "transitions",
        *options,
        "--workspace",
        str(folder),
    ]


def environment() -> dict[str, str]:
    """Ours without the program's own settings, on a machine whose own zone is none of the clinics'."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("REVISIT_", "TWILIO_", "SENDGRID_"))
    }
    return {**kept, "TZ": "Pacific/Honolulu", "COLUMNS": "400"}


def replay(events: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """In the process of the tests, which a few hundred lines want."""
    _, *words = command(events, folder, *options)
    return commands.said(*words, env=environment(), cwd=folder)


def replay_alone(events: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, on a machine in another zone."""
    return subprocess.run(
        command(events, folder, *options),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def parsed(stdout: str) -> list[Move]:
    """The lines, in the order of the output, checked for the keys and values of the contract."""
    found = []
    for number, text in enumerate(stdout.splitlines(), start=1):
        line = json.loads(text)
        assert set(line) == {"at", "patient", "segment", "change", "cause"}, (
            f"line {number} of the output: {text}"
        )
        at = datetime.fromisoformat(line.pop("at"))
        assert at.utcoffset() is not None, f"line {number} of the output: `at` without offset: {text}"
        assert line["segment"] in STAGES, f"line {number} of the output: not a lifecycle stage: {text}"
        found.append(Move(at=at.astimezone(UTC), **line))
    return found


def difference(wanted: Counter[Move], got: Counter[Move]) -> str:
    """`missing 0 extra 0`, or the counts and the first lines of each, whose patients are to be looked at."""
    missing, extra = sorted((wanted - got).elements()), sorted((got - wanted).elements())

    def shown(label: str, found: list[Move]) -> list[str]:
        return [
            f"  {label} {one.at.isoformat()} patient {one.patient}: {one.change} {one.segment}, {one.cause}"
            for one in found[:10]
        ]

    return "\n".join(
        [f"missing {len(missing)} extra {len(extra)}", *shown("missing", missing), *shown("extra", extra)]
    )


def out_of_order(lines: Sequence[Move]) -> list[str]:
    """Neighbours that break "by `at`, then patient", or an event before the midnight it coincides with."""
    keys = [(one.at, one.patient, one.cause == "event") for one in lines]
    return [
        f"output line {n + 1}: {lines[n]} after {lines[n - 1]}"
        for n in range(1, len(keys))
        if keys[n] < keys[n - 1]
    ]


def agree(result: subprocess.CompletedProcess[str], wanted: Counter[Move]) -> None:
    assert result.returncode == 0, f"exit code {result.returncode}: {result.stderr[-2000:]}"
    lines = parsed(result.stdout)
    report = difference(wanted, Counter(lines))
    assert report == "missing 0 extra 0", report
    misplaced = out_of_order(lines)
    assert not misplaced, "\n".join([f"{len(misplaced)} lines out of order", *misplaced[:5]])


# ---- the data is worth the trouble -----------------------------------------------------------------------


def test_the_days_that_matter_find_what_every_day_finds() -> None:
    zone, last_day, visits = ZoneInfo(AUCKLAND), date(1999, 12, 31), defaultdict(list)
    for one in purchases(AUCKLAND):
        if int(one.patient) % 60 == 0:
            visits[one.patient].append(Visit(one.local.astimezone(UTC), one.day))
    assert len(visits) == 392
    for patient, his in visits.items():
        assert moves(patient, his, zone, days_that_matter(his, last_day)) == moves(
            patient, his, zone, every_day(his, last_day)
        )


def test_the_data_holds_every_kind_of_move() -> None:
    rows = purchases(LOS_ANGELES)
    assert (len(rows), len({one.patient for one in rows}), max(one.day for one in rows)) == (
        69_659,
        23_570,
        date(1998, 6, 30),
    )
    kinds = Counter(
        (one.segment, one.change, one.cause) for one in expected(rows, LOS_ANGELES, date(1999, 12, 31))
    )
    assert kinds["new", "entered", "event"] == 23_570
    assert kinds["inactive_12", "entered", "time"] - kinds["inactive_12", "left", "event"] == 23_570
    assert kinds["returning", "entered", "time"] > 0 and kinds["returning", "entered", "event"] > 0
    assert kinds["inactive_6", "left", "event"] > 0 and kinds["inactive_6", "left", "time"] > 0
    assert not any(segment == "prospect" for segment, _, _ in kinds)


# ---- the program agrees ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone_name", "every"), [(ATHENS, 1), (LOS_ANGELES, 5), (AUCKLAND, 10)])
def test_replay_finds_every_lifecycle_transition_of_cdnow_and_no_other(
    tmp_path: Path, zone_name: str, every: int
) -> None:
    """All customers in a zone east of UTC; every fifth in one west of it, and every tenth in one that is a day ahead."""
    folder = lay_out(tmp_path / "clinic", zone_name)
    rows = [one for one in purchases(zone_name) if int(one.patient) % every == 0]
    result = replay_alone(write(folder, map(event, rows)), folder, "--until", "1999-12-31")
    agree(result, expected(rows, zone_name, date(1999, 12, 31)))


@pytest.mark.parametrize(
    ("options", "last_day"),
    [
        (["--until", "1998-01-01"], date(1998, 1, 1)),
        (["--until", "1998-12-30"], date(1998, 12, 30)),
        ([], date(1998, 6, 30)),
    ],
    ids=["within the events", "after them", "by default the last event"],
)
def test_until_takes_in_the_whole_of_its_local_day(
    tmp_path: Path, options: list[str], last_day: date
) -> None:
    folder = lay_out(tmp_path / "clinic", AUCKLAND)
    rows = [one for one in purchases(AUCKLAND) if int(one.patient) % 20 == 0]
    assert rows[-1].day == date(1998, 6, 30)
    wanted = expected(rows, AUCKLAND, last_day)
    assert any(one.at.astimezone(ZoneInfo(AUCKLAND)).date() == last_day for one in wanted)
    agree(replay(write(folder, map(event, rows)), folder, *options), wanted)


def names_line(stderr: str, number: int) -> bool:
    return re.search(rf"(?i)(?:\bline\W{{1,3}}|\.jsonl\W{{1,3}}){number}(?!\d)", stderr) is not None


def test_input_that_is_not_sorted_by_time_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "clinic", ATHENS)
    events = [event(one) for one in purchases(ATHENS)[:300]]
    events.insert(136, events.pop(10))
    result = replay(write(folder, events), folder)
    assert result.returncode == 2
    assert names_line(result.stderr, 137), result.stderr
    assert "Traceback" not in result.stderr


def test_the_order_of_input_is_that_of_instants_not_of_their_spelling(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "clinic", ATHENS)
    first, second = (event(one) for one in purchases(ATHENS)[:2])
    first["time"], second["time"] = "1997-01-01T12:30:00Z", "1997-01-01T14:00:00+02:00"
    result = replay(write(folder, [first, second]), folder)
    assert result.returncode == 2
    assert names_line(result.stderr, 2), result.stderr
    assert replay(write(folder, [second, first]), folder).returncode == 0


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "clinic", ATHENS)
    path = write(folder, map(event, purchases(ATHENS)[:300]))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[136] = '{"specversion": "1.0", "id":\n'
    path.write_text("".join(lines), encoding="utf-8")
    result = replay(path, folder)
    assert result.returncode in (1, 2)
    assert names_line(result.stderr, 137), result.stderr
    assert "Traceback" not in result.stderr


# A process inherits the peak of the one that started it, and a test run is large: so a small one starts it.
MEASURE = """
import os, subprocess, sys
with open(sys.argv[1], "wb") as out:
    child = subprocess.Popen(sys.argv[2:], stdout=out)
    _, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_maxrss)
"""


def peak_megabytes(events: Path, folder: Path, out: Path) -> float:
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, str(out), *command(events, folder)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    code, peak = map(int, result.stdout.split())
    assert code == 0, result.stderr[-2000:]
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def test_memory_is_held_for_ledgers_not_for_the_lines_read(tmp_path: Path) -> None:
    folder, once, often = lay_out(tmp_path / "clinic", ATHENS), tmp_path / "once", tmp_path / "often"
    events = [event(one) for one in purchases(ATHENS)[:1_200]]
    for one in events:
        # Nothing that a ledger keeps, so all of it may be forgotten.
        one["data"]["note"] = one["id"].ljust(2_500, ".")
        one["data"]["patient"] = {
            "first_name": "Eleni",
            "last_name": "P.",
            "language": "el",
            "tags": [],
            "phone": "+306900000000",
            "email": "eleni@example.com",
            "consent": {"sms": ["marketing", "care"], "email": ["marketing", "care"]},
        }
    low = peak_megabytes(write(folder, events), folder, once)
    path = write(folder, events, repeat=8)
    high = peak_megabytes(path, folder, often)
    # Even the bare text of the extra lines would not fit under the limit.
    assert path.stat().st_size * 7 / 8 > 18 * 1024 * 1024
    assert once.stat().st_size > 0
    assert often.read_bytes() == once.read_bytes()
    assert high - low < 12, f"1,200 events: {low:.0f} MB; the same posted eight times: {high:.0f} MB"
