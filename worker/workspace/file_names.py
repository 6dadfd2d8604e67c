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
    """Warnings for the names of files that were read. `journeys` maps a journey's file to the name that stands in it."""
    reader = Reader()
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
    """Warnings for files in a workspace's rooms whose ending keeps them from being read at all."""
    return sorted(_strays(folder), key=lambda problem: problem.sort_key)


def _strays(folder: Path) -> Iterator[Problem]:
    for room, endings in ROOMS.items():
        for path in (folder / room).rglob("*"):
            hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
            meant = path.suffix in endings or path.suffix in LEFT_ALONE or path.stem.lower() == "readme"
            if hidden or meant or not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            hint = _FORM if room == "templates" else "Give it the ending .yaml, or remove it."
            yield Problem("file-unknown", "warning", name, 1, 1, f"{name} is never read", hint)
