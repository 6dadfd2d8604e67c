"""Another secret key would open every suppression without a word, so a database knows its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.delivery.desk import FILES
from worker.cli.app import app, register
from worker.service.publishing import publish
from worker.service.tokens import create, revoke
from worker.settings import Settings, SettingsError
from worker.store import outbox
from worker.store.engine import read, write
from worker.store.schema import audit, secret_key
from worker.wiring import open_house
from worker.workspace.house import House

AT = datetime(2026, 3, 1, tzinfo=UTC)
STOPPED = ("sms", "+306900000001")


@pytest.fixture
def used(database_url: str, tmp_path: Path) -> Iterator[tuple[Settings, House]]:
    """A database that was started with a key, and holds a suppression under it."""
    env = {
        "REVISIT_DATA_DIR": str(tmp_path / "data"), "REVISIT_DATABASE_URL": database_url, "REVISIT_SECRET_KEY": "key-of-may",
    }  # fmt: skip
    config = Settings.from_env(env, tmp_path)
    house = open_house(config)
    publish(house, FILES)
    with write(house.engine) as conn:
        outbox.suppress(conn, "default", "sms", house.hashed(*STOPPED), "opted_out", AT)
    yield config, house
    house.engine.dispose()


def opened(config: Settings) -> None:
    open_house(config).engine.dispose()


def test_another_secret_key_is_refused_and_the_way_out_is_named(used: tuple[Settings, House]) -> None:
    config, _ = used
    opened(config)
    with pytest.raises(SettingsError) as refused:
        opened(replace(config, given_secret_key="key-of-june"))
    said = str(refused.value)
    assert said.startswith("REVISIT_SECRET_KEY is not the key that this database was used with before")
    assert "the 1 suppressed addresses" in said and "accept-secret-key" in said
    assert "key-of-june" not in said and "key-of-may" not in said
    opened(config)


def test_a_secret_key_that_was_made_anew_because_its_file_is_gone_is_refused(
    used: tuple[Settings, House],
) -> None:
    config, _ = used
    with pytest.raises(SettingsError, match="secret_key"):
        opened(replace(config, given_secret_key=None))


def test_another_secret_key_is_taken_where_nothing_was_kept_under_the_one_before(
    used: tuple[Settings, House],
) -> None:
    config, house = used
    with write(house.engine) as conn:
        outbox.lift(conn, "default", "sms", house.hashed(*STOPPED), AT)
    create(house, "default", "booking", ["events"], "test")
    other = replace(config, given_secret_key="key-of-june")
    with pytest.raises(SettingsError, match="1 tokens"):
        opened(other)
    revoke(house, "default", "booking", "test")
    opened(other)
    create(house, "default", "booking", ["events"], "test")
    with pytest.raises(SettingsError):
        opened(config)


def test_a_person_may_accept_another_secret_key_and_it_stands_in_the_audit(
    used: tuple[Settings, House], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, house = used
    register()
    for name, value in {
        "REVISIT_DATABASE_URL": config.database_url, "REVISIT_SECRET_KEY": "key-of-june", "REVISIT_DATA_DIR": str(config.data_dir),
        "REVISIT_WORKSPACE": str(tmp_path), "LOGNAME": "maria",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["accept-secret-key", "--yes"])
    assert done.exit_code == 0 and "Lost: 1 suppressed addresses" in done.output
    opened(replace(config, given_secret_key="key-of-june"))
    with pytest.raises(SettingsError):
        opened(config)
    with read(house.engine) as conn:
        last = conn.execute(select(audit).order_by(audit.c.id.desc()).limit(1)).one()
    assert (last.actor, last.action) == ("user maria", "secret key changed")
    assert last.detail == {"suppressions": 1, "tokens": 0, "messages": 0}
    again = CliRunner().invoke(app, ["accept-secret-key", "--yes"])
    assert again.exit_code == 0 and "nothing is lost" in again.output


def test_the_mark_of_a_secret_key_does_not_tell_it(used: tuple[Settings, House]) -> None:
    config, house = used
    with read(house.engine) as conn:
        mark = conn.execute(select(secret_key.c.mark)).scalar_one()
    assert len(mark) == 64 and config.secret_key not in mark
    assert mark != house.hashed(*STOPPED)
