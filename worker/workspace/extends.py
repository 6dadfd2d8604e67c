"""`extends: ../agency-rooms` in config/clinic.yaml: an agency's shared journeys, texts and config beneath a clinic's own.

Rules
1. File by file, the nearest wins: the clinic's own, then the folder that it extends, then what that one extends. An e-mail counts as one file in either form, and a journey of
   one's own leaves out the shared stories of that name.
2. A folder lies beside the one that extends it: `../NAME` or `../GROUP/NAME`. So a file of a workspace never reads what its operator did not put next to it.
3. A shared folder extends another by a config/clinic.yaml that holds `extends` alone; such a folder is no workspace.
4. What is merged is a mapping as any other. It remembers where each file stands, so that a Problem names the file that is to be edited.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from worker.domain.source import Map, Place, Problem, Scalar, compose

CLINIC: Final = "config/clinic.yaml"
KEY: Final = "extends"
PATTERN: Final = r"\.\.(?:/[^/\\.][^/\\]*)+/?"
"""Up one folder and down again; no part of it begins with a dot."""
HINT: Final = "Put the shared folder beside the clinic's and write `extends: ../agency-rooms`."
_EMAIL: Final = re.compile(r"(templates/.+\.email\.[a-z]{2})\.(?:md|mjml)")


class Gathered(dict[str, str]):
    """The files of a workspace with those that it extends: path → text."""

    def __init__(
        self,
        files: Mapping[str, str],
        chain: Iterable[Path] = (),
        told: Iterable[Problem] = (),
        stands: Mapping[str, str] | None = None,
        aside: Mapping[str, str] | None = None,
    ) -> None:
        """`chain`: the folders that it extends, the nearest first. `told`: what is wrong with the chain. `stands`: where a file that is not its own stands, as seen from the
        workspace. `aside`: texts of the chain that are shown in a Problem and merged into nothing."""
        super().__init__(files)
        self.chain, self.told = tuple(chain), tuple(told)
        self.stands, self.aside = dict(stands or {}), dict(aside or {})

    @classmethod
    def of(cls, files: Mapping[str, str]) -> Gathered:
        """Any files as such ones."""
        return files if isinstance(files, Gathered) else cls(files)

    def over(self, changed: Mapping[str, str]) -> Gathered:
        """The same with other files of its own."""
        stands = {path: shown for path, shown in self.stands.items() if path not in changed}
        return Gathered({**self, **changed}, self.chain, self.told, stands, self.aside)

    def without(self, left_out: Iterable[str]) -> Gathered:
        """The same without some files."""
        gone = frozenset(left_out)
        files = {path: text for path, text in self.items() if path not in gone}
        return Gathered(files, self.chain, self.told, self.stands, self.aside)


def gather(folder: Path, own: Callable[[Path], dict[str, str]]) -> Gathered:
    """A workspace with all that it extends. `own` reads the files of one folder."""
    files = own(folder)
    stands: dict[str, str] = {}
    aside: dict[str, str] = {}
    told: list[Problem] = []
    chain: list[Path] = []
    seen, here, text = {_place(folder)}, folder, files.get(CLINIC)
    while text is not None:
        shown = CLINIC if here == folder else _shown(folder, here, CLINIC)
        found, problems = _named(text, shown, first=here == folder)
        told += problems
        if found is None:
            break
        name, place = found
        there = Path(os.path.normpath(here.absolute() / name))
        if _place(there) in seen:
            told.append(_problem("extends-cycle", place, f"`{name}` leads back to a folder that extends this one", "Take `extends` out of one of them."))  # fmt: skip
            break
        try:
            beneath = own(there) if there.is_dir() else {}
        except OSError as error:
            told.append(_problem("extends-missing", place, f"the folder {name} can't be read: {error.strerror}", "Let the user that Revisit runs as read it."))  # fmt: skip
            break
        if not beneath:
            told.append(_problem("extends-missing", place, f"there is no folder {name} with config/, journeys/ or templates/ in it", HINT))  # fmt: skip
            break
        text = beneath.pop(CLINIC, None)
        if text is not None:
            aside[_shown(folder, there, CLINIC)] = text
        taken = _covered(files)
        for path, content in beneath.items():
            if path not in taken and _same(path) not in taken:
                files[path], stands[path] = content, _shown(folder, there, path)
        chain.append(there)
        seen.add(_place(there))
        here = there
    return Gathered(files, chain, told, stands, aside)


def standing(files: Mapping[str, str], problems: Iterable[Problem]) -> list[Problem]:
    """Problems, each at the file that is to be edited."""
    stands = files.stands if isinstance(files, Gathered) else {}
    return [replace(one, file=stands[one.file]) if one.file in stands else one for one in problems]


def text_at(files: Mapping[str, str], shown: str) -> str:
    """The text that a Problem's file holds; "" where it is none of these."""
    if shown in files or not isinstance(files, Gathered):
        return files.get(shown, "")
    path = next((path for path, at in files.stands.items() if at == shown), None)
    return files[path] if path is not None else files.aside.get(shown, "")


def only_extends(text: str) -> bool:
    """Whether a config/clinic.yaml holds `extends` and nothing else: then its folder is shared rooms and no clinic."""
    node, _ = compose(text.encode("utf-8", "surrogateescape"), CLINIC)
    return isinstance(node, Map) and [key.value for key, _ in node.entries] == [KEY]


@lru_cache(maxsize=1024)
def _named(text: str, shown: str, *, first: bool) -> tuple[tuple[str, Place] | None, tuple[Problem, ...]]:
    """What a clinic.yaml extends, and where that stands. What is wrong with the first one's shape is told by its own reader."""
    node, _ = compose(text.encode("utf-8", "surrogateescape"), shown)
    value = node.get(KEY) if isinstance(node, Map) else None
    if not isinstance(value, Scalar) or value.empty:
        return None, ()
    if re.fullmatch(PATTERN, value.value) is None:
        outside = _problem("extends-outside", value.place, f"`{value.value}` is no folder beside this one", HINT)  # fmt: skip
        return None, () if first else (outside,)
    return (value.value, value.place), ()


def _problem(code: str, place: Place, message: str, hint: str) -> Problem:
    return Problem(code, "error", place.file, place.line, place.column, message, hint)


def _place(folder: Path) -> Path:
    return folder.resolve()


def _shown(folder: Path, there: Path, path: str) -> str:
    return PurePosixPath(os.path.relpath(there, folder.absolute()), path).as_posix()


def _same(path: str) -> str:
    """What a file is besides its path: an e-mail in one of its forms."""
    email = _EMAIL.fullmatch(path)
    return email[1] if email is not None else path


def _covered(files: Mapping[str, str]) -> set[str]:
    stories = {
        f"journeys/scenarios/{PurePosixPath(path).name}"
        for path in files
        if path.startswith("journeys/") and path.count("/") == 1
    }
    return {*files, *map(_same, files), *stories}
