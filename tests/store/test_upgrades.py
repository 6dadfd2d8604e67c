"""A database of every earlier version, with data in every table, comes forward whole, and the program works with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Table,
    func,
    select,
)

from tests.web.site import MONDAY, a_person, an_event
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.store import migrate
from worker.store.engine import read, write
from worker.store.migrate import newest, upgrade
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms

MIGRATIONS = Path(migrate.__file__).parent / "migrations"
EARLIER = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[:-1]
SPECIAL: dict[str, Any] = {
    "state": "sent", "outcome": "accepted", "position": "0", "stage": "new", "clinic_id": "default", "change": "entered", "cause": "event",
}  # fmt: skip
EMPTY = {"enrollments", "clock", "receipts"}
"""`enrollments` have a test of their own (test_migrate_runs.py); a row of `clock` makes a demo of it; before 0003 nothing wrote `receipts`, which it makes anew."""


def _to(conn: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


def _filled(conn: Connection) -> dict[str, int]:
    """One row in every table that there is, by what its columns take; returns how many rows each table holds."""
    found = MetaData()
    found.reflect(conn)
    for table in found.sorted_tables:
        if table.name not in {*EMPTY, "alembic_version"}:
            wanted = [column.name for column in table.columns if not column.nullable and not _counted(column)]
            conn.execute(table.insert(), {name: _value(conn, table, name) for name in wanted})
    return {
        table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
        for table in found.sorted_tables
        if table.name != "alembic_version"
    }


def _counted(column: Column[Any]) -> bool:
    """Whether the database counts it up by itself."""
    return column.name in ("id", "seq") and column.primary_key and isinstance(column.type, Integer)


def _value(conn: Connection, table: Table, name: str) -> Any:
    column = table.c[name]
    for key in column.foreign_keys:
        return conn.execute(select(key.column)).scalars().first()
    if name in SPECIAL:
        return SPECIAL[name]
    kind = column.type
    if isinstance(kind, DateTime):
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC if conn.dialect.name == "postgresql" else None)
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, Boolean):
        return False
    return 1 if isinstance(kind, Integer) else f"{table.name}-{name}"


@pytest.mark.parametrize("revision", EARLIER)
def test_a_database_of_an_earlier_version_comes_forward_with_its_data_and_works(
    bare: Engine, revision: str
) -> None:
    with write(bare) as conn:
        _to(conn, revision)
        before = _filled(conn)
    assert len(before) > 15
    upgrade(bare)
    with read(bare) as conn:
        assert migrate.revision(conn) == newest()
        now = MetaData()
        now.reflect(conn)
        after = {
            name: conn.execute(select(func.count()).select_from(now.tables[name])).scalar_one()
            for name in before
        }
    assert after == before

    house = House(bare, "a secret of good length", "http://127.0.0.1:1", wall=lambda: MONDAY)
    publish(house, sample_rooms())
    taken = accept(house, "default", [an_event(1, patient=a_person())], "test")
    assert len(taken.jobs) == 1
    for job in taken.jobs:
        fold(house, job.clinic, [int(key) for key in job.ids])
    sweep(house)
    with read(bare) as conn:
        assert (
            conn.execute(
                select(now.tables["patients"].c.stage).where(now.tables["patients"].c.patient_id == "p-1")
            ).scalar()
            == "new"
        )


def test_there_are_earlier_versions_to_come_from() -> None:
    assert EARLIER[:3] == ["0001", "0002", "0003"]
    assert EARLIER[-1] < newest()
