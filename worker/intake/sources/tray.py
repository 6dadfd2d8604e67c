"""The folder that exports arrive in: which files are whole, how they are taken together, and where they lie afterwards.

Rules
1. A file is whole if its size and time are the same as at a look some seconds ago, or if `NAME.done` lies beside it and is not older. As long as one file is not whole, none is taken: the
   files of a night belong together.
2. With times of the day, what lay there by the last of them is taken, and what came later waits for the next.
3. What is taken moves into a folder of its own below `taking/`, and that folder moves as one to `done/` or `failed/`. So files that were taken together stay together, whatever is killed
   in between, and are then taken once more.
4. A corrected file of refused rows is never taken together with a whole export.
5. One process at a time works on a folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from worker.intake.sources.error_file import ERRORS

SETTLED: Final = timedelta(seconds=10)
MARKER: Final = ".done"
_PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class Look:
    """What a file was at a look, and since when it has been that."""

    size: int
    changed: int
    since: datetime


class Tray:
    """One folder. Keeps what the last look saw."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self.folder, self._pattern = folder, pattern
        self._seen: Mapping[str, Look] = {}

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process may work on it for now (rule 5)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
        finally:
            os.close(lock)

    def left_over(self) -> Path | None:
        """Files that were taken, and not put away: whoever took them was ended. What was only being gathered goes back."""
        for part in sorted(self._taking.glob(f"*{_PART}")):
            for path in _files(part):
                if not (self.folder / path.name).exists():
                    path.rename(self.folder / path.name)
            if _files(part):
                part.rename(part.with_suffix(""))
            else:
                part.rmdir()
        return next((path for path in sorted(self._taking.glob("*")) if path.is_dir()), None)

    def take(self, now: datetime, by: datetime | None) -> Path | None:
        """The folder of the files that are taken now; None where there are none, or not all are whole. `by`: only what lay there then (rule 2)."""
        there = self._arrived(by)
        settled = [self._whole(path, now) for path in there]
        self._seen = {path.name: look for path, (look, _) in zip(there, settled, strict=True)}
        if not there or not all(whole for _, whole in settled):
            return None
        exports = [path for path in there if not path.name.endswith(ERRORS)]
        part = self._taking / f"{self._stamp(now)}{_PART}"
        part.mkdir(parents=True)
        for path in exports or there:
            path.rename(part / path.name)
            with suppress(FileNotFoundError):
                _marker(path).unlink()
        taken = part.with_suffix("")
        part.rename(taken)
        return taken

    def files(self, taken: Path) -> list[Path]:
        """The exports of a folder that was taken; not the rows that were refused in an attempt before."""
        there = _files(taken)
        names = {path.name for path in there}
        return [
            path
            for path in there
            if not (path.name.endswith(ERRORS) and path.name.removesuffix(ERRORS) in names)
        ]

    def put_away(self, taken: Path, where: Literal["done", "failed"]) -> Path:
        """Move a folder that was taken to its place, as one."""
        target = self.folder / where / taken.name
        target.parent.mkdir(exist_ok=True)
        taken.rename(target)
        return target

    @property
    def _taking(self) -> Path:
        return self.folder / "taking"

    def _arrived(self, by: datetime | None) -> list[Path]:
        found = []
        for path in sorted(self.folder.glob(self._pattern)):
            hidden = path.name.startswith(".") or path.name.endswith(MARKER)
            if hidden or not path.is_file():
                continue
            if by is None or datetime.fromtimestamp(path.stat().st_mtime, UTC) <= by:
                found.append(path)
        return found

    def _whole(self, path: Path, now: datetime) -> tuple[Look, bool]:
        state = path.stat()
        look = Look(state.st_size, state.st_mtime_ns, now)
        before = self._seen.get(path.name)
        if before is not None and (before.size, before.changed) == (look.size, look.changed):
            look = before
        marker = _marker(path)
        marked = marker.is_file() and marker.stat().st_mtime_ns >= state.st_mtime_ns
        return look, marked or now - look.since >= SETTLED

    def _stamp(self, now: datetime) -> str:
        stamp, number = f"{now:%Y-%m-%dT%H-%M-%S}", 2
        name = stamp
        while any((self.folder / place / name).exists() for place in ("taking", "done", "failed")):
            name, number = f"{stamp}_{number}", number + 1
        return name


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}{MARKER}")
