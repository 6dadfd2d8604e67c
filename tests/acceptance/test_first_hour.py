"""The first hour as docs/how-to/first-hour.md tells it: its own commands, from two files to a rehearsal, and nothing has left."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from tests.acceptance.system import REVISIT, clean_environment
from tests.standins.sendgrid import API_KEY, SendGridStandin
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from worker.service.rollout import half_of
from worker.store import due, schema
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "first-hour.md"
TODAY = datetime(2026, 6, 15, 7, tzinfo=UTC)


def told() -> list[str]:
    """The commands of the page, in order."""
    return [line for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines()]  # fmt: skip


def test_the_first_hour_ends_with_a_strategy_and_a_rehearsal_and_nothing_has_left(tmp_path: Path) -> None:
    for name in ("patients.csv", "appointments.csv"):
        shutil.copy(ROOT / "tests" / "data" / "first_hour" / name, tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    engine = make_engine(f"sqlite:///{data / 'revisit.db'}")
    upgrade(engine)
    with write(engine) as conn:
        due.set_demo_clock(conn, TODAY)
    said: dict[str, str] = {}
    with TwilioStandin() as sms, SendGridStandin() as email:
        env = {
            **clean_environment(), "PATH": f"{REVISIT.parent}{os.pathsep}{os.environ['PATH']}", "REVISIT_DATA_DIR": str(data), "COLUMNS": "120",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_BASE_URL": sms.url,
            "SENDGRID_API_KEY": API_KEY, "SENDGRID_BASE_URL": email.url,
        }  # fmt: skip
        folder = tmp_path
        for line in told():
            if line.startswith("cd "):
                folder /= line.removeprefix("cd ")
                continue
            ran = subprocess.run(line.split(), cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
            assert ran.returncode == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"
            said[line.partition(" --")[0]] = ran.stdout
        assert not sms.requests
        assert not email.requests
    away = {f"P{number:03}" for number in range(1, 41)}
    first = sum(half_of("default", "win_back_12", patient) == 1 for patient in away)
    rehearsal = said["revisit start"]
    assert re.search(rf"^win_back_12 +40 +0 +40 +0 +{first} +{40 - first} ", rehearsal, re.MULTILINE)
    assert "win_back_12, as its readers would see it" in rehearsal
    assert "Our invitation, until 14 August 2026: a skin review" in rehearsal
    assert re.search(r"No leave to write +[1-9]", rehearsal)
    assert (folder / "audit.html").stat().st_size > 10_000
    assert "Invite patients we have not seen for a year" in (folder / "strategy.html").read_text()
    with read(engine) as conn:
        for table in (schema.messages, schema.enrollments, schema.attempts, schema.rollouts):
            assert conn.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name
    engine.dispose()
