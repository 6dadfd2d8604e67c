"""`revisit run` from the moment that it has put the rooms in force: it keeps the queue and the roles, and does nothing else.

`python -m worker.queue.machine` takes the place of the command, as the same process. What the command needed to publish is gone with it:
a process that only waits holds some 10 MB instead of 90, and the logging of other processes is loaded with the first line that it has to say.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from worker.queue.embedded import QueueError, ensure
from worker.queue.supervisor import Child, Supervisor

URL: Final = "REVISIT_REDIS_URL"


def become(children: Mapping[str, Sequence[str]], data_dir: Path | None, env: Mapping[str, str]) -> NoReturn:
    """Be it, from now on. `children` are the commands by name; `data_dir` holds the embedded queue, None where `env` names another."""
    told = {
        "children": {name: list(argv) for name, argv in children.items()},
        "data_dir": str(data_dir) if data_dir is not None else None,
    }
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "worker.queue.machine", json.dumps(told)], dict(env))  # noqa: S606


def main() -> int:
    """Keep everything until told to stop."""
    told = json.loads(sys.argv[1])
    logging.getLogger().addHandler(_Later())
    logging.getLogger().setLevel(logging.INFO)
    data_dir: str | None = told["data_dir"]
    try:
        handle = ensure(Path(data_dir)) if data_dir is not None else None
    except QueueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if handle is not None:
        os.environ[URL] = handle.url
    try:
        Supervisor([Child(name, tuple(argv)) for name, argv in told["children"].items()]).run()
    finally:
        if handle is not None:
            handle.stop()
    return 0


class _Later(logging.Handler):
    """Stands for the log's real handler until there is something to say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Put the real one in its place, and hand on."""
        from worker.logs import set_up_logging

        set_up_logging()
        root = logging.getLogger()
        if record.levelno >= root.level:
            root.handle(record)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
