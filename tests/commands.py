"""The `revisit` command in this process: what it says and how it ends, without the second and a half that a new process takes to load the program.

For commands that come to an end by themselves. What is about processes (signals, roles, memory, a missing library) starts one.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import structlog

from worker.cli import app as frame
from worker.logs import _NOISY

WIDTH = 80
"""Of a terminal that does not tell."""


def said(*words: str, env: Mapping[str, str], cwd: Path, answers: str | None = None) -> CompletedProcess[str]:
    """Run a command to its end, as from the shell, with this environment and nothing of ours. `answers` are what is typed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    typed = io.TextIOWrapper(io.BytesIO((answers or "").encode()), "utf-8")
    code = 0
    with (
        _logging_as_it_was(),
        patch.dict(os.environ, dict(env), clear=True),
        patch.object(sys, "argv", ["revisit", *words]),
        patch.object(sys, "stdin", typed),
        patch.object(frame.out, "_width", int(env.get("COLUMNS", WIDTH))),
        patch.object(frame.err, "_width", int(env.get("COLUMNS", WIDTH))),
        redirect_stdout(out),
        redirect_stderr(err),
        chdir(cwd),
    ):
        try:
            frame.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    told = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return CompletedProcess(["revisit", *words], code, *told)


@contextmanager
def _logging_as_it_was() -> Iterator[None]:
    """A command sets up logging for its whole process; here that is undone."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, hooks = list(root.handlers), (threading.excepthook, sys.unraisablehook)
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, _NOISY))}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        threading.excepthook, sys.unraisablehook = hooks
        for logger, level in levels.items():
            logger.setLevel(level)
        structlog.configure(**configured)
