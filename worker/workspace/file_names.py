"""Files that are never read, or not as their author thinks, because of how they are called or where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from worker.domain.shape import NAME, Reader
from worker.domain.source import Place, Problem
from worker.domain.yaml_mistakes import LINE_BREAK
from worker.workspace.files import ROOMS, Files

CONFIG_NAMES: Final = ("channels", "clinic", "offers", "policy", "segments", "services")
TEMPLATE_NAME: Final = re.compile(
    r"templates/(?:layout\.(?:mjml|txt)|.+\.(?:sms\.[a-z]{2}\.j2|email\.[a-z]{2}\.(?:md|mjml)))"
)
"""A template's file says its channel and its language."""
LEFT_ALONE: Final = frozenset({".bak", ".orig", ".pyc"})
_TEXT_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r]")
_PLAIN_NAME: Final = re.compile(r"[a-z0-9_./-]+")
_FORM: Final = "Name it NAME.sms.LANGUAGE.j2, NAME.email.LANGUAGE.md or NAME.email.LANGUAGE.mjml."


def line_break(path: str) -> re.Pattern[str]:
    """What ends a line in that file, as its reader counts them: YAML knows more line breaks than Jinja."""
    return _TEXT_LINE_BREAK if path.startswith("templates/") else LINE_BREAK


def name_problems(files: Files, journeys: Mapping[str, str]) -> list[Problem]:
    """Warnings for the names of files that were read, and where there are texts and no journey. `journeys` maps a journey's file to the name that stands in it."""
    reader = Reader()
    if any(map(_is_text, files)) and not any(_is_journey(path) for path in files):
        reader.problem(
            "journeys-none",
            Place("journeys"),
            "there is no journey in journeys/, so none of the texts is ever sent",
            "Write one, or remove the texts.",
        )
    for path in sorted(files):
        if PurePosixPath(path).stem.lower() == "readme":
            continue
        if (hint := _unread(reader, path)) is not None:
            reader.problem("file-unknown", Place(path), f"{path} is never read", hint)
        elif not _PLAIN_NAME.fullmatch(path):
            reader.problem(
                "file-name",
                Place(path),
                "capitals, spaces and letters with accents in a file's name are not the same on every system",
                f"Rename it to {_plain(path)}.",
            )
        elif _misnamed(path, journeys):
            reader.problem(
                "journey-file-name",
                Place(path),
                f"the journey in this file is called `{journeys[path]}`",
                f"Rename the file to journeys/{journeys[path]}.yaml, or the journey.",
            )
    return reader.problems


def _is_journey(path: str) -> bool:
    return path.startswith("journeys/") and path.count("/") == 1


def _is_text(path: str) -> bool:
    return bool(TEMPLATE_NAME.fullmatch(path)) and not path.startswith("templates/layout.")


def _misnamed(path: str, journeys: Mapping[str, str]) -> bool:
    """Whether file and journey differ; a name that is itself a mistake, or another journey's too, is told elsewhere."""
    name = journeys.get(path, "")
    twice = list(journeys.values()).count(name) > 1
    return bool(NAME.fullmatch(name)) and not twice and PurePosixPath(path).stem != name


def _plain(path: str) -> str:
    return re.sub(r"[^a-z0-9_./-]+", "_", path.lower())


def _unread(reader: Reader, path: str) -> str | None:
    """The way out for a file that nothing reads; None for one that is read."""
    room, _, rest = path.partition("/")
    if room == "config":
        return None if rest.startswith("sources/") else _unread_config(reader, rest)
    if room == "journeys":
        if "/" not in rest or rest.startswith("scenarios/"):
            return None
        return "A journey lies directly in journeys/, its stories in journeys/scenarios/."
    return None if TEMPLATE_NAME.fullmatch(path) else _FORM


def _unread_config(reader: Reader, rest: str) -> str | None:
    name, ending = PurePosixPath(rest).stem, PurePosixPath(rest).suffix
    if name in CONFIG_NAMES and "/" not in rest:
        return None if ending == ".yaml" else f"Rename it to config/{name}.yaml."
    return reader.did_you_mean(name.lower(), CONFIG_NAMES)


def strays(folder: Path) -> list[Problem]:
    """Warnings for what lies in a workspace's rooms and is not read at all: by its ending, or because it is no file. Nothing is opened: a pipe would never end."""
    return sorted(_strays(folder), key=lambda problem: problem.sort_key)


def _strays(folder: Path) -> Iterator[Problem]:
    for room, endings in ROOMS.items():
        top = folder / room
        if not top.is_dir() and (top.exists() or top.is_symlink()):
            yield Problem("file-unknown", "warning", room, 1, 1, f"{room} is {_no_file(top)}, where a folder is looked for", "Make it a folder.")  # fmt: skip
        for path in top.rglob("*"):
            if any(part.startswith((".", "__")) for part in path.relative_to(folder).parts):
                continue
            name = path.relative_to(folder).as_posix()
            if not path.is_file():
                if _looks_meant(path, endings):
                    yield Problem("file-unknown", "warning", name, 1, 1, f"{name} is never read: it is {_no_file(path)}", "Put a file in its place, or remove it.")  # fmt: skip
            elif not (path.suffix in endings or path.suffix in LEFT_ALONE or path.stem.lower() == "readme"):
                hint = _FORM if room == "templates" else "Give it the ending .yaml, or remove it."
                yield Problem("file-unknown", "warning", name, 1, 1, f"{name} is never read", hint)


def _looks_meant(path: Path, endings: tuple[str, ...]) -> bool:
    """Whether somebody may think that this is read: anything but a plain folder, which holds what is read, or something that goes by a reader's ending."""
    return not path.is_dir() or path.is_symlink() or path.suffix in endings


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "a link to a folder, which is not followed" if path.is_symlink() else "a folder"
    if path.is_symlink() and not path.exists():
        return "a link that leads nowhere"
    return "a file" if path.is_file() else "a pipe, a device or a socket"
