"""Memory of `revisit run`: idle, and what a day of work adds.

The unit is PSS, a process' own pages and its share of those that several hold, summed over `revisit run` and everything that it started; so it is measured on Linux
only. The day passes on the clock of the database, which every process reads: hour after hour its events are posted, their steps fall due, their messages leave, and all is done before the
next hour comes. It shows what a day's work leaves behind, not what a day of waiting does. Memory is looked at after the first two hours and after the last.
"""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, func, select

from benchmarks import Measure, benchmark, size
from benchmarks.provider import Provider, provider
from benchmarks.running import TOKEN, Running, running, until
from benchmarks.sends import ACCOUNT, PURPOSES, ROOMS
from benchmarks.sends import TOKEN as PROVIDER_TOKEN
from worker.store import due
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.store.schema import messages

HOURS: Final = 24
AN_HOUR: Final = size("REVISIT_BENCH_EVENTS_AN_HOUR", 400)
SETTLES: Final = 10.0
"""Seconds of rest before it is looked at."""
BEGINS: Final = datetime(2026, 5, 12, 0, tzinfo=UTC)
JOURNEY: Final = "journey: thanks\npurpose: care\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\nsteps:\n  - {id: thanks, wait: 20 minutes, send: sms, template: thanks}\n"
FILES: Final = {
    **{name: text for name, text in ROOMS.items() if ".email." not in name},
    "config/policy.yaml": "quiet_hours: {care: 23:30 - 23:31}\nfeed: {max_age: 36 hours, live_window: 7 days}\n",
    "journeys/thanks.yaml": JOURNEY,
}


@dataclass(frozen=True)
class _Memory:
    idle: float
    first: float
    last: float
    sent: int


@cache
def _idle() -> float:
    """Over the shipped rooms, as a clinic has them on its first day."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as house:
        time.sleep(SETTLES)
        return house.megabytes()


@cache
def _day() -> _Memory:
    with tempfile.TemporaryDirectory() as name, provider() as found:
        folder = Path(name)
        engine = make_engine(f"sqlite:///{folder / 'revisit.db'}")
        upgrade(engine)
        _set_clock(engine, BEGINS)
        with running(
            folder, FILES, TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=PROVIDER_TOKEN, TWILIO_BASE_URL=found.url,
            REVISIT_PUBLIC_URL="https://clinic.example.com",
        ) as house:  # fmt: skip
            looks = [house.megabytes()]
            for hour in range(HOURS):
                _hour(house, engine, hour)
                if hour in (1, HOURS - 1):
                    time.sleep(SETTLES)
                    looks.append(house.megabytes())
            _all_sent(engine, found)
        engine.dispose()
        idle, first, last = looks
        return _Memory(idle, first, last, found.accepted)


def _hour(house: Running, engine: Engine, hour: int) -> None:
    """Its visits are told, then the hour passes."""
    _post(house.url, [_event(hour, number) for number in range(AN_HOUR)])
    _settled(engine)
    for minutes in (30, 60):
        _set_clock(engine, BEGINS + timedelta(hours=hour, minutes=minutes))
        _settled(engine)


def _set_clock(engine: Engine, at: datetime) -> None:
    with write(engine) as conn:
        due.set_demo_clock(conn, at)


def _settled(engine: Engine) -> None:
    """Wait until nothing is due at this moment."""

    def done() -> bool:
        with read(engine) as conn:
            now = due.demo_clock(conn)
            return now is not None and not due.count_due(conn, now)

    until(done, 300)


def _all_sent(engine: Engine, found: Provider) -> None:
    with read(engine) as conn:
        sent = conn.execute(select(func.count()).where(messages.c.state == "sent")).scalar_one()
    if sent != found.accepted or sent < HOURS * AN_HOUR * 9 // 10:
        raise RuntimeError(f"{sent} messages are sent, {found.accepted} have arrived: no day of work")


def _post(url: str, told: list[dict[str, Any]]) -> None:
    headers = {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {TOKEN}"}
    for start in range(0, len(told), 100):
        body = json.dumps(told[start : start + 100]).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/events", body, headers), timeout=60
        ) as answer:
            if json.load(answer).get("rejected"):
                raise RuntimeError("the corpus is broken")


def _event(hour: int, number: int) -> dict[str, Any]:
    """The same patients come hour after hour, so that what is kept of each is what grows, and not their number."""
    at = (BEGINS + timedelta(hours=hour, seconds=-number)).isoformat()
    return {
        "specversion": "1.0", "id": f"e-{hour}-{number}", "source": "/bench", "type": "visit.completed", "subject": f"p-{number}", "time": at,
        "data": {
            "appointment_id": f"a-{hour}-{number}", "starts_at": at, "services": [{"code": "HYD", "family": "facial"}],
            "patient": {"first_name": "Ada", "phone": f"+3069{number:08d}", "consent": {"sms": PURPOSES}},
        },
    }  # fmt: skip


@benchmark("idle_memory_mb")
def idle_memory_mb() -> Measure:
    """PSS of `revisit run` and all that it started, at rest."""
    return Measure(
        round(_idle(), 1), "MB", "queue, web, worker, ticker and their supervisor; at most 350 wanted"
    )


@benchmark("memory_growth")
def memory_growth() -> Measure:
    """The same after a day ÷ after its first two hours."""
    found = _day()
    return Measure(
        round(found.last / found.first, 3),
        "ratio",
        f"{found.first:.0f} MB after two hours, {found.last:.0f} MB after {HOURS} (idle {found.idle:.0f}); {AN_HOUR} visits an hour, {found.sent:,} SMS; at most 1.05 wanted",
    )
