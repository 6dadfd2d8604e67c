"""One memory of compiled SQL for all engines of a test process, as a running role has: nearly every test makes an engine of its own and would compile every statement anew.

What is remembered hangs on the kind of database and on the statement. All engines here come from `worker.store.engine`, with the same options for one kind, so what one
compiled serves the others.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Connection, Engine, event


class Compiled(dict[Any, Any]):
    """Compiled statements by SQLAlchemy's keys, less the dialect's identity, which each engine has its own of."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[1:], value)


_COMPILED: Final[defaultdict[str, Compiled]] = defaultdict(Compiled)


def share() -> None:
    """Let all engines of this process remember together, from now on."""
    event.listen(Engine, "engine_connect", _remember)


def _remember(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED[connection.dialect.name])
