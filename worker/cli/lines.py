"""How far a long file is, for whoever waits: a bar with rate and time left on a terminal, else a line every so often."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from worker.cli.app import err

EVERY: Final = 10.0
"""Seconds between two lines where there is no terminal."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Lines a second."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


class Lines:
    """One file after another; a context manager."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        if err.is_terminal:
            self._bar = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
                console=err, transient=True,
            )  # fmt: skip
        self._name, self._first, self._folding = "", 0, False
        self._total: int | None = None
        self._task: Task | None = None
        self._began = self._told = 0.0

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, name: str, total: int | None, first: int = 0) -> None:
        """Another file; `first` of its `total` lines (None: not known) are done already."""
        self._name, self._total, self._first, self._folding = name, total, first, False
        self._began = self._told = time.monotonic()
        if first:
            err.print(f"{name}: goes on behind line {first:,}, where an earlier run broke off", markup=False)
        if self._bar is not None:
            number = self._bar.add_task(name, total=total, completed=first)
            self._task = self._bar.tasks[self._bar.task_ids.index(number)]

    def fold(self, number: int) -> None:
        """All lines are in; so many events that lay scattered in the file are folded."""
        if not self._folding:
            self.begin(f"{self._name}, patient by patient", None)
            self._folding = True
        self.reach(number)

    def reach(self, line: int) -> None:
        """So many are done."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task.id, completed=line)
            return
        now = time.monotonic()
        if now - self._told < EVERY:
            return
        self._told = now
        err.print(f"{self._name}: {_told(line, self._first, self._total, now - self._began)}", markup=False)


def _told(line: int, first: int, total: int | None, seconds: float) -> str:
    rate = (line - first) / seconds
    if total is None or rate <= 0:
        return f"{line:,}, {rate:,.0f} a second"
    left = max(total - line, 0) / rate
    minutes = f"{left / 60:,.0f} min" if left >= 90 else f"{left:,.0f} s"
    return f"{line:,} of {total:,} lines, {rate:,.0f} a second, {minutes} left"
