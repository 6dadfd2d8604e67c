"""Our public address, asked as a patient's browser would: until it answers over https, no live marketing leaves (`worker/domain/gate/mode.py`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Connection

from channels.http import Http, NoAnswer, NotSent
from worker.delivery.senders import is_loopback
from worker.service.jobs import Job
from worker.store import doors
from worker.store import rooms as stored_rooms
from worker.store.engine import write
from worker.workspace.house import House

log = structlog.get_logger(__name__)
EVERY: Final = timedelta(minutes=10)
WHILE_CLOSED: Final = timedelta(minutes=1)
SECONDS: Final = 5.0
PATH: Final = "/healthz"


def to_probe(conn: Connection, house: House) -> list[Job]:
    """Jobs for the clinics whose door has not been asked for a while; none where there is nothing to ask."""
    if not _askable(house.public_url):
        return []
    return [
        Job("probe", clinic, ()) for clinic in stored_rooms.clinic_ids(conn) if _is_time(conn, house, clinic)
    ]


def probe(house: House, clinic: str) -> str:
    """Ask once, and keep what was found; returns what is wrong, "" for nothing. Asks nothing where somebody has just asked."""
    url = house.public_url
    with write(house.engine) as conn:
        known = doors.door_of(conn, clinic)
        if not _askable(url) or not _is_time(conn, house, clinic):
            return known.why if known is not None else ""
        answered = known.answered_at if known is not None and known.url == url else None
        doors.keep(
            conn, clinic, doors.Door(url, house.wall(), answered, known.why if known is not None else "")
        )
    why = ask(url)
    at = house.wall()
    with write(house.engine) as conn:
        doors.keep(conn, clinic, doors.Door(url, at, answered if why else at, why))
    if why:
        log.warning("public address does not answer", clinic=clinic, reason=why)
    return why


def ask(url: str) -> str:
    """What keeps a browser from opening this address, in words; "" where it opens."""
    http = Http(url, SECONDS)
    try:
        answer = http.get(PATH, {})
    except (NotSent, NoAnswer) as error:
        return error.why.replace("the provider", "it").replace("base URL", "address")
    finally:
        http.close()
    return "" if answer.status == 200 else f"it answers {answer.status} to {PATH}"


def _askable(url: str) -> bool:
    return urlsplit(url).scheme == "https" and not is_loopback(url)


def _is_time(conn: Connection, house: House, clinic: str) -> bool:
    known = doors.door_of(conn, clinic)
    if known is None or known.url != house.public_url:
        return True
    return known.checked_at + (WHILE_CLOSED if known.why else EVERY) <= house.wall()
