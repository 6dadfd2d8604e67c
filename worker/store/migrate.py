"""Bringing a database up to the tables of this program. Safe when several processes start at once: one migrates, the others wait and find it done.

A database that is up to date costs one query: Alembic is loaded only where there is something to do, since every command opens the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from worker.store.engine import LOCK_WAIT, file_lock, lock_file, read, write

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x7265766973697400 & 0x7FFFFFFFFFFFFFFF
"""The number of the advisory lock: the bytes of `revisit`."""


class MigrationError(RuntimeError):
    """The database cannot be brought up to this program; the message says why, and the way out."""


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision, all of it or nothing. Raises MigrationError for a database that is newer than the program."""
    with read(engine) as connection:
        if revision(connection) == newest():
            return
    _migrate(engine)


def newest() -> str:
    """The revision that this program works with: the last of its files, which are named by their revisions."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision(connection: Connection) -> str | None:
    """The revision of the tables; None for a database without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    with _alone(engine), write(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Another's migration may take longer than a lock may otherwise be waited for.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'"))
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            if isinstance(error.__cause__, ResolutionError) or "locate revision" in str(error):
                raise MigrationError(
                    "the database was last used by a newer Revisit than this one; install that version again, or restore a backup"
                ) from error
            raise


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """On SQLite the wait for another's migration may be longer than a transaction may wait."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with file_lock(lock_file(engine.url, "migrate")):
        yield
