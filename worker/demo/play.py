"""Living through the last weeks: the clock jumps between the moments at which something happens, and the real system does the rest.

Between two jumps everything that is due is done: API → queue → actors → planner → store → dispatch → console channel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import urllib3

from worker.actors import Queue
from worker.demo.book import Told
from worker.intake.lines import Line
from worker.service.ingesting import Ingest
from worker.service.sweeping import close_imports, left_to_do, next_due
from worker.store import due
from worker.store.engine import write
from worker.ticker import tick
from worker.workspace.house import House

CHUNK = 500
STEP = timedelta(hours=3)
BEAT = timedelta(minutes=30)
LOOKS_PER_BEAT = 4
PATIENCE = 120.0
"""Seconds of real time without an end of work before the demo says that something is wrong."""


class Stuck(Exception):
    """The system did not finish what was due."""


@dataclass(frozen=True, slots=True)
class Api:
    """The running system's door."""

    pool: urllib3.PoolManager
    url: str
    token: str

    def post(self, events: Sequence[dict[str, object]]) -> None:
        """Post a batch; raises Stuck where it is not accepted whole."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        answer = self.pool.request(
            "POST", f"{self.url}/events", body=json.dumps(events).encode(), headers=headers
        )
        if answer.status != 202 or answer.json()["rejected"]:
            raise Stuck(f"the API answered {answer.status}: {answer.data[:300].decode(errors='replace')}")

    def await_ready(self) -> None:
        """Wait until the system is up."""
        _await(self._ready, "the system did not start")

    def _ready(self) -> bool:
        try:
            return self.pool.request("GET", f"{self.url}/readyz", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def set_clock(house: House, now: datetime) -> None:
    """Every process reads it."""
    with write(house.engine) as conn:
        due.set_demo_clock(conn, now)


def load_history(
    house: House, queue: Queue, history: Sequence[Told], progress: Callable[[int], None]
) -> None:
    """Import what lies before the last weeks; it changes facts and writes to nobody."""
    # Patient by patient, as an export comes: the order does not matter to the facts, and each patient is looked at once.
    history = sorted(history, key=lambda told: (told.event["subject"], told.at))
    with Ingest(house, "the sample clinic's book") as taking:
        for start in range(0, len(history), CHUNK):
            chunk = history[start : start + CHUNK]
            lines = [
                Line(start + n + 1, {**told.event, "data": {**told.event["data"], "historical": True}})
                for n, told in enumerate(chunk)
            ]
            queue.put(taking.take(lines).jobs)
            progress(len(chunk))
    settle(house, queue)
    close_imports(house)


def live(
    house: House, queue: Queue, api: Api, events: Sequence[Told], start: datetime, end: datetime
) -> Iterator[datetime]:
    """Let time pass from `start` to `end`; gives the clock after each jump."""
    clock, index = start, 0
    while True:
        limit = min(next_due(house, clock) or end, clock + STEP, end)
        batch = index
        while batch < len(events) and events[batch].at <= limit:
            batch += 1
        if batch > index:
            # All that happened before the next moment at which time itself does something, told in one go.
            clock = max(clock, events[batch - 1].at)
            set_clock(house, clock)
            api.post([told.event for told in events[index:batch]])
            index = batch
        elif limit >= end:
            break
        else:
            told_at = events[index].at if index < len(events) else end
            due_at = next_due(house, clock) or end
            clock = min(told_at, end) if told_at <= due_at else min(_beat_after(due_at), told_at, end)
            set_clock(house, clock)
        settle(house, queue)
        yield clock
    set_clock(house, end)
    settle(house, queue)
    yield end


def _beat_after(moment: datetime) -> datetime:
    """The beat of the demo's clock at or after a moment: what falls due between two beats is done at the second."""
    over = moment.timestamp() % BEAT.total_seconds()
    return moment + timedelta(seconds=BEAT.total_seconds() - over) if over else moment


def settle(house: House, queue: Queue) -> None:
    """Beat until nothing is due at this moment of the clock."""

    looks = 0

    def quiet() -> bool:
        nonlocal looks
        if left_to_do(house) == 0:
            return True
        if looks % LOOKS_PER_BEAT == 0:
            tick(house, queue)
        looks += 1
        return False

    _await(quiet, "what was due was not done")


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline, pause = time.monotonic() + PATIENCE, 0.005
    while not condition():
        if time.monotonic() > deadline:
            raise Stuck(f"{what} within {PATIENCE:.0f} seconds")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
