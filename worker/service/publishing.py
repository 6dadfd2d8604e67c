"""A workspace put in force."""

from __future__ import annotations

from worker.store import rooms as stored
from worker.store.audit import note
from worker.store.engine import write
from worker.workspace.files import Files
from worker.workspace.house import House
from worker.workspace.rooms import load


def publish(house: House, files: Files) -> tuple[str, int]:
    """Put a workspace in force; returns the clinic's id and the version. Raises BrokenRooms, and then nothing changes."""
    rooms = load(files)
    clinic = rooms.rules.clinic.id
    with write(house.engine) as conn:
        versions = {name: journey.version for name, journey in rooms.rules.journeys.items()}
        before, now = stored.current_version(conn, clinic), house.now(conn)
        version = stored.publish(conn, clinic, files, now, versions)
        if version != before:
            note(conn, clinic, now, "revisit", "published", {"version": version, "journeys": versions})
        return clinic, version
