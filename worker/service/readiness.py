"""Whether this system could serve: what `/readyz` and a person who asks want to know, part by part.

Rules
1. Each part is asked itself, now: the database for its tables, the rooms by loading them, the queue by a command, the ticker by its last sweep.
2. What is wrong is said in words, with the way out; what depends on a part that is away is `not known`, not well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from worker.service.whereabouts import place_of
from worker.store import rooms
from worker.store.engine import AWAY, read
from worker.store.migrate import newest, revision
from worker.workspace.house import House

log = structlog.get_logger(__name__)
T = TypeVar("T")
LATE_SECONDS: Final = 30.0
"""A ticker that has not swept for so long does not live: another would have taken over in five."""
LOAD_SECONDS: Final = 2.0
"""How long one answer may spend on loading rooms; with very many clinics the next one goes on."""
TABLES: Final = "its tables are not those of this version; start “revisit run” once, or install the version that was used last"
NOTHING: Final = "nothing is published; “revisit run” publishes the workspace when it starts"


class Vitals:
    """Asks all parts. `queue_ok` asks the queue; `pulse` says how many seconds ago a ticker swept, None for none; left out, the ticker is not asked for."""

    def __init__(
        self,
        house: House,
        queue_ok: Callable[[], bool],
        pulse: Callable[[], float | None] | None = None,
        late: float = LATE_SECONDS,
    ) -> None:
        self._house, self._queue_ok, self._late = house, queue_ok, late
        # A demo's clock is moved by whoever plays it, and so are its sweeps.
        self._pulse = None if house.demo else pulse

    def __call__(self) -> dict[str, str]:
        """`ok`, or what is wrong in words, for `database`, `rooms`, `queue` and, where it is asked for, `ticker`."""
        found = {"database": "ok", "rooms": "ok", "queue": "ok"}
        try:
            with read(self._house.engine) as conn:
                if revision(conn) != newest():
                    found["database"], found["rooms"] = TABLES, "not known"
                else:
                    found["rooms"] = self._rooms(conn)
        except (SQLAlchemyError, OSError) as error:
            log.warning("database not ready", error=type(error).__name__)
            found["database"], found["rooms"] = "can't be reached", "not known"
        if not self._asked("queue", self._queue_ok):
            found["queue"] = "can't be reached; events are still accepted and are worked off when it is back"
        if self._pulse is not None:
            found["ticker"] = (
                self._ticker(self._asked("ticker", self._pulse)) if found["queue"] == "ok" else "not known"
            )
        return found

    def _rooms(self, conn: Connection) -> str:
        """Every clinic's rooms are loaded as work would load them."""
        published = [
            clinic for clinic in rooms.clinic_ids(conn) if rooms.current_version(conn, clinic) is not None
        ]
        if not published:
            return NOTHING
        broken, until = [], time.monotonic() + LOAD_SECONDS
        for clinic in published:
            try:
                self._house.rooms(conn, clinic)
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is: nobody could work with these rooms)
                log.error(
                    "rooms can't be loaded", clinic=clinic, error=type(error).__name__, where=place_of(error)
                )
                broken.append(clinic)
            if time.monotonic() > until:
                break
        if broken:
            return f"those of {', '.join(f'`{clinic}`' for clinic in broken[:5])} can't be loaded; publish the workspace again"
        return "ok"

    def _ticker(self, age: float | None) -> str:
        if age is None:
            return "has not been heard of; start “revisit ticker” (“revisit run” has one)"
        if age > self._late:
            return f"was last heard of {age:.0f} seconds ago: nothing that falls due is woken; see why it ended or hangs"
        return "ok"

    def _asked(self, part: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 (whatever the queue's client says, the answer is the same)
            log.warning("not ready", code=part, error=type(error).__name__)
            return None
