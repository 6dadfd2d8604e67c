"""Builds the house, the queue and the channels from the settings, and injects them. Nothing below knows where they come from."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import make_url

from worker.actors import Queue, declare
from worker.delivery.senders import Channels, Credentials
from worker.domain.source import Problem
from worker.queue.broker import make_broker
from worker.queue.embedded import ensure
from worker.service.publishing import publish, renamed_steps
from worker.settings import Settings
from worker.store import due, rooms
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.workspace.files import Files, read_folder
from worker.workspace.house import House
from worker.workspace.rooms import Rooms

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Parts:
    """What a process works with."""

    house: House
    queue: Queue


def open_house(settings: Settings) -> House:
    """The database, migrated, with the clock that it says."""
    engine = make_engine(settings.database_url, data_dir=settings.make_data_dir())
    upgrade(engine)
    with read(engine) as conn:
        demo = due.demo_clock(conn) is not None
    return House(engine, settings.secret_key, settings.public_url or DEFAULT_URL, demo)


def renamed_since_published(settings: Settings, rooms: Rooms, files: Files) -> list[Problem]:
    """What `check` can say only where something was published: steps that have another name than in force. Makes no database."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return []
    engine = make_engine(settings.database_url, data_dir=settings.data_dir)
    try:
        return renamed_steps(engine, rooms, files)
    finally:
        engine.dispose()


def publish_first(settings: Settings, house: House) -> None:
    """Put the workspace in force where nothing ever was. Raises NoWorkspace, BrokenRooms."""
    with read(house.engine) as conn:
        if rooms.clinic_ids(conn):
            return
    publish(house, read_folder(settings.workspace))


@contextmanager
def open_queue(settings: Settings) -> Iterator[Queue]:
    """The queue: the one that is named, else the embedded one of this data directory, started here if nobody runs it."""
    if settings.redis_url is not None:
        yield Queue(make_broker(settings.redis_url))
        return
    handle = ensure(settings.make_data_dir())
    try:
        yield Queue(make_broker(handle.url))
    finally:
        handle.stop()


def open_channels(settings: Settings) -> Channels:
    """The channels with what the environment gives for them."""
    found = Credentials(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_base_url,
        settings.sendgrid_api_key,
        settings.sendgrid_base_url,
    )
    return Channels(found, settings.data_dir / "outbox")


@contextmanager
def open_worker(settings: Settings) -> Iterator[Parts]:
    """A house and a queue whose jobs this process can do."""
    house = open_house(settings)
    channels = open_channels(settings)
    with open_queue(settings) as queue:
        declare(queue, house, channels)
        try:
            yield Parts(house, queue)
        finally:
            channels.close()
            house.engine.dispose()


def set_up_logging(*, quiet: bool = False) -> None:
    """One line an event on stderr: readable on a terminal, JSON elsewhere. What is logged are ids and counts, never a patient's data.

    `quiet`, or REVISIT_LOG=warning for a child of the demo, leaves out what is no warning.
    """
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_words, renderer],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if quiet or os.environ.get("REVISIT_LOG") == "warning" else logging.INFO)
    for noisy in ("apscheduler", "dramatiq", "alembic", "urllib3", "twilio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _without_words(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An exception's text may quote a patient's data; its kind and the way that it took do not."""
    found = event.pop("exc_info", None)
    found = sys.exc_info() if found is True else found
    if isinstance(found, tuple) and found[0] is not None:
        event["error"] = found[0].__name__
        event["where"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(found[2])[-5:]
        ]
    return event
