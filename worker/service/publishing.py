"""A workspace put in force."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.domain.language.lints import renamed
from worker.domain.shape import Reader
from worker.domain.source import Problem
from worker.store import rooms as stored
from worker.store.audit import note
from worker.store.engine import read as read_only
from worker.store.engine import write
from worker.workspace.extends import Gathered
from worker.workspace.files import Files
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms, Rooms, load, read
from worker.workspace.silence import comments
from worker.workspace.stories import story_files


class NotNow(Exception):
    """Whoever wanted to put it in force no longer may."""


def publish(house: House, files: Files, still: Callable[[], bool] | None = None) -> tuple[str, int]:
    """Put a workspace in force; returns the clinic's id and the version. Raises BrokenRooms, and then nothing changes.

    `still` is asked last, while the clinic is locked; where it says no, NotNow is raised and nothing changes either.

    Stories stay where they are: they change nothing for any patient, so a broken one keeps nothing from being put in force.
    """
    files = Gathered.of(files).without(story_files(files))
    rooms, problems = read(files)
    if rooms is None:
        raise BrokenRooms(problems)
    clinic = rooms.rules.clinic.id
    with write(house.engine) as conn:
        versions = {name: journey.version for name, journey in rooms.rules.journeys.items()}
        before, now = stored.current_version(conn, clinic), house.now(conn)
        version = stored.publish(conn, clinic, files, now, versions)
        if still is not None and not still():
            raise NotNow(clinic)
        if version != before:
            note(conn, clinic, now, "revisit", "published", {"version": version, "journeys": versions})
        return clinic, version


def renamed_steps(engine: Engine, rooms: Rooms, files: Files) -> list[Problem]:
    """Warnings for steps of live journeys that had another name when they were published; none where nothing was published yet.

    A database that can't be read says nothing: whether the folder is right does not depend on it.
    """
    try:
        with read_only(engine) as conn:
            version = stored.current_version(conn, rooms.rules.clinic.id)
            before = stored.files_of(conn, rooms.rules.clinic.id, version) if version is not None else None
        was = load(before, version or 0).rules.journeys if before is not None else {}
    except (DBAPIError, BrokenRooms):
        return []
    reader = Reader()
    for name, journey in rooms.rules.journeys.items():
        if name in was:
            renamed(reader, was[name], journey)
    quiet = {(path, one.code) for path, text in files.items() for one in comments(path, text) if one.reason}
    return [problem for problem in reader.problems if (problem.file, problem.code) not in quiet]
