"""A workspace's rooms as a mapping from path to text, from disk or from the store: everything after this is the same for both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worker.workspace.extends import Gathered, gather

Files = Mapping[str, str]
ROOMS: Final = {
    "config": (".yaml", ".yml"),
    "journeys": (".yaml", ".yml"),
    "templates": (".j2", ".md", ".mjml", ".txt"),
}
MAX_FILE: Final = 1_000_000
MAX_FILES: Final = 20_000


class NoWorkspace(Exception):
    """The folder is not a workspace."""


def read_folder(folder: Path) -> Gathered:
    """The files of a workspace folder, and of those that it extends. A file that is not UTF-8 keeps its broken bytes as surrogates, so that `check` can say so.

    Raises NoWorkspace where the folder holds no config/clinic.yaml.
    """
    if not (folder / "config" / "clinic.yaml").is_file():
        raise NoWorkspace(
            f"{folder} is not a workspace: there is no config/clinic.yaml in it. Lay one out with `revisit init DIR`, or name one with --workspace DIR."
        )
    return gather(folder, read_own)


def read_own(folder: Path) -> dict[str, str]:
    """The files that lie in a folder itself. Raises NoWorkspace where there are too many."""
    files: dict[str, str] = {}
    for room, endings in ROOMS.items():
        for path in sorted((folder / room).rglob("*")):
            if path.suffix in endings and path.is_file() and not path.name.startswith("."):
                files[path.relative_to(folder).as_posix()] = path.read_bytes()[: MAX_FILE + 1].decode(
                    "utf-8", "surrogateescape"
                )
            if len(files) > MAX_FILES:
                raise NoWorkspace(f"{folder} holds more than {MAX_FILES} files")
    return files


def raw(text: str) -> bytes:
    """The bytes that a file had on disk."""
    return text.encode("utf-8", "surrogateescape")
