"""Waiting for what other processes do: until it is so, never for a fixed time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], timeout: float, every: float = 0.02) -> T:
    """The first true value of `condition`, asked again and again, `every` so many seconds, for at most `timeout` seconds; else AssertionError."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not so within {timeout} s"
        Event().wait(every)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and is only not yet reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()
