"""`revisit init`: a new workspace from the sample clinic's rooms, which the wheel carries as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from worker.workspace.files import ROOMS
from worker.workspace.schema import editor_files

GITIGNORE: Final = "# what the running system keeps; it holds patients' data\n.revisit/\n"


class AlreadyThere(Exception):
    """The folder holds something that must not be overwritten."""


def sample_rooms() -> dict[str, str]:
    """The sample clinic's rooms: from the wheel's data, or from the source tree that this runs in."""
    packed = resources.files("worker").joinpath("sample")
    root: Traversable = packed if packed.is_dir() else Path(__file__).resolve().parents[2]
    found: dict[str, str] = {}
    for room, endings in ROOMS.items():
        _collect(root.joinpath(room), room, endings, found)
    return found


def _collect(folder: Traversable, path: str, endings: tuple[str, ...], found: dict[str, str]) -> None:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            _collect(entry, name, endings, found)
        elif entry.name.endswith(endings):
            found[name] = entry.read_text(encoding="utf-8")


def lay_out(folder: Path) -> int:
    """Write a new workspace in mode rehearsal; returns how many files. Raises AlreadyThere where the folder is not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AlreadyThere(
            f"{folder} is not empty; name a new folder, so that nothing of yours is overwritten"
        )
    files = sample_rooms()
    clinic = "config/clinic.yaml"
    files[clinic] = re.sub(
        r"(?m)^mode:.*$",
        "mode: rehearsal                        # nothing leaves; then allow_list, then live",
        files[clinic],
    )
    files |= editor_files(files)
    files[".gitignore"] = GITIGNORE
    write_rooms(files, folder)
    return len(files)


def write_rooms(files: Mapping[str, str], folder: Path) -> None:
    """Write these files below a folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
