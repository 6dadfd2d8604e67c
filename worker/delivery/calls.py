"""The calls of a process to its providers: so many at a time, each in a thread, and how many claims are worth having in hand for them.

Rules
1. A place is taken before a call begins and given back when what it said is written down: as many calls as there are places can be in doubt after a kill, and no more.
2. A claim that waits for a place only grows old. A process has no more in hand than its calls will have been made with in `SOON` seconds, as long as they take now.
3. Places go to who asked first.
4. Once the process is told to stop no more calls begin: what runs is waited for, and every other claim is given back.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")
CALLS: Final = 8
"""How many calls a process makes at a time, where nobody says otherwise."""
IN_HAND: Final = 128
"""How many claims a process has in hand at most."""
SOON: Final = 8.0
_LATELY: Final = 0.1
"""The share of the newest call in what calls take now."""

Wake = Callable[[], None]


class Calls:
    """Shared by the threads of a process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._threads = ThreadPoolExecutor(most, "call")
        self._lock = threading.Condition()
        self._free, self._claims, self._seconds = most, 0, 0.1
        self._waiting: deque[Wake] = deque()
        self.ending = False

    def end(self, ending: bool = True) -> None:
        """The process is told to stop (or, with False, works again)."""
        self.ending = ending

    def claim(self, wanted: int) -> int:
        """How many claims may be taken in hand: `wanted` of them or fewer, one at least; waits for that."""
        with self._lock:
            self._lock.wait_for(lambda: self._claims < self._worth())
            given = min(wanted, self._worth() - self._claims)
            self._claims += given
            return given

    def claimed(self, number: int) -> None:
        """So many are not in hand any more."""
        with self._lock:
            self._claims -= number
            self._lock.notify_all()

    def take(self, wanted: int, wake: Wake) -> int:
        """Take places: as many as are free, `wanted` at most. Where none is free, `wake` is called when that has changed."""
        with self._lock:
            taken = min(wanted, self._free)
            self._free -= taken
            if not taken and wake not in self._waiting:
                self._waiting.append(wake)
        self.free(0)
        return taken

    def free(self, number: int) -> None:
        """Give places back; whoever waits longest is woken."""
        with self._lock:
            self._free += number
            wake = self._waiting.popleft() if self._free and self._waiting else None
        if wake is not None:
            wake()

    def wanted(self) -> bool:
        """Whether somebody waits for a place."""
        return bool(self._waiting)

    def leave(self, wake: Wake) -> None:
        """Wait no longer."""
        with self._lock:
            if wake in self._waiting:
                self._waiting.remove(wake)
        self.free(0)

    def begin(self, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
        """Do the work in a thread, in a place that was taken; `tell` is given its result, or what it raised."""
        self._threads.submit(contextvars.copy_context().run, partial(self._do, work, tell))

    def close(self) -> None:
        """Begin no more, and wait for those that run."""
        self._threads.shutdown(wait=True)

    def _worth(self) -> int:
        return max(self.most, min(IN_HAND, int(self.most * SOON / self._seconds)))

    def _do(self, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
        result: T | BaseException
        began = time.monotonic()
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (it is raised again by whoever waits for it)
            result = error
        self._seconds += (max(time.monotonic() - began, 0.001) - self._seconds) * _LATELY
        tell(result)
