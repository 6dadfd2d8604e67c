"""Memory of `revisit run`: idle, and what a day of work adds.

The unit is PSS, a process' own pages and its share of those that several hold, summed over `revisit run` and everything that it started; so it is measured on Linux
only. The day is the events of 24 hours, posted one hour after the other
as fast as they are folded: it shows what work leaves behind, not what a day of waiting does. Memory is looked at after the first two hours' and after the last.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from benchmarks import Measure, benchmark
from worker.store.engine import make_engine, read
from worker.store.schema import events

HOURS: Final = 24
AN_HOUR: Final = int(os.environ.get("REVISIT_BENCH_EVENTS_AN_HOUR", "400"))
SETTLES: Final = 10.0
"""Seconds of rest before it is looked at."""
TOKEN: Final = "benchmark-token-of-some-length"


@dataclass(frozen=True)
class _Memory:
    idle: float
    first: float
    last: float


@cache
def _memory() -> _Memory:
    with tempfile.TemporaryDirectory() as folder, _running(Path(folder)) as (pid, url, database):
        time.sleep(SETTLES)
        idle = _megabytes(pid)
        looks = []
        for hour in range(HOURS):
            told = [_event(hour, number) for number in range(AN_HOUR)]
            _post(url, told)
            _await(database, (hour + 1) * AN_HOUR)
            if hour in (1, HOURS - 1):
                time.sleep(SETTLES)
                looks.append(_megabytes(pid))
    return _Memory(idle, *looks)


@contextmanager
def _running(folder: Path) -> Iterator[tuple[int, str, str]]:
    """`revisit run` over new rooms: its process id, its address, its database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = f"sqlite:///{folder / 'revisit.db'}"
    ours = {
        "REVISIT_DATA_DIR": str(folder / "data"), "REVISIT_DATABASE_URL": database, "REVISIT_API_TOKEN": TOKEN,
        "REVISIT_SECRET_KEY": "benchmark" * 5,
    }  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith("REVISIT_")} | ours
    base = [sys.executable, "-m", "worker"]
    rooms = str(folder / "rooms")
    subprocess.run([*base, "init", rooms], env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    argv = [*base, "run", "--workspace", rooms, "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, env=env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(url), 60)
        yield process.pid, url, database
    finally:
        process.terminate()
        process.wait(40)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _until(asked: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not asked():
        if time.monotonic() > deadline:
            raise RuntimeError("`revisit run` did not come so far in time")
        time.sleep(0.1)


def _post(url: str, told: list[dict[str, Any]]) -> None:
    headers = {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {TOKEN}"}
    for start in range(0, len(told), 100):
        body = json.dumps(told[start : start + 100]).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/events", body, headers), timeout=60
        ) as answer:
            if json.load(answer).get("rejected"):
                raise RuntimeError("the corpus is broken")


def _await(database: str, folded: int) -> None:
    engine = make_engine(database)

    def all_done() -> bool:
        with read(engine) as conn:
            count = select(func.count()).where(events.c.state == "done")
            return bool(conn.execute(count).scalar_one() >= folded)

    _until(all_done, 120)
    engine.dispose()


def _event(hour: int, number: int) -> dict[str, Any]:
    """The same patients come hour after hour, so that what is kept of them is bounded."""
    at = datetime.now(UTC) - timedelta(hours=HOURS - hour, seconds=number)
    data = {
        "appointment_id": f"a-{number}", "starts_at": (at + timedelta(days=30)).isoformat(), "services": [{"code": "HYD"}],
        "version": hour + 1,
    }  # fmt: skip
    kind = "booking.created" if hour == 0 else "booking.rescheduled"
    return {
        "specversion": "1.0", "id": f"e-{hour}-{number}", "source": "/bench", "type": kind, "subject": f"p-{number}", "time": at.isoformat(),
        "data": data,
    }  # fmt: skip


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _tree(int(child))
    return found


def _megabytes(pid: int) -> float:
    total = 0
    for one in _tree(pid):
        lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@benchmark("idle_memory_mb")
def idle_memory_mb() -> Measure:
    """PSS of `revisit run` and all that it started, at rest."""
    found = _memory()
    return Measure(
        round(found.idle, 1), "MB", "queue, web, worker, ticker and their supervisor; at most 350 wanted"
    )


@benchmark("memory_growth")
def memory_growth() -> Measure:
    """The same after 24 hours' events ÷ after the first two hours'."""
    found = _memory()
    return Measure(
        round(found.last / found.first, 3),
        "ratio",
        f"{found.first:.0f} MB after two hours' events, {found.last:.0f} MB after {HOURS}; {AN_HOUR} events an hour; at most 1.05 wanted",
    )
