"""Bringing a database up to the tables of this program. Safe when several processes start at once: one migrates, the others wait and find it done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Engine, text

from worker.store.engine import LOCK_WAIT, file_lock, lock_file, write

_LOCK: Final = 0x7265766973697400 & 0x7FFFFFFFFFFFFFFF
"""The number of the advisory lock: the bytes of `revisit`."""


class MigrationError(RuntimeError):
    """The database cannot be brought up to this program; the message says why, and the way out."""


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision, all of it or nothing. Raises MigrationError for a database that is newer than the program."""
    with _alone(engine), write(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Another's migration may take longer than a lock may otherwise be waited for.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'"))
        config = _config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            if isinstance(error.__cause__, ResolutionError) or "locate revision" in str(error):
                raise MigrationError(
                    "the database was last used by a newer Revisit than this one; install that version again, or restore a backup"
                ) from error
            raise


def newest() -> str:
    """The revision that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """On SQLite the wait for another's migration may be longer than a transaction may wait."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with file_lock(lock_file(engine.url, "migrate")):
        yield
