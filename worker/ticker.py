"""The ticker: a heartbeat that wakes what is due. It decides nothing.

APScheduler keeps the beat in memory; one leader among all tickers sweeps. A tick that comes twice, or late, does no harm: rows are taken by conditional updates.
The leader also looks into the folders that exports arrive in, in a thread of its own: a long import must not keep what is due from being woken.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from worker.actors import Queue
from worker.queue import pulse
from worker.queue.broker import depths
from worker.queue.leader import Leader
from worker.service.sweeping import Swept, sweep
from worker.service.watching import Watcher
from worker.workspace.house import House

log = structlog.get_logger(__name__)
BEAT_SECONDS = 0.5
LOOK_SECONDS = 5
PLENTY = 20
"""With so many event batches waiting on the queue, nothing was lost: leave the events to the workers."""


def tick(house: House, queue: Queue, *, inline: bool = False) -> Swept:
    """One sweep, queued."""
    try:
        backlog = depths(queue.broker)["events"].waiting
    except RedisError:
        backlog = 0
    swept = sweep(house, inline=inline, skip_events=backlog > PLENTY)
    queue.put(swept.jobs)
    return swept


def run(house: House, queue: Queue, stop: threading.Event, exports: Path) -> None:
    """Tick until told to stop. `exports` is the folder in which each clinic has one for what arrives."""
    leader = Leader(queue.broker.client, "ticker")
    leads = threading.Event()
    watcher = Watcher(house, exports, queue.put, stop.is_set)

    def look() -> None:
        try:
            if leads.is_set():
                watcher.look()
        except DBAPIError as error:
            log.error("exports could not be looked for; trying again", error=type(error).__name__)

    def beat() -> None:
        try:
            if leader.is_leader():
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
    scheduler.start()
    try:
        while not stop.is_set():
            stop.wait(0.5)
    finally:
        scheduler.shutdown()
        leader.release()


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, heard)
    return stop
