"""A running clinic without its processes: the real store and dispatch and a provider, their time given by the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from worker.delivery.dispatch import dispatch
from worker.delivery.senders import Channels, Credentials
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.sweeping import next_due, sweep
from worker.service.waking import wake
from worker.store import due
from worker.store.engine import make_engine, write
from worker.store.migrate import upgrade
from worker.workspace.house import House

L = TypeVar("L", bound="Live")


@dataclass
class Live:
    """The real store and dispatch, their time given by the test."""

    house: House
    channels: Channels
    provider: TwilioStandin
    now: datetime
    wall: datetime
    jobs: list[Job] = field(default_factory=list)

    def set(self, now: datetime) -> None:
        with write(self.house.engine) as conn:
            due.set_demo_clock(conn, now)
        self.now = now

    def work(self) -> None:
        """Do what is due at this moment until nothing is left."""
        while True:
            self.wall += timedelta(minutes=1)  # leases of the round before are over
            swept = sweep(self.house)
            jobs = [*self.jobs, *swept.jobs]
            self.jobs = []
            if not jobs:
                return
            for job in jobs:
                self.do(job)

    def do(self, job: Job) -> None:
        if job.kind == "fold":
            self.jobs += fold(self.house, job.clinic, [int(key) for key in job.ids])
        elif job.kind == "wake":
            self.jobs += wake(self.house, job.clinic, job.ids)[1]
        else:
            for key in job.ids:
                dispatch(self.house, self.channels, job.clinic, key)

    def until(self, moment: datetime) -> None:
        """Let time pass, from one due moment to the next."""
        while (coming := next_due(self.house, self.now)) is not None and coming < moment:
            self.set(coming)
            self.work()
        self.set(moment)


@contextmanager
def running(kind: type[L], database_url: str, folder: Path, now: datetime) -> Iterator[L]:
    """One of that kind on a new database, at that moment; nothing is published yet."""
    engine = make_engine(database_url)
    upgrade(engine)
    with TwilioStandin() as provider:
        channels = Channels(Credentials(ACCOUNT_SID, AUTH_TOKEN, provider.url), folder / "outbox")
        found = kind(
            House(engine, "secret", "http://127.0.0.1:8000", demo=True), channels, provider, now, now
        )
        found.set(now)
        found.house.wall = lambda: found.wall
        yield found
        channels.close()
    engine.dispose()
