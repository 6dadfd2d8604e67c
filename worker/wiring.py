"""Builds the house, the queue and the channels from the settings, and injects them. Nothing below knows where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import make_url

from worker.actors import Queue, declare
from worker.delivery.counted import CountedChannels
from worker.delivery.senders import Channels, Credentials, is_loopback
from worker.domain.source import Problem
from worker.queue.broker import make_broker
from worker.queue.embedded import ensure
from worker.queue.places import Places
from worker.queue.tally import Tally
from worker.queue.watched import Watched
from worker.service.publishing import publish, renamed_steps
from worker.service.secret_key import same_key
from worker.service.serving import Keeper, Served
from worker.settings import Settings, SettingsError
from worker.store import due, rooms
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.workspace.files import Files, read_folder
from worker.workspace.house import House, uncounted
from worker.workspace.rooms import Rooms

if TYPE_CHECKING:
    from worker.web.hooks import ProviderKeys

log = structlog.get_logger(__name__)
DEFAULT_URL = "http://127.0.0.1:8000"
OTHER_KEY = (
    "REVISIT_SECRET_KEY is not the key that this database was used with before (where the variable is not set, the key is in {where}). With another key the "
    "{suppressions} suppressed addresses would not be recognised, and their owners be written to again; {tokens} tokens and the links of {messages} messages would not work. Nothing was "
    "started. Put the key of before back, from your backup; where it is lost for good: revisit accept-secret-key"
)


@dataclass(frozen=True)
class Parts:
    """What a process works with."""

    house: House
    queue: Queue


def open_house(settings: Settings) -> House:
    """The database, migrated, with the clock that it says. Raises SettingsError where it was used with another secret key before."""
    house = open_unchecked(settings)
    lost = same_key(house)
    if lost is not None:
        house.engine.dispose()
        raise SettingsError(OTHER_KEY.format(where=settings.data_dir / "secret_key", **lost._asdict()))
    return house


def open_unchecked(settings: Settings) -> House:
    """The same, whatever the secret key: for the command that accepts another one."""
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
    """Put the workspace in force where nothing ever was. Raises NoWorkspace, BrokenRooms; of many, SettingsError where none can be put in force."""
    with read(house.engine) as conn:
        if rooms.clinic_ids(conn):
            return
    if settings.workspaces is not None:
        if all(one.version is None for one in serve_all(settings.workspaces, house)):
            raise SettingsError(
                f"none of the workspaces in {settings.workspaces} could be put in force; revisit check --workspace DIR tells why"
            )
        return
    publish(house, read_folder(settings.workspace))


def serve_all(top: Path, house: House) -> list[Served]:
    """Put every workspace of a folder in force; those that are broken are told in what comes back. Raises SettingsError where there is none."""
    served = Keeper(house, top).look()
    if not served:
        raise SettingsError(
            f"--workspaces: no folder in {top} holds a config/clinic.yaml; lay one out with: revisit init {top}/NAME"
        )
    return served


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


def open_channels(settings: Settings, queue: Queue, count: Callable[..., None] = uncounted) -> Channels:
    """The channels with what the environment gives for them; the queue's server shares out the places under their rates. `count` is told of every call."""
    found = Credentials(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_base_url,
        settings.sendgrid_api_key,
        settings.sendgrid_base_url,
        settings.provider_secrets,
    )
    return CountedChannels(found, settings.data_dir / "outbox", Places(queue.broker.client), count)


def provider_keys(settings: Settings) -> ProviderKeys:
    """What the calls of providers are checked with."""
    from worker.web.hooks import ProviderKeys

    return ProviderKeys(
        settings.twilio_auth_token,
        settings.sendgrid_webhook_public_key,
        settings.source_secrets,
        settings.provider_secrets,
    )


@contextmanager
def open_worker(settings: Settings) -> Iterator[Parts]:
    """A house and a queue whose jobs this process can do."""
    house = open_house(settings)
    if is_loopback(house.public_url):
        log.info(
            "links in messages lead to this machine only; marketing is let through. Set REVISIT_PUBLIC_URL to an https address before patients are written to"
        )
    with open_queue(settings) as queue:
        tally = house.count = Tally(queue.broker.client)
        channels = open_channels(settings, queue, tally)
        queue.broker.add_middleware(Watched(tally))
        declare(queue, house, channels)
        try:
            yield Parts(house, queue)
        finally:
            channels.close()
            tally.close()
            house.engine.dispose()
