"""Whether this process could serve: what `/readyz` and a person who asks want to know, part by part."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from worker.store import rooms
from worker.store.engine import read
from worker.store.migrate import newest, revision
from worker.workspace.house import House

log = structlog.get_logger(__name__)


def readiness(house: House, queue_ok: Callable[[], bool]) -> dict[str, str]:
    """`ok`, or what is wrong in words, for `database`, `rooms` and `queue`."""
    found = {"database": "ok", "rooms": "ok", "queue": "ok"}
    try:
        with read(house.engine) as conn:
            if revision(conn) != newest():
                found["database"] = (
                    "its tables are not those of this version; start “revisit run” once, or install the version that was used last"
                )
                found["rooms"] = "not known"
            elif not any(
                rooms.current_version(conn, clinic) is not None for clinic in rooms.clinic_ids(conn)
            ):
                found["rooms"] = "nothing is published; “revisit run” publishes the workspace when it starts"
    except (SQLAlchemyError, OSError) as error:
        log.warning("database not ready", error=type(error).__name__)
        found["database"], found["rooms"] = "can't be reached", "not known"
    try:
        reachable = queue_ok()
    except Exception as error:  # noqa: BLE001 (whatever the queue's client says, the answer is the same)
        log.warning("queue not ready", error=type(error).__name__)
        reachable = False
    if not reachable:
        found["queue"] = "can't be reached; events are still accepted and are worked off when it is back"
    return found
