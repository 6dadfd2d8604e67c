"""Runs under way survive the step from the first tables to those of today."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Column, Engine, Integer, MetaData, Table, select
from sqlalchemy.types import TypeEngine

from tests.store.samples import CLINIC, a_run
from worker.domain.history import Enrollment
from worker.store import migrate
from worker.store.engine import read, write
from worker.store.migrate import upgrade
from worker.store.rows import ENROLLMENT, enrollment_of, enrollment_row
from worker.store.schema import enrollments

MIGRATIONS = Path(migrate.__file__).parent / "migrations"
LATER = {"reached_at", "listening_until", "heard", "held_out", "lot", "turn_at", "hears_from"}
"""The columns that the first tables had not."""


def _type(name: str) -> TypeEngine[Any]:
    return Integer() if name == "position" else enrollments.c[name].type


def test_a_run_of_the_first_tables_goes_on_and_hears_from_where_it_counted(bare: Engine) -> None:
    run = a_run()
    assert {field.name for field in fields(Enrollment)} >= LATER
    old = {name: value for name, value in enrollment_row(CLINIC, run).items() if name not in LATER}
    with write(bare) as conn:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
        first = Table("enrollments", MetaData(), *(Column(name, _type(name)) for name in old))
        conn.execute(first.insert(), {**old, "position": int(run.position)})
    upgrade(bare)
    with read(bare) as conn:
        (found,) = conn.execute(select(*ENROLLMENT).select_from(enrollments))
    assert enrollment_of(found) == run
    assert run.hears_from == run.based_at
