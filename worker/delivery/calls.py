"""The claims that a process has in hand at a time, each with a thread for its call: all that a kill can leave in doubt."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")
CALLS: Final = 8
"""How many claims a process has in hand at a time, where nobody says otherwise."""


class Calls:
    """Whoever claims takes places first, and gives them back when the answers are recorded. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._threads = ThreadPoolExecutor(most, "call")
        self._places = threading.Semaphore(most)

    def take(self, most: int) -> int:
        """Take places: as many as are free, `most` of them, and one at least; waits for that."""
        self._places.acquire()
        taken = 1
        while taken < most and self._places.acquire(blocking=False):
            taken += 1
        return taken

    def free(self, number: int) -> None:
        """Give places back."""
        self._places.release(number)

    def begin(self, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
        """Do the work in a thread, in a place that was taken; `tell` is given its result, or what it raised."""
        self._threads.submit(contextvars.copy_context().run, partial(self._do, work, tell))

    def close(self) -> None:
        """Begin no more, and wait for those that run."""
        self._threads.shutdown(wait=True)

    def _do(self, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
        result: T | BaseException
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (it is raised again by whoever waits for it)
            result = error
        tell(result)
