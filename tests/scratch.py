"""Where the tests keep their files: in memory, where the machine has room for it. A commit of SQLite waits for the disk, and the tests commit by the ten thousand.

Rules
1. Whoever sets TMPDIR has chosen. Else /dev/shm is taken, if programs may be started from it and `ROOM` is free; else all stays as it is.
2. What is left of runs that were killed goes with the next run: a folder bears the number of the process that made it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tests.eventually import alive

MEMORY = Path("/dev/shm")
PREFIX = "revisit-tests-"
ROOM = 4 * 1024**3


def take() -> Path | None:
    """Let this process and those that it starts keep temporary files in memory. The folder, for `leave`; None where nothing was taken."""
    if "TMPDIR" in os.environ or not _has_room():
        return None
    for old in MEMORY.glob(f"{PREFIX}*"):
        if not alive(int(old.name.removeprefix(PREFIX))):
            shutil.rmtree(old, ignore_errors=True)
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o711)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def leave(folder: Path) -> None:
    """Free the memory."""
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.pop("TMPDIR", None)
    tempfile.tempdir = None


def _has_room() -> bool:
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return False
    can_run = not found.f_flag & getattr(os, "ST_NOEXEC", 0)
    return can_run and found.f_bavail * found.f_frsize >= ROOM
