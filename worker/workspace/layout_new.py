"""`revisit init`: a new workspace from the sample clinic's rooms, which the wheel carries as data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from worker.workspace.extends import CLINIC, HINT, PATTERN, gather
from worker.workspace.file_names import CONFIG_NAMES
from worker.workspace.files import ROOMS, read_own
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


class NothingShared(Exception):
    """The folder that a new workspace shall extend holds no rooms."""


def lay_out(folder: Path, extends: str | None = None) -> int:
    """Write a new workspace in mode rehearsal; returns how many files. With `extends`, a folder beside it, only the config that this one lacks.

    Raises AlreadyThere where the folder is not empty, NothingShared where there is nothing to extend.
    """
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
    whole: Mapping[str, str] = files
    if extends is not None:
        files = _config_alone(files, folder, extends)
        whole = gather(folder, lambda one: dict(files) if one == folder else read_own(one))
    files |= editor_files(whole)
    files[".gitignore"] = GITIGNORE
    write_rooms(files, folder)
    return len(files)


def _config_alone(files: Mapping[str, str], folder: Path, extends: str) -> dict[str, str]:
    there = Path(os.path.normpath(folder.absolute() / extends))
    if re.fullmatch(PATTERN, extends) is None or not there.is_dir() or not (shared := read_own(there)):
        raise NothingShared(
            f"--extends {extends}: there is no such folder with rooms beside {folder}. {HINT}"
        )
    own = {f"config/{name}.yaml" for name in CONFIG_NAMES} - shared.keys() | {CLINIC}
    found = {path: text for path, text in files.items() if path in own}
    found[CLINIC] = f"extends: {extends}\n{found[CLINIC]}"
    return found


def write_rooms(files: Mapping[str, str], folder: Path) -> None:
    """Write these files below a folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
