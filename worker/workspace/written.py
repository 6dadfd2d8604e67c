"""When the files of a workspace were last written, those that it extends included: what has changed is seen without reading it."""

from __future__ import annotations

import os
from pathlib import Path

from worker.workspace.extends import CLINIC, gather
from worker.workspace.files import ROOMS

Seen = dict[str, tuple[int, int]]


def seen(folder: Path) -> Seen:
    """When each file of the rooms was last written, and its size, by path as seen from the folder."""
    found = _written(folder, folder)
    for shared in gather(folder, _reading).chain:
        found |= _written(shared, folder)
    return found


def _reading(folder: Path) -> dict[str, str]:
    """What the chain is found by. A folder of rooms without a clinic.yaml counts by that it is there."""
    path = folder / CLINIC
    if path.is_file():
        return {CLINIC: path.read_text(encoding="utf-8", errors="surrogateescape")}
    return {room: "" for room in ROOMS if (folder / room).is_dir()}


def _written(folder: Path, top: Path) -> Seen:
    found: Seen = {}
    below = os.path.relpath(folder, top)
    for room in ROOMS:
        for path in (folder / room).rglob("*"):
            if path.name.startswith("."):
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                # An editor that saves by renaming was quicker than this loop.
                continue
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                found[name if folder == top else f"{below}/{name}"] = (status.st_mtime_ns, status.st_size)
    return found
