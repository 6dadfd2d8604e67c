"""A clinic's first start, step by step: from a base that was loaded to messages that leave. Where it stands is read from the workspace and the database; nothing else is remembered.

Rules
1. The steps are taken in one order: look at the base, its segments, the journeys, the strategy, the rehearsal; then the mode, first to the staff's own phones, then live.
2. A look is done when the audit has it for the rooms as they are now, the mode aside; who edits a journey afterwards is asked to look again. The last two are done when the published mode says so.
3. Looking sends nothing and enrolls nobody. The mode changes by an edit of config/clinic.yaml that is published in the same act and stands in the audit.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from worker.domain.calendar import local_day
from worker.domain.clinic import Clinic, Mode
from worker.domain.facts import Facts
from worker.domain.journey import Journey
from worker.service.auditing import titles
from worker.service.publishing import publish
from worker.store import census
from worker.store import rooms as stored
from worker.store.audit import last_of, note
from worker.store.day_counts import base
from worker.store.engine import read, write
from worker.workspace.files import Files, raw, read_folder
from worker.workspace.house import House
from worker.workspace.mode_text import FILE, with_mode
from worker.workspace.rooms import Rooms, load
from worker.workspace.stories import story_files

StepName = Literal["audit", "segments", "journeys", "strategy", "rehearsal", "allow_list", "live"]
STEPS: Final[tuple[StepName, ...]] = (
    "audit", "segments", "journeys", "strategy", "rehearsal", "allow_list", "live"
)  # fmt: skip
LOOKS: Final = STEPS[:5]
MODES: Final[tuple[Mode, ...]] = ("rehearsal", "allow_list", "live")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: done, or not, and when; `stale` where it was done for rooms that have changed since."""

    name: StepName
    done: bool
    at: datetime | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a first start stands. `edited`: the folder says other than what is in force; `importing`: a history is still being read; `behind`: events are still to be folded."""

    clinic: str
    name: str
    mode: Mode
    patients: int
    importing: bool
    edited: bool
    steps: tuple[Step, ...]

    @property
    def next(self) -> StepName | None:
        """The step to take now; None where all are done."""
        return next((step.name for step in self.steps if not step.done), None)


@dataclass(frozen=True, slots=True)
class Standers:
    """A journey with those who stand where it starts by now; None where it starts on no segment."""

    journey: Journey
    standing: int | None


@dataclass(frozen=True)
class Sizes:
    """How many patients are in each stage and free segment, with their words, in the order of the file; and the journeys."""

    patients: int
    stages: Mapping[str, tuple[str, int]]
    segments: Mapping[str, tuple[str, int]]
    journeys: tuple[Standers, ...]


def standing(house: House, clinic: str, files: Files) -> Standing:
    """Where a clinic stands; `files` are its folder's. Raises NoRooms."""
    with read(house.engine) as conn:
        rooms = house.rooms(conn, clinic)
        published = stored.files_of(conn, clinic, rooms.rules.version) or {}
        mark = _mark(published)
        mode = rooms.rules.clinic.mode
        steps: list[Step] = []
        for name in LOOKS:
            found = last_of(conn, clinic, _action(name))
            same = found is not None and found[1].get("rooms") == mark
            steps.append(Step(name, same, found[0] if found else None, stale=found is not None and not same))
        reached = MODES.index(mode)
        steps += [Step("allow_list", reached >= 1), Step("live", reached >= 2)]
        return Standing(
            clinic,
            rooms.rules.clinic.name,
            mode,
            base(conn, clinic),
            bool(stored.open_imports(conn, clinic)),
            without_stories(files) != published,
            tuple(steps),
        )


def without_stories(files: Files) -> dict[str, str]:
    """The files that are put in force."""
    stories = story_files(files)
    return {path: text for path, text in files.items() if path not in stories}


def looked(house: House, clinic: str, actor: str, step: StepName, detail: Mapping[str, object]) -> None:
    """Keep that somebody looked at a step, with the numbers that were shown."""
    with write(house.engine) as conn:
        rooms = house.rooms(conn, clinic)
        mark = _mark(stored.files_of(conn, clinic, rooms.rules.version) or {})
        note(conn, clinic, house.now(conn), actor, _action(step), {**detail, "rooms": mark})


def sizes(house: House, clinic: str) -> Sizes:
    """The segments and the journeys with how many stand there now. Raises NoRooms."""
    with read(house.engine) as conn:
        rules, now = house.rooms(conn, clinic).rules, house.now(conn)
        today = local_day(now, rules.clinic.tz)
        members: Counter[str] = Counter()
        patients = 0
        for told in census.everybody(conn, clinic):
            if not told.ledger.get("erased"):
                patients += 1
                facts = Facts(told.patient, told.ledger, rules.clinic)
                members.update(rules.segments.members(rules.segments.look(facts, today)))
    stages, free = titles(rules)
    live = sorted(rules.journeys.values(), key=lambda one: (one.status != "live", one.priority, one.name))
    return Sizes(
        patients,
        {name: (said, members[name]) for name, said in stages.items()},
        {name: (said, members[name]) for name, said in free.items()},
        tuple(
            Standers(one, members[f"start:{one.name}"] if one.start.kind == "enters" else None)
            for one in live
        ),
    )


def change_mode(
    house: House, folder: Path, actor: str, mode: Mode, allow_list: Sequence[str] | None, numbers: Mapping[str, int]
) -> int:  # fmt: skip
    """Write the mode into config/clinic.yaml, put the folder in force, and keep who did it, with the numbers that were agreed to; returns the version.

    Raises NotEditable and BrokenRooms, and then nothing has changed.
    """
    path = folder / FILE
    before = read_folder(folder)
    text = with_mode(before[FILE], mode, allow_list)
    after = before.over({FILE: text})
    was = mode_of(house, after)
    clinic, version = publish(house, after)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(raw(text))
    fresh.replace(path)
    with write(house.engine) as conn:
        detail = {"from": was, "to": mode, "listed": len(allow_list or ()), "version": version, **numbers}
        note(conn, clinic, house.now(conn), actor, "mode changed", detail)
    return version


def mode_of(house: House, files: Files) -> str:
    """The mode in force of the clinic whose files these are; "" where nothing is published."""
    clinic = load(files).rules.clinic.id
    with read(house.engine) as conn:
        if stored.current_version(conn, clinic) is None:
            return ""
        rooms: Rooms = house.rooms(conn, clinic)
        return rooms.rules.clinic.mode


def published(house: House, clinic: str) -> Clinic:
    """The clinic as it is in force. Raises NoRooms."""
    with read(house.engine) as conn:
        return house.rooms(conn, clinic).rules.clinic


def _action(step: StepName) -> str:
    return f"first start: {step}"


def _mark(files: Files) -> str:
    """What the looks were at: the rooms without the file that holds the mode."""
    seen = {path: text for path, text in files.items() if path != FILE}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]
