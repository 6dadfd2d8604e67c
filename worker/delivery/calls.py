"""The calls of a process to its providers: so many at a time, each in a thread, and how many claims are worth having in hand for them.

Rules
1. A place is taken before a call begins and given back when what it said is written down: as many calls as there are places can be in doubt after a kill, and no more.
2. There are as many places as threads, and one for each call more that the threads would be through with in `SHORT` seconds, so that no thread waits for the database between two calls:
   a provider that takes its time has hardly more places than threads.
3. A call that has waited for its thread for longer than `FRESH` is not made: what was known when it began is old.
4. A claim that waits for a place only grows old. A process has no more in hand than its calls will have been made with in `SOON` seconds, as long as they take now.
5. Places go to one batch at a time, who asked first, for `TURN` seconds where others wait: calls that begin together cost one transaction.
6. Once the process is told to stop no more calls begin: what runs is waited for, and every other claim is given back.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")
L = TypeVar("L")
CALLS: Final = 8
"""How many calls a process makes at a time, where nobody says otherwise."""
IN_HAND: Final = 256
"""How many claims a process has in hand at most."""
SOON: Final = 8.0
SHORT: Final = 0.06
MOST_AHEAD: Final = 3
"""No more calls wait for a thread than so many for each."""
FRESH: Final = 0.5
TURN: Final = 1.0
ONE_CLAIM: Final = 0.5
_LATELY: Final = 0.1
"""The share of the newest call in what calls take now."""

Wake = Callable[[], None]


class Calls:
    """Shared by the threads of a process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._threads = ThreadPoolExecutor(most, "call")
        self._lock = threading.Condition()
        self._used, self._claims, self._seconds = 0, 0, 0.1
        self._waiting: deque[Wake] = deque()
        self._turn_ends = 0.0
        self._claiming = threading.Lock()
        self.running = 0
        """How many calls have begun and are not over."""
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

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """One batch after the other is claimed: of two at once both are ready late. Nobody waits longer than `ONE_CLAIM` for another, whose patients may be locked by somebody."""
        mine = self._claiming.acquire(timeout=ONE_CLAIM)
        try:
            yield
        finally:
            if mine:
                self._claiming.release()

    def claimed(self, number: int) -> None:
        """So many are not in hand any more."""
        with self._lock:
            self._claims -= number
            self._lock.notify_all()

    @property
    def places(self) -> int:
        """How many calls may have begun at a time."""
        return self.most + min(MOST_AHEAD * self.most, int(self.most * SHORT / self._seconds))

    def turn(self, wake: Wake) -> bool:
        """Whether places are for the one with this `wake` now. If not, or where there are too few, `wake` is called when that has changed; until `leave` it has its place among those who wait."""
        now = time.monotonic()
        with self._lock:
            if wake not in self._waiting:
                self._waiting.append(wake)
            if self._waiting[0] != wake:
                return False
            if self._turn_ends == 0.0:
                self._turn_ends = now + TURN
            if now < self._turn_ends or len(self._waiting) == 1:
                return True
            self._waiting.rotate(-1)
            self._turn_ends = 0.0
        self.free(0)
        return False

    def take(self, wanted: int) -> int:
        """Take places: as many as are free, `wanted` at most."""
        with self._lock:
            taken = max(min(wanted, self.places - self._used), 0)
            self._used += taken
            return taken

    def free(self, number: int) -> None:
        """Give places back; whose turn it is, is woken."""
        with self._lock:
            self._used -= number
            wake = self._waiting[0] if self._waiting else None
        if wake is not None:
            wake()

    def wanted(self) -> bool:
        """Whether somebody waits for a place."""
        return bool(self._waiting)

    def leave(self, wake: Wake) -> None:
        """Wait no longer."""
        with self._lock:
            if wake not in self._waiting:
                return
            if self._waiting[0] == wake:
                self._turn_ends = 0.0
            self._waiting.remove(wake)
        self.free(0)

    def begin(self, work: Callable[[], T], late: L, tell: Callable[[T | L | BaseException], None]) -> None:
        """Do the work in a thread, in a place that was taken; `tell` is given its result, or what it raised, or `late` where it was not done because no thread was free for too long."""
        with self._lock:
            self.running += 1
        before = time.monotonic() + FRESH
        self._threads.submit(contextvars.copy_context().run, partial(self._do, work, late, before, tell))

    def close(self) -> None:
        """Begin no more, and wait for those that run."""
        self._threads.shutdown(wait=True)

    def _worth(self) -> int:
        return max(self.most, min(IN_HAND, int(self.most * SOON / self._seconds)))

    def _do(
        self, work: Callable[[], T], late: L, before: float, tell: Callable[[T | L | BaseException], None]
    ) -> None:
        result: T | L | BaseException
        began = time.monotonic()
        try:
            result = work() if began < before else late
        except BaseException as error:  # noqa: BLE001 (it is raised again by whoever waits for it)
            result = error
        with self._lock:
            self.running -= 1
            if began < before:
                self._seconds += (max(time.monotonic() - began, 0.001) - self._seconds) * _LATELY
        tell(result)
