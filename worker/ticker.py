"""The ticker: a heartbeat that wakes what is due. It decides nothing.

APScheduler keeps the beat in memory; one leader among all tickers sweeps. A tick that comes twice, or late, does no harm: rows are taken by conditional updates.
The leader also looks into the folders that exports arrive in, and puts in force what changed in a folder of workspaces, each in a thread of its own: neither must keep what is due
from being woken.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from worker.actors import Gently, Queue
from worker.queue import pulse
from worker.queue.broker import depths
from worker.queue.leader import Leader
from worker.service.serving import Keeper
from worker.service.sweeping import Swept, sweep
from worker.service.watching import Watcher
from worker.workspace.house import House

log = structlog.get_logger(__name__)
BEAT_SECONDS = 0.5
LOOK_SECONDS = 5
KEEP_SECONDS = 2
PLENTY = 20
"""With so many event batches waiting on the queue, nothing was lost: leave the events to the workers."""
PLENTY_OF_SENDS = 100
"""With so many batches of messages waiting, only a few of each clinic are added: a blast must not lie on the queue before another clinic's one message."""


def tick(house: House, queue: Queue, *, inline: bool = False) -> Swept:
    """One sweep, queued."""
    try:
        found = depths(queue.broker)
        events, sends = found["events"].waiting, found["sends"].waiting
    except RedisError:
        events = sends = 0
    swept = sweep(house, inline=inline, skip_events=events > PLENTY, few_messages=sends > PLENTY_OF_SENDS)
    queue.put(swept.jobs)
    return swept


def run(
    house: House, queue: Queue, stop: threading.Event, exports: Path, workspaces: Path | None = None
) -> None:
    """Tick until told to stop. `exports` is the folder in which each clinic has one for what arrives; `workspaces` the one whose clinics are kept in force."""
    leader = Leader(queue.broker.client, "ticker")
    leads = threading.Event()
    watcher = Watcher(house, exports, Gently(queue, stop.is_set).put, stop.is_set)
    keep = Keeping(house, workspaces, leader.is_leader)

    def look() -> None:
        try:
            if leads.is_set():
                watcher.look()
        except DBAPIError as error:
            log.error("exports could not be looked for; trying again", error=type(error).__name__)

    def beat() -> None:
        try:
            if leader.is_leader():
                if not leads.is_set():
                    keep.leads_anew()
                    leads.set()
                swept = tick(house, queue)
                pulse.beat(queue.broker.client, swept.seconds, swept.due)
            else:
                leads.clear()
        except (DBAPIError, RedisError) as error:
            house.count("sweeps_failed")
            log.error("sweep failed; trying again at the next beat", error=type(error).__name__)

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        beat, "interval", seconds=BEAT_SECONDS, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.add_job(
        look, "interval", seconds=LOOK_SECONDS, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.add_job(
        lambda: keep(leads.is_set()),
        "interval",
        seconds=KEEP_SECONDS,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    scheduler.start()
    try:
        while not stop.is_set():
            stop.wait(0.5)
    finally:
        scheduler.shutdown()
        leader.release()


class Keeping:
    """Keeps a folder of workspaces in force while this process leads; nothing where there is no such folder."""

    def __init__(self, house: House, top: Path | None, still: Callable[[], bool]) -> None:
        self._keeper = Keeper(house, top, still) if top is not None else None
        self._anew = threading.Event()

    def leads_anew(self) -> None:
        """Another may have led meanwhile; from any thread."""
        self._anew.set()

    def __call__(self, leads: bool) -> None:
        """Look once."""
        if self._keeper is None or not leads:
            return
        try:
            if self._anew.is_set():
                self._anew.clear()
                self._keeper.forget()
            self._keeper.look()
        except (DBAPIError, OSError) as error:
            log.error("workspaces could not be looked at; trying again", error=type(error).__name__)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, heard)
    return stop
