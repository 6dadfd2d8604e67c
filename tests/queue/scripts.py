"""Small programs that the tests run as processes of their own, and what they print."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).parents[2]


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program of its own process; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=False,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        said(process).close()


def said(process: subprocess.Popen[str]) -> IO[str]:
    return cast("IO[str]", process.stdout)


def next_line(process: subprocess.Popen[str]) -> str:
    line = said(process).readline()
    assert line, f"the process ended with {process.poll()} and said nothing"
    return line.strip()
