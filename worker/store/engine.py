"""How to reach the database: one engine for SQLite and PostgreSQL, one way to read and one way to write.

Rules
1. `write` is one transaction that sees what it changes: SQLite takes the write lock at once (BEGIN IMMEDIATE), PostgreSQL locks rows as they are read for update.
   It waits for a lock for up to 30 seconds, then the driver's error goes up; nothing is tried again in silence.
2. `read` is one snapshot and refuses to write.
3. A commit is durable: SQLite syncs the log (WAL, synchronous=FULL), PostgreSQL does what its server is set to.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from worker.store.types import from_json, to_json

LOCK_WAIT: Final = 30
"""Seconds to wait for a lock that another transaction holds."""
AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)
"""What says nothing of the work that was being done: the database is away, or too busy."""

_BEGIN: Final = "revisit_begin"


def make_engine(url: str | URL, *, data_dir: Path | None = None) -> Engine:
    """An engine with a pool for threads. A relative SQLite file lies in `data_dir`; its folder is made. Opens no connection yet."""
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        return _sqlite(found, data_dir)
    engine = create_engine(
        found, json_serializer=to_json, json_deserializer=from_json, isolation_level="READ COMMITTED", pool_pre_ping=True, pool_size=5, max_overflow=10,
        pool_recycle=1800, connect_args={"connect_timeout": 10, "application_name": "revisit"},
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_postgres)
    return engine


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write; commits at the end, rolls back on any exception."""
    with engine.connect() as connection:
        connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        with connection.begin():
            yield connection


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """One snapshot of the database, to read only."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _query_only(connection), connection.begin():
                yield connection
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Held by one process at a time, freed when it ends, however it ends."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def lock_file(url: URL, what: str) -> Path:
    """The file beside a SQLite database that guards what SQLite itself cannot; one for each thing that is done alone."""
    return Path(f"{url.database}.{what}.lock")


def _sqlite(url: URL, data_dir: Path | None) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError(
            "several connections share the database, so SQLite needs a file: sqlite:////absolute/path/revisit.db"
        )
    if not url.database.startswith("file:"):
        path = (data_dir or Path()).absolute() / url.database
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = url.set(database=str(path))
    engine = create_engine(
        url,
        json_serializer=to_json,
        json_deserializer=from_json,
        pool_size=8,
        max_overflow=32,
        pool_timeout=LOCK_WAIT,
        connect_args={"timeout": LOCK_WAIT},
    )

    def prepare(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: it would begin them without the write lock, and too late.
        connection.isolation_level = None
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # Two processes that switch a new database at once get "database is locked" at once, without waiting.
            with file_lock(lock_file(url, "open")):
                connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


@contextmanager
def _query_only(connection: Connection) -> Iterator[None]:
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        raw.execute("PRAGMA query_only=OFF")


def _prepare_postgres(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}s'")
        cursor.execute("SET timezone = 'UTC'")
    connection.commit()
