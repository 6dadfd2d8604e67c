"""Work for one clinic of several: one whose rooms can't be read, or that fails otherwise, does not keep the others waiting.

A person of that clinic is told once for each version of its rooms and kind of failure; until somebody puts it right it is tried again at each beat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine

from worker.delivery.trouble import ENGINEER
from worker.service.whereabouts import place_of
from worker.store import rooms as stored
from worker.store import tasks
from worker.store.audit import note
from worker.store.engine import AWAY, write
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms

log = structlog.get_logger(__name__)
T = TypeVar("T")
_TOLD: Final[WeakKeyDictionary[Engine, set[tuple[str, str]]]] = WeakKeyDictionary()
"""What this process has told already; the database knows it too, but would be written to at each beat."""


def apart(house: House, clinic: str, work: Callable[[], T], otherwise: T) -> T:
    """What `work` for this clinic gives; `otherwise` where it fails. A database that is away is everybody's trouble, and is raised."""
    try:
        return work()
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, the other clinics must go on)
        tell_engineer(house, clinic, error)
        return otherwise


def tell_engineer(house: House, clinic: str, error: Exception) -> None:
    """A person is told, once for each version of the rooms and kind of failure."""
    kind = "rooms" if isinstance(error, BrokenRooms) else type(error).__name__
    told = _TOLD.setdefault(house.engine, set())
    if (clinic, kind) in told:
        return
    with write(house.engine) as conn:
        now = house.now(conn)
        version = stored.current_version(conn, clinic)
        new = tasks.add(
            conn, clinic, origin=tasks.SYSTEM, name=f"fails/{version}/{kind}", kind="system", assignee=ENGINEER, note=_words(error), at=now,
            due_at=now, urgent=True,
        )  # fmt: skip
        if new:
            note(conn, clinic, now, "revisit", "clinic fails", {"version": version, "error": kind})
    told.add((clinic, kind))
    log.error("clinic fails", clinic=clinic, error=type(error).__name__, where=place_of(error))


def _words(error: Exception) -> str:
    if isinstance(error, BrokenRooms):
        return (
            f"Nothing of this clinic goes on: what was published for it can't be used by this version of Revisit ({len(error.problems)} mistakes). "
            "See them with “revisit check” in its folder, put them right and start “revisit run” there."
        )
    return f"Something of this clinic does not go on: Revisit failed ({type(error).__name__} at {place_of(error)}). It is tried again; if it lasts, report it with this line."
