"""`revisit start` as a person at the clinic gives it: where it stands is read from the database, looking changes nothing but the audit, and going live wants the clinic's name."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.delivery.test_enrolling import FILES
from worker.cli.app import app, register
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.store import due, schema
from worker.store.engine import make_engine, read, write
from worker.workspace.house import House

TODAY = datetime(2026, 6, 15, 7, tzinfo=UTC)
CLINIC = "config/clinic.yaml"


@pytest.fixture
def house(tmp_path: Path, _tables_of_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A clinic in rehearsal with three patients who were away for long, its folder and its database below `tmp_path`."""
    files = {**FILES, CLINIC: FILES[CLINIC].replace("mode: live", "mode: rehearsal # not yet")}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    shutil.copyfile(_tables_of_sqlite, tmp_path / "revisit.db")
    for name in ("REVISIT_DATABASE_URL", "REVISIT_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVISIT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REVISIT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("REVISIT_SECRET_KEY", "secret-of-the-tests")
    engine = make_engine(f"sqlite:///{tmp_path / 'revisit.db'}")
    with write(engine) as conn:
        due.set_demo_clock(conn, TODAY)
    found = House(engine, "secret-of-the-tests", "http://127.0.0.1:8000", demo=True)
    publish(found, files)
    told = [
        {
            "specversion": "1.0", "id": f"e-{number}", "source": "/t", "type": "visit.completed", "subject": f"p-{number}", "time": "2024-03-01T10:00:00Z",
            "data": {
                "appointment_id": f"a-{number}", "starts_at": "2024-03-01T10:00:00Z", "historical": True,
                "patient": {"first_name": "A", "phone": f"+3069000000{number:02}", "consent": {"sms": ["marketing"]}},
            },
        }
        for number in range(3)
    ]  # fmt: skip
    for job in accept(found, "default", told, "test").jobs:
        fold(found, "default", [int(key) for key in job.ids])
    register()
    return found


def start(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["start", *words])
    assert result.exit_code == code, result.output
    return result.output


def done(said: str) -> list[str]:
    return [line.split()[2] for line in said.splitlines() if line.startswith(" ✓")]


def test_each_look_is_kept_and_an_edit_asks_for_another(house: House, tmp_path: Path) -> None:
    assert done(start()) == []
    assert "Next: revisit start --step segments" not in start()
    start("--step", "segments")
    start("--step", "rehearsal")
    assert done(start()) == ["segments", "rehearsal"]
    six = tmp_path / "journeys" / "six.yaml"
    six.write_text(six.read_text().replace("3 weeks", "4 weeks"))
    assert "The folder says other than what is in force." in start()
    publish(house, {p.relative_to(tmp_path).as_posix(): p.read_text() for p in tmp_path.rglob("*.*") if p.suffix in (".yaml", ".j2")})  # fmt: skip
    again = start()
    assert done(again) == []
    assert "look again" in again


def test_live_wants_the_rehearsal_and_the_name_and_lets_in_once(house: House, tmp_path: Path) -> None:
    assert "Look at the rehearsal" in start("--step", "live", "--confirm", "C", code=1)
    said = start("--step", "rehearsal", "--rollout", "twelve")
    assert "Hello A from C" in said
    assert "add --yes" in start("--step", "allow_list", "--allow", "690 000 0099", code=1)
    start("--step", "allow_list", "--allow", "690 000 0099", "--yes")
    assert (tmp_path / CLINIC).read_text() == FILES[CLINIC].replace("live", "allow_list # not yet") + 'allow_list: ["+306900000099"]\n'  # fmt: skip
    assert "--confirm" in start("--step", "live", code=1)
    assert "is not the clinic's name" in start("--step", "live", "--confirm", "D", code=1)
    assert "Nothing was changed" in start("--step", "live", "--rollout", "twelve", "--dry-run")
    assert "mode: allow_list" in (tmp_path / CLINIC).read_text()
    start("--step", "live", "--rollout", "twelve", "--confirm", "c")
    assert "mode: live # not yet" in (tmp_path / CLINIC).read_text()
    again = start("--step", "live", "--rollout", "twelve", "--enroll-existing", "--confirm", "c")
    assert "under way since 2026-06-15; its second half begins on 2026-08-14" in again
    with read(house.engine) as conn:
        members = conn.execute(select(schema.rollout_members.c.half)).scalars().all()
        runs = conn.execute(select(schema.enrollments.c.id)).scalars().all()
        acts = conn.execute(select(schema.audit.c.action, schema.audit.c.detail)).all()
    assert len(members) == 3
    assert len(runs) == members.count(1)
    assert [(d["from"], d["to"]) for action, d in acts if action == "mode changed"] == [("rehearsal", "allow_list"), ("allow_list", "live")]  # fmt: skip
    assert "twelve, in two halves since 2026-06-15" in start()


def test_what_can_not_be_asked_for_is_said(house: House) -> None:
    assert "give both" in str(CliRunner().invoke(app, ["start", "--journey", "six"]).exception)
    assert "No journey is called `seven`" in start("--step", "rehearsal", "--rollout", "seven", code=1)
    wrong = CliRunner().invoke(app, ["start", "--step", "allow_list", "--allow", "me"]).exception
    assert "neither a phone number nor an e-mail address" in str(wrong)
