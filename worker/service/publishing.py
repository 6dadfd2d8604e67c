"""A workspace put in force."""

from __future__ import annotations

from worker.store import rooms as stored
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
        return clinic, stored.publish(conn, clinic, files, house.now(conn), versions)
