"""`--watch`: do something again whenever a file of the workspace is saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Final

from rich.text import Text

from worker.cli.app import out
from worker.workspace.written import Seen, seen

PAUSE: Final = 0.25
"""Seconds between two looks at the files' times."""


def changed(before: Seen, after: Seen) -> list[str]:
    """The files that came, went, or were written."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def watch(folder: Path, look: Callable[[], bool]) -> bool:
    """Look now and after each save, until Ctrl-C. Returns what the last look said.

    A save is over when nothing more is written between two looks: so many files saved at once are one save.
    """
    known = seen(folder)
    try:
        said = look()
        out.print(Text("Watching; Ctrl-C ends.", style="dim"))
        nothing = Event()
        while True:
            nothing.wait(PAUSE)
            now = seen(folder)
            if now == known:
                continue
            while True:
                nothing.wait(PAUSE)
                later = seen(folder)
                if later == now:
                    break
                now = later
            names = changed(known, now)
            known = now
            if names:
                out.print(_headline(names))
                said = look()
    except KeyboardInterrupt:
        out.print()
        return said


def _headline(names: list[str]) -> Text:
    what = names[0] if len(names) == 1 else f"{len(names)} files"
    return Text(f"\n--- {datetime.now().astimezone():%H:%M:%S}: {what} changed", style="bold")
