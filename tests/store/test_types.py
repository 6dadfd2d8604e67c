"""Instants and texts come back as they went in, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import StatementError

from tests.store.samples import ATHENS, CLINIC, NOW
from worker.store import due, events
from worker.store.engine import read, write
from worker.store.schema import clock, quarantine
from worker.store.types import storable


def test_an_instant_comes_back_as_the_same_instant_in_utc(engine: Engine) -> None:
    with write(engine) as conn:
        due.set_demo_clock(conn, NOW.astimezone(ATHENS))
        back = due.demo_clock(conn)
    assert back == NOW
    assert back is not None
    assert back.tzinfo is UTC


def test_a_naive_instant_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="has no time zone"), write(engine) as conn:
        due.set_demo_clock(conn, datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_naive_instant_is_refused_in_a_condition_too(engine: Engine) -> None:
    with pytest.raises(StatementError, match="has no time zone"), read(engine) as conn:
        conn.execute(select(clock.c.id).where(clock.c.now < datetime(2026, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize("moment", [NOW, NOW.replace(microsecond=0), NOW.replace(microsecond=1)])
def test_a_database_compares_instants_as_python_does(engine: Engine, moment: datetime) -> None:
    with write(engine) as conn:
        due.set_demo_clock(conn, moment)
        for other in (
            moment - timedelta(microseconds=1),
            moment,
            moment.replace(second=16),
            moment.astimezone(ATHENS),
        ):
            found = conn.execute(select(clock.c.now <= other)).scalar_one()
            assert found == (moment <= other)


def test_a_text_that_no_database_can_keep_is_made_one_that_can(engine: Engine) -> None:
    raw = 'a\0b\ud800 Ελένη\n{"'
    with write(engine) as conn:
        events.quarantine(conn, CLINIC, "http", [(raw, ["one\ud800"]), ("plain", [])], NOW)
        rows = conn.execute(select(quarantine.c.raw, quarantine.c.errors).order_by(quarantine.c.id)).all()
    assert [tuple(row) for row in rows] == [('a\ufffdb\ufffd Ελένη\n{"', ["one\ud800"]), ("plain", [])]
    assert storable("Ελένη\n") == "Ελένη\n"


def test_json_is_kept_compact(engine: Engine) -> None:
    with write(engine) as conn:
        events.quarantine(conn, CLINIC, "http", [("x", ["a", "b"])], NOW)
        kept = conn.execute(text("SELECT CAST(errors AS TEXT) FROM quarantine")).scalar_one()
    assert kept == '["a","b"]'
