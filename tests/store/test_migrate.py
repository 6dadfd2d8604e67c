"""Migrations make exactly the tables that the program works with, once, whoever starts first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from worker.store import migrate
from worker.store.engine import make_engine, read, write
from worker.store.migrate import MigrationError, newest, upgrade
from worker.store.schema import metadata

ROOT = Path(__file__).parents[2]
UPGRADE = """
import sys
from worker.store.engine import make_engine
from worker.store.migrate import upgrade
engine = make_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(engine)
"""


def _shape(conn: Connection) -> set[str]:
    """Every table and index as the database itself tells it, in an order-free form."""
    if conn.dialect.name == "sqlite":
        found = conn.execute(
            text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'")
        ).scalars()
        lines = [re.sub(r"\s+", " ", sql) for sql in found]
        return {", ".join(sorted(part.strip(" )") for part in line.split(","))) for line in lines}
    columns = text(
        "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity) FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = text(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    keys = text(
        "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conname <> 'alembic_version_pkc' AND connamespace = 'public'::regnamespace"
    )
    return {row for query in (columns, indexes, keys) for row in conn.execute(query).scalars()}


def test_the_migrated_tables_are_those_of_the_program(engine: Engine) -> None:
    with read(engine) as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []


def test_the_migrated_tables_are_the_same_to_the_letter(engine: Engine) -> None:
    with read(engine) as conn:
        migrated = _shape(conn)
    with write(engine) as conn:
        metadata.drop_all(conn)
        metadata.create_all(conn)
    with read(engine) as conn:
        assert _shape(conn) == migrated
    assert len(migrated) > 50


def test_the_newest_revision_is_that_of_the_last_file() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    assert newest() == ScriptDirectory.from_config(config).get_current_head()


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    with read(engine) as conn:
        before = _shape(conn)
    upgrade(engine)
    with read(engine) as conn:
        assert _shape(conn) == before
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest()]


def test_processes_that_start_at_once_migrate_once(bare_database_url: str) -> None:
    argv = [sys.executable, "-W", "error", "-c", UPGRADE, bare_database_url]
    started = [
        subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    engine = make_engine(bare_database_url)
    with read(engine) as conn:
        assert set(metadata.tables) <= set(inspect(conn).get_table_names())
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest()]
    engine.dispose()


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="a newer Revisit"):
        upgrade(engine)


def test_a_migration_that_fails_leaves_nothing(bare: Engine) -> None:
    with write(bare) as conn:
        conn.execute(text("CREATE TABLE traces (x INTEGER)"))
    with pytest.raises(Exception, match="traces"):
        upgrade(bare)
    with read(bare) as conn:
        assert inspect(conn).get_table_names() == ["traces"]
