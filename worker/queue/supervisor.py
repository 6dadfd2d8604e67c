"""Keeps the processes of one machine running: starts them, starts again one that ends, stops them all together.

The children stay in our process group, write to our output, and end when we end, however we end (see `tether`). They are told to stop with
SIGTERM only: a Ctrl-C at the terminal is heard here and passed on as SIGTERM.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.queue.tether import spawn

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 30.0
FIRST_BACKOFF: Final = 0.2
MAX_BACKOFF: Final = 10.0
LOOK_SECONDS: Final = 0.1
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Child:
    """One process to keep: its name for the log, its command, its environment (ours where it is None)."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None


class _Kept:
    """A child and its state: the running process, or the moment at which to start the next one."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.start_at = 0.0
        self.quick_ends = 0

    def look(self, now: float) -> None:
        if self.process is None:
            if now >= self.start_at:
                self.process = spawn(self.child.argv, env=self.child.env)
                self.started = now
            return
        code = self.process.poll()
        if code is None:
            return
        self.process = None
        self.quick_ends = 0 if now - self.started > MAX_BACKOFF else self.quick_ends + 1
        pause = min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** max(0, self.quick_ends - 1))
        self.start_at = now + pause
        log.warning("%s ended (%s); starting it again in %.1f s", self.child.name, _meaning(code), pause)


class Supervisor:
    """`run()` keeps the children until `stop()`, SIGTERM, SIGINT or SIGHUP. A second signal kills at once."""

    def __init__(self, children: Sequence[Child], *, grace: float = GRACE_SECONDS) -> None:
        self._kept = [_Kept(child) for child in children]
        self._grace = grace
        self._asked = 0

    def stop(self) -> None:
        """Ask `run()` to stop the children and return; from any thread or signal handler."""
        self._asked += 1

    def run(self, *, handle_signals: bool = True) -> None:
        """Keep the children until told to stop; then wait for them, at most `grace` seconds, and kill what is left.

        With `handle_signals` it must be called in the main thread; the handlers found are put back at the end.
        """
        before = self._listen() if handle_signals else {}
        try:
            while not self._asked:
                for kept in self._kept:
                    kept.look(time.monotonic())
                time.sleep(LOOK_SECONDS)
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _listen(self) -> dict[signal.Signals, Any]:
        before: dict[signal.Signals, Any] = {}
        for number in SIGNALS:
            # Whoever started us with nohup wants hang-ups ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda *_: self.stop())
        return before

    def _end(self) -> None:
        running = [process for kept in self._kept if (process := kept.process) is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._asked > 1:
                for kept in self._kept:
                    if kept.process is not None and kept.process.poll() is None:
                        log.warning("%s did not stop and is killed", kept.child.name)
                        kept.process.kill()
            time.sleep(0.02)
        for kept in self._kept:
            kept.process = None


def _meaning(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
