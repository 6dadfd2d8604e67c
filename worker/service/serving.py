"""Many clinics from one folder: every sub-folder that is a workspace is put in force, and put in force again when it changes.

Rules
1. A folder that is broken stops no other: its clinic keeps what was last put in force, and who looks at the logs is told which folder and why.
2. Two folders with one clinic's id are both left as they are: nobody could say which of them is meant.
3. A folder that is gone takes nothing out of the database: its clinic is served as it was last put in force, and that is told.
4. What has changed is seen by the times of the files. The first look compares every workspace with what is in force, so nothing that was edited meanwhile is missed.
5. Looking costs at most a twentieth of a core, however many folders there are.
6. Whoever no longer leads when it comes to the commit puts nothing in force: a process that was stopped for minutes must not bring back what it read before.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from worker.domain.source import Place, Problem
from worker.service.publishing import NotNow, publish
from worker.store import rooms as stored
from worker.store.engine import read
from worker.workspace.extends import CLINIC, Gathered, only_extends
from worker.workspace.files import Files, NoWorkspace, read_folder
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms
from worker.workspace.stories import story_files
from worker.workspace.trees import tree_of, under, word
from worker.workspace.written import Seen, seen

log = structlog.get_logger(__name__)
SHARE: Final = 20
"""How many times as long as a look took it rests before the next one."""
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Served:
    """What became of one folder. `version` is what is in force now, None where nothing ever was; `why` is told where the folder could not be read at all."""

    folder: Path
    clinic: str
    version: int | None
    changed: bool = False
    problems: tuple[Problem, ...] = ()
    files: Gathered | None = None
    why: str = ""

    @property
    def broken(self) -> bool:
        """Whether it was left as it is because of a mistake."""
        return bool(self.problems or self.why)


def workspaces_in(top: Path) -> list[Path]:
    """The sub-folders that are workspaces, by name. Shared rooms are none."""
    return [
        folder
        for folder in sorted(top.iterdir())
        if not folder.name.startswith(".") and (folder / CLINIC).is_file() and not _only_shared(folder)
    ]


class Keeper:
    """Keeps the workspaces of a folder in force. One thread at a time."""

    def __init__(
        self, house: House, top: Path, still: Callable[[], bool] = lambda: True, *, share: float = SHARE
    ) -> None:
        """`still` says whether this process may go on putting things in force; it is asked before each commit."""
        self._house, self._top, self._still, self._share = house, top, still, share
        self._known: dict[Path, tuple[Seen, tuple[str, ...]]] = {}
        self._gone: set[str] = set()
        self._rest_until = 0.0

    def forget(self) -> None:
        """Take every folder for new at the next look: somebody else may have led meanwhile."""
        self._known.clear()
        self._gone.clear()
        self._rest_until = 0.0

    def look(self) -> list[Served]:
        """What became of the folders that are new, have changed or are no longer alone with their id. Raises what the database raises; then the next look tries again."""
        began = time.monotonic()
        if began < self._rest_until:
            return []
        folders = workspaces_in(self._top)
        ids = {folder: id_in({CLINIC: _text(folder)}) for folder in folders}
        owners: dict[str, list[Path]] = defaultdict(list)
        for folder, clinic in ids.items():
            owners[clinic].append(folder)
        done = []
        for folder, clinic in ids.items():
            now = (seen(folder), tuple(one.name for one in owners[clinic]))
            if self._known.get(folder) == now:
                continue
            if self._known and not self._still():
                break
            done.append(self._serve(folder, clinic, owners[clinic]))
            self._known[folder] = now
        self._known = {folder: known for folder, known in self._known.items() if folder in ids}
        self._tell_gone(set(owners))
        self._rest_until = time.monotonic() + self._share * (time.monotonic() - began)
        for one in done:
            _told(one)
        return done

    def _serve(self, folder: Path, clinic: str, owners: list[Path]) -> Served:
        version = self._version(clinic)
        try:
            files = read_folder(folder)
        except (NoWorkspace, OSError) as error:
            return Served(folder, clinic, version, why=str(error))
        if len(owners) > 1:
            return Served(folder, clinic, version, problems=(_twice(files, clinic, owners),), files=files)
        if version is not None and not files.told and self._in_force(clinic, version, files):
            return Served(folder, clinic, version)
        try:
            _, after = publish(self._house, files, still=self._still)
        except BrokenRooms as error:
            return Served(folder, clinic, version, problems=tuple(error.problems), files=files)
        except NotNow:
            return Served(folder, clinic, version)
        return Served(folder, clinic, after, changed=after != version)

    def _version(self, clinic: str) -> int | None:
        with read(self._house.engine) as conn:
            return stored.current_version(conn, clinic)

    def _in_force(self, clinic: str, version: int, files: Gathered) -> bool:
        with read(self._house.engine) as conn:
            return stored.files_of(conn, clinic, version) == dict(files.without(story_files(files)))

    def _tell_gone(self, ids: set[str]) -> None:
        with read(self._house.engine) as conn:
            gone = set(stored.clinic_ids(conn)) - ids
        for clinic in sorted(gone - self._gone):
            log.warning(
                "no folder holds this clinic; it is served as it was last put in force", clinic=clinic
            )
        self._gone = gone


def _told(one: Served) -> None:
    name = one.folder.name
    if one.broken:
        first = one.problems[0] if one.problems else None
        log.error(
            "workspace is broken; its clinic keeps what is in force", folder=name, clinic=one.clinic, version=one.version,
            count=len(one.problems), code=first.code if first else "unreadable", line=first.line if first else None,
        )  # fmt: skip
    elif one.changed:
        log.info("workspace put in force", folder=name, clinic=one.clinic, version=one.version)


def _only_shared(folder: Path) -> bool:
    text = _text(folder)
    return "extends" in text and only_extends(text)


def id_in(files: Files) -> str:
    """The clinic's id as config/clinic.yaml writes it, whatever else is wrong there."""
    return word(under(tree_of(files, CLINIC), "id")) or DEFAULT


def _text(folder: Path) -> str:
    try:
        return (folder / CLINIC).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _twice(files: Gathered, clinic: str, owners: list[Path]) -> Problem:
    written = under(tree_of(files, CLINIC), "id")
    place = written.place if written is not None else Place(CLINIC)
    names = " and ".join(f"{folder.name}/" for folder in owners)
    said = f"`{clinic}` is the id of more than one clinic: {names}"
    return Problem("clinic-twice", "error", CLINIC, place.line, place.column, said, "Give each an `id` of its own in config/clinic.yaml.")  # fmt: skip
