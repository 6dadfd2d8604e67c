"""One way to write, one way to read."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.store.samples import CLINIC, NOW, together
from worker.store.engine import make_engine, read, write
from worker.store.schema import audit, clinics, receipts


def _note(action: str) -> dict[str, object]:
    return {"clinic_id": CLINIC, "at": NOW, "actor": "test", "action": action, "detail": {}}


def _count(engine: Engine) -> int:
    with read(engine) as conn:
        return conn.execute(select(func.count()).select_from(audit)).scalar_one()


def _note_and_fail(engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(audit.insert(), _note("lost"))
        raise RuntimeError("stop")


def test_what_is_written_is_there_and_what_fails_is_not(engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(audit.insert(), _note("kept"))
    with pytest.raises(RuntimeError, match="stop"):
        _note_and_fail(engine)
    assert _count(engine) == 1


def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), read(engine) as conn:
        conn.execute(audit.insert(), _note("never"))
    with write(engine) as conn:
        conn.execute(audit.insert(), _note("the same connection writes again"))
    assert _count(engine) == 1


def test_a_reader_sees_one_snapshot(engine: Engine) -> None:
    with read(engine) as reader:
        before = reader.execute(select(func.count()).select_from(audit)).scalar_one()
        with write(engine) as writer:
            writer.execute(audit.insert(), _note("meanwhile"))
        assert reader.execute(select(func.count()).select_from(audit)).scalar_one() == before
    assert _count(engine) == before + 1


def test_writers_wait_for_each_other(engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(clinics.insert().values(clinic_id=CLINIC, rules_version=0, created_at=NOW))

    def one_more() -> None:
        for _ in range(20):
            with write(engine) as conn:
                row = select(clinics.c.rules_version).where(clinics.c.clinic_id == CLINIC).with_for_update()
                conn.execute(clinics.update().values(rules_version=conn.execute(row).scalar_one() + 1))

    together(one_more, one_more, one_more, one_more)
    with read(engine) as conn:
        assert conn.execute(select(clinics.c.rules_version)).scalar_one() == 80


def test_foreign_keys_hold(engine: Engine) -> None:
    with pytest.raises(IntegrityError), write(engine) as conn:
        conn.execute(
            receipts.insert().values(
                clinic_id=CLINIC, message_id="none", provider="x", status="x", at=NOW, raw={}
            )
        )


def test_sqlite_logs_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    engine = make_engine("sqlite:///revisit.db", data_dir=tmp_path / "made")
    with read(engine) as conn:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        assert [conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in names] == ["wal", 2, 30000, 1]
    engine.dispose()
    assert (tmp_path / "made" / "revisit.db").is_file()


@pytest.mark.parametrize("name", [f"new-{number}.db" for number in range(8)])
def test_a_new_sqlite_file_is_opened_by_many_at_once(tmp_path: Path, name: str) -> None:
    def look() -> int:
        engine = make_engine(f"sqlite:///{tmp_path / name}")
        try:
            with read(engine) as conn:
                return conn.execute(text("SELECT 1")).scalar_one()
        finally:
            engine.dispose()

    assert together(*[look] * 8) == [1] * 8


def test_a_folder_that_is_made_for_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    make_engine(f"sqlite:///{tmp_path}/data/revisit.db").dispose()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="SQLite needs a file"):
        make_engine("sqlite://")
