"""Child processes that cannot outlive the process that started them, even when that one is killed with SIGKILL.

The child runs through `tether_exec.py`, which ties it to us and then becomes the command, keeping its process id. Linux: the kernel's
parent-death signal. Elsewhere: a watcher on a pipe that closes with us. The kernel's signal fires when the *thread* that started the
child ends, so every child is started from one thread that lives as long as this process. A child does not hear Ctrl-C: whoever started
it tells it to stop with SIGTERM.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Literal

Tie = Literal["prctl", "pipe"]
DEFAULT_TIE: Tie = "prctl" if sys.platform == "linux" else "pipe"

_SCRIPT = Path(__file__).with_name("tether_exec.py")
_Job = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]


class _Spawner:
    """One thread that starts every child of this process and never ends before it."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="spawner", daemon=True).start()

    def _work(self) -> None:
        while True:
            start, result = self._jobs.get()
            try:
                result.set_result(start())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
                result.set_exception(error)

    def run(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        result: Future[subprocess.Popen[bytes]] = Future()
        self._jobs.put((start, result))
        return result.result()


_spawners: dict[int, _Spawner] = {}
_spawners_lock = threading.Lock()


def _spawner() -> _Spawner:
    # By process id: a forked copy of this process has the dictionary but not the thread.
    with _spawners_lock:
        pid = os.getpid()
        if pid not in _spawners:
            _spawners.clear()
            _spawners[pid] = _Spawner()
        return _spawners[pid]


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    tie: Tie = DEFAULT_TIE,
) -> subprocess.Popen[bytes]:
    """Start `argv` in our process group, with our output unless told otherwise; it is killed when this process ends.

    The returned process's `pid` is the command's own. A command that cannot be started ends with code 127 and says so on its error output.
    """
    read_end = write_end = -1
    keep = tuple(pass_fds)
    if tie == "pipe":
        # The write end stays open, and is never given to anybody, until this process ends.
        read_end, write_end = os.pipe()
        keep = (*keep, read_end)
    command = [
        sys.executable,
        "-I",
        "-S",
        str(_SCRIPT),
        str(os.getpid()),
        tie if tie == "prctl" else str(read_end),
        *argv,
    ]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=keep,
        )

    try:
        return _spawner().run(start)
    except BaseException:
        if write_end >= 0:
            os.close(write_end)
        raise
    finally:
        if read_end >= 0:
            os.close(read_end)
