"""`revisit run` as a process of its own, for the benchmarks that look at it from outside. Linux only: what it costs is read from /proc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOKEN: Final = "benchmark-token-of-some-length"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """One that runs: its process id, its address, its database."""

    pid: int
    url: str
    database: str

    def megabytes(self) -> float:
        """PSS of all its processes: their own pages, and their share of those that several hold."""
        total = 0
        for one in _tree(self.pid):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def cpu_seconds(self) -> float:
        """Seconds of a core that all its processes have used so far."""
        fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in _tree(self.pid)]
        return sum(int(each[11]) + int(each[12]) for each in fields) / _TICKS


@contextmanager
def running(folder: Path, files: Mapping[str, str] = {}, **more: str) -> Iterator[Running]:
    """It over new rooms, the shipped ones where no `files` are given; `more` is put into its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = f"sqlite:///{folder / 'revisit.db'}"
    ours = {
        "REVISIT_DATA_DIR": str(folder / "data"), "REVISIT_DATABASE_URL": database, "REVISIT_API_TOKEN": TOKEN,
        "REVISIT_SECRET_KEY": "benchmark" * 5, **more,
    }  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith("REVISIT_")} | ours
    base = [sys.executable, "-m", "worker"]
    rooms = folder / "rooms"
    if not files:
        subprocess.run(
            [*base, "init", str(rooms)], env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    for name, text in files.items():
        path = rooms / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    argv = [*base, "run", "--workspace", str(rooms), "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, env=env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), 60)
        yield Running(process.pid, url, database)
    finally:
        process.terminate()
        process.wait(40)


def until(asked: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
    """Wait for it. Raises RuntimeError where it does not come in so many seconds."""
    deadline = time.monotonic() + seconds
    while not asked():
        if time.monotonic() > deadline:
            raise RuntimeError("what was measured did not come so far in time")
        time.sleep(every)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _tree(int(child))
    return found
